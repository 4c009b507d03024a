/*
 * Names, writing and removing of a figure's files; see picture_files.h.
 */
#include "harness/plot/picture_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const picture_endings[] = {"svg", "png", NULL};
enum { PICTURES = sizeof picture_endings / sizeof *picture_endings - 1 };

static bool is_one_of(const char *ending, const char *const *endings) {
    for (; *endings; endings++)
        if (strcmp(ending, *endings) == 0) return true;
    return false;
}

static bool make_folder(const char *path, struct error *error) {
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return true;
    return error_set(error, "cannot make the folder '%s': %s; name another one with --out", path,
                     strerror(errno));
}

bool picture_files_open(const char *folder, const char *db, struct picture_files *out,
                        struct error *error) {
    const char *slash = strrchr(db, '/');
    char *wanted = NULL, *data = NULL;
    *out = (struct picture_files){0};
    int n = folder ? asprintf(&wanted, "%s", folder)
                   : asprintf(&wanted, "%.*sfigures", slash ? (int)(slash - db) + 1 : 0, db);
    bool ok = n >= 0 ? make_folder(wanted, error) : error_set(error, "out of memory");
    if (ok && !(out->folder = realpath(wanted, NULL)))
        ok = error_set(error, "%s: %s", wanted, strerror(errno));
    if (ok && asprintf(&data, "%s/data", out->folder) < 0) ok = error_set(error, "out of memory");
    ok = ok && make_folder(data, error);
    free(data);
    if (n >= 0) free(wanted);
    if (!ok) picture_files_close(out);
    return ok;
}

void picture_files_close(struct picture_files *files) {
    free(files->folder);
    *files = (struct picture_files){0};
}

char *picture_files_path(const struct picture_files *files, const char *name, size_t page,
                         const char *ending) {
    char number[32] = "", *path = NULL;
    if (page > 0) snprintf(number, sizeof number, "-%zu", page + 1);
    int n = asprintf(&path, "%s/%s%s%s.%s", files->folder,
                     is_one_of(ending, picture_endings) ? "" : "data/", name, number, ending);
    return n < 0 ? NULL : path;
}

bool picture_files_write(const struct picture_files *files, const char *name, size_t page,
                         const char *ending, const struct text *text, struct error *error) {
    char *path = picture_files_path(files, name, page, ending), *whole = NULL;
    if (!path || asprintf(&whole, "%s.part", path) < 0) {
        free(path);
        return error_set(error, "out of memory");
    }
    FILE *file = fopen(whole, "w");
    bool ok = file && fwrite(text->data, 1, text->size, file) == text->size;
    if (file && fclose(file) != 0) ok = false;
    ok = ok && rename(whole, path) == 0;
    if (!ok) {
        error_set(error, "cannot write '%s': %s", path, strerror(errno));
        unlink(whole);
    }
    free(path);
    free(whole);
    return ok;
}

/* The page, from 0, that a file of this figure belongs to; -1: it belongs to another, or to a user,
 * who may keep files of any other ending beside the pictures. */
static long page_of(const char *file, const char *name, const char *const *endings) {
    size_t length = strlen(name);
    long page = 1;
    if (strncmp(file, name, length) != 0) return -1;
    file += length;
    if (*file == '-' && isdigit((unsigned char)file[1])) {
        page = strtol(file + 1, (char **)&file, 10);
        if (page < 2) return -1;
    }
    return *file == '.' && is_one_of(file + 1, endings) ? page - 1 : -1;
}

static bool remove_from(const char *folder, const char *const *endings, const char *name,
                        size_t n_pages, struct error *error) {
    DIR *open = opendir(folder);
    if (!open) return error_set(error, "%s: %s", folder, strerror(errno));
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(open));)
        if (page_of(entry->d_name, name, endings) >= (long)n_pages &&
            unlinkat(dirfd(open), entry->d_name, 0) != 0)
            ok =
                error_set(error, "cannot remove %s/%s: %s", folder, entry->d_name, strerror(errno));
    closedir(open);
    return ok;
}

bool picture_files_remove(const struct picture_files *files, const char *name, size_t n_pages,
                          struct error *error) {
    static const char *const data_endings[] = {"dat", "gnuplot", "drawn", NULL};
    char *data = NULL;
    if (asprintf(&data, "%s/data", files->folder) < 0) return error_set(error, "out of memory");
    bool ok = remove_from(files->folder, picture_endings, name, n_pages, error) &&
              remove_from(data, data_endings, name, n_pages, error);
    free(data);
    return ok;
}

/* ---- signatures ---- */

static bool is_signed(const char *path, const char *hash) {
    char line[80] = "";
    FILE *file = fopen(path, "r");
    if (!file) return false;
    bool same = fgets(line, sizeof line, file) && strncmp(line, hash, 64) == 0;
    fclose(file);
    return same;
}

bool picture_files_are_of(const struct picture_files *files, const char *name, size_t n_pages,
                          const char *hash) {
    char *signature = picture_files_path(files, name, 0, "drawn");
    bool same = signature && is_signed(signature, hash);
    for (size_t i = 0; same && i < n_pages * PICTURES; i++) {
        char *path = picture_files_path(files, name, i / PICTURES, picture_endings[i % PICTURES]);
        same = path && access(path, R_OK) == 0;
        free(path);
    }
    if (!same && signature) unlink(signature);
    free(signature);
    return same;
}

bool picture_files_sign(const struct picture_files *files, const char *name, const char *hash,
                        struct error *error) {
    struct text text = {0};
    text_append(&text, "%s\n", hash);
    bool ok = text.failed ? error_set(error, "out of memory")
                          : picture_files_write(files, name, 0, "drawn", &text, error);
    text_free(&text);
    return ok;
}
