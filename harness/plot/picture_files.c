/*
 * Names, writing and removing of a figure's files; see picture_files.h.
 */
#include "harness/plot/picture_files.h"
#include "harness/table/whole_file.h"
#include "models/base/closest_name.h"
#include "models/base/path.h"
#include "models/base/regular_file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const picture_formats[] = {"svg", "png", "pdf"};
static const char *const data_endings[] = {"dat", "gnuplot", "drawn"};
enum { DATA_ENDINGS = sizeof data_endings / sizeof *data_endings };

static bool is_one_of(const char *ending, const char *const *endings, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(ending, endings[i]) == 0) return true;
    return false;
}

static bool make_folder(const char *path, struct error *error) {
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return true;
    return error_set(error, "cannot make the folder '%s': %s; name another one with --out", path,
                     strerror(errno));
}

/* A file system that cannot lock a folder, as some networks' cannot, has no lock. */
static bool lock_folder(struct picture_files *files, struct error *error) {
    char *data = NULL;
    if (asprintf(&data, "%s/data", files->folder) < 0) return error_set(error, "out of memory");
    bool ok = make_folder(data, error);
    if (ok && (files->lock = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        ok = error_set(error, "%s: %s", data, strerror(errno));
    while (ok && flock(files->lock, LOCK_EX) != 0 && errno == EINTR) continue;
    free(data);
    return ok;
}

bool picture_files_open(const char *folder, const char *db, struct picture_files *out,
                        struct error *error) {
    char beside[PATH_MAX];
    *out = (struct picture_files){.lock = -1};
    if (!folder && !path_beside(db, "figures", beside, sizeof beside))
        return error_set(error, "the path '%s' is too long", db);
    if (!folder) folder = beside;
    bool ok = make_folder(folder, error);
    if (ok && !(out->folder = realpath(folder, NULL)))
        ok = error_set(error, "%s: %s", folder, strerror(errno));
    ok = ok && lock_folder(out, error);
    if (!ok) picture_files_close(out);
    return ok;
}

void picture_files_close(struct picture_files *files) {
    if (files->folder && files->lock >= 0) close(files->lock);
    free(files->folder);
    *files = (struct picture_files){0};
}

char *picture_files_path(const struct picture_files *files, const char *name, size_t page,
                         const char *ending) {
    char number[32] = "", *path = NULL;
    if (page > 0) snprintf(number, sizeof number, "-%zu", page + 1);
    int n = asprintf(&path, "%s/%s%s%s.%s", files->folder,
                     is_one_of(ending, picture_formats, PICTURE_FORMATS) ? "" : "data/", name,
                     number, ending);
    return n < 0 ? NULL : path;
}

bool picture_files_write(const struct picture_files *files, const char *name, size_t page,
                         const char *ending, const struct text *text, struct error *error) {
    char *path = picture_files_path(files, name, page, ending);
    if (!path) return error_set(error, "out of memory");
    bool ok = whole_file_write(path, text, error);
    free(path);
    return ok;
}

/* The page, from 0, that a file of this figure belongs to; -1: it belongs to another, or to a user,
 * who may keep files of any other ending beside the pictures. */
static long page_of(const char *file, const char *name, const char *const *endings, int n_endings) {
    size_t length = strlen(name);
    long page = 1;
    if (strncmp(file, name, length) != 0) return -1;
    file += length;
    if (*file == '-' && isdigit((unsigned char)file[1])) {
        page = strtol(file + 1, (char **)&file, 10);
        if (page < 2) return -1;
    }
    return *file == '.' && is_one_of(file + 1, endings, n_endings) ? page - 1 : -1;
}

static bool remove_from(const char *folder, const char *const *endings, int n_endings,
                        const char *name, size_t n_pages, struct error *error) {
    DIR *listing = opendir(folder);
    if (!listing) return error_set(error, "%s: %s", folder, strerror(errno));
    bool ok = true;
    for (struct dirent *entry; ok && (entry = readdir(listing));)
        if (page_of(entry->d_name, name, endings, n_endings) >= (long)n_pages &&
            unlinkat(dirfd(listing), entry->d_name, 0) != 0)
            ok =
                error_set(error, "cannot remove %s/%s: %s", folder, entry->d_name, strerror(errno));
    closedir(listing);
    return ok;
}

bool picture_files_remove(const struct picture_files *files, const char *name, size_t n_pages,
                          struct error *error) {
    char *data = NULL;
    if (asprintf(&data, "%s/data", files->folder) < 0) return error_set(error, "out of memory");
    bool ok = remove_from(files->folder, picture_formats, PICTURE_FORMATS, name, n_pages, error) &&
              remove_from(data, data_endings, DATA_ENDINGS, name, n_pages, error);
    free(data);
    return ok;
}

bool picture_files_want(const struct picture_files *files, const char *format) {
    return !files->format || strcmp(files->format, format) == 0;
}

bool picture_format_check(const char *name, struct error *error) {
    if (is_one_of(name, picture_formats, PICTURE_FORMATS)) return true;
    const char *guess = closest_name(name, picture_formats, PICTURE_FORMATS);
    return error_set(error, "--format is svg, png or pdf, not '%s'%s%s%s", name,
                     guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
}

/* ---- signatures ---- */

static bool is_signed(const char *path, const char *hash) {
    char line[80] = "";
    const char *ignored;
    int64_t claimed;
    FILE *file = regular_file_stream(path, &claimed, &ignored);
    if (!file) return false;
    bool same = fgets(line, sizeof line, file) && strncmp(line, hash, 64) == 0;
    fclose(file);
    return same;
}

bool picture_files_are_of(const struct picture_files *files, const char *name, size_t n_pages,
                          const char *hash) {
    char *signature = picture_files_path(files, name, 0, "drawn");
    bool same = signature && is_signed(signature, hash);
    for (size_t i = 0; same && i < n_pages * PICTURE_FORMATS; i++) {
        const char *format = picture_formats[i % PICTURE_FORMATS];
        if (!picture_files_want(files, format)) continue;
        char *path = picture_files_path(files, name, i / PICTURE_FORMATS, format);
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
