/*
 * Patterns are left to glob, which sorts what it finds (by bytes: the program sets no locale), so
 * that the order of rows does not depend on the file system.
 */
#include "workloads/data/data_files.h"
#include "models/base/sha256.h"
#include "models/base/text_file.h"
#include "workloads/data/near_file.h"
#include "workloads/data/word_table.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 2 * OPTION_STRING_MAX };
static const char mark[] = "{class}";

const char *data_root(void) {
    const char *root = getenv("HEADROOM_DATA");
    return root && root[0] ? root : "data";
}

void data_files_hint(const char *path, char out[DATA_FILES_HINT_SIZE]) {
    const char *root = data_root(), *set = getenv("HEADROOM_DATA");
    size_t length = strlen(root);
    bool below = strncmp(path, root, length) == 0 && path[length] == '/';
    const char *name = below ? path + length + 1 : path;
    static const char *const fetched_sets[] = {
        /* folders of data_sources.txt that `make data` can fill */
        "trec",   "sst",  "mr",   "clinc150",  "newsgroups20",
        "agnews", "imdb", "snli", "dbpedia14", "yelp_full",
    };
    char fetch[64] = "", near[PATH_SIZE];
    for (size_t i = 0; below && i < sizeof fetched_sets / sizeof *fetched_sets; i++) {
        size_t size = strlen(fetched_sets[i]);
        if (strncmp(name, fetched_sets[i], size) == 0 && name[size] == '/')
            snprintf(fetch, sizeof fetch, "; `make data SETS=%s` fetches it", fetched_sets[i]);
    }
    if (!below)
        snprintf(out, DATA_FILES_HINT_SIZE, "an absolute path is looked for as it stands");
    else if (set && set[0])
        snprintf(out, DATA_FILES_HINT_SIZE, "%s is looked for in $HEADROOM_DATA=%s%s", name, root,
                 fetch);
    else
        snprintf(out, DATA_FILES_HINT_SIZE, "%s is looked for in %s/ (HEADROOM_DATA is not set)%s",
                 name, root, fetch);
    size_t used = strlen(out);
    if (!near_file_find(path, near, sizeof near)) return;
    below = strncmp(near, root, length) == 0 && near[length] == '/';
    snprintf(out + used, DATA_FILES_HINT_SIZE - used, "; did you mean %s?",
             below ? near + length + 1 : near);
}

bool data_file_find(const char *name, char *path, size_t size, struct error *error) {
    char hint[DATA_FILES_HINT_SIZE];
    if (text_file_find(data_root(), name, path, size)) return true;
    text_file_path(data_root(), name, path, size);
    data_files_hint(path, hint);
    return error_set(error, "no file %s (or %s.gz): %s", path, name, hint);
}

static bool add(struct data_files *files, const char *path, const char *label,
                struct error *error) {
    struct data_file *grown = files->file;
    if ((files->n & (files->n - 1)) == 0) /* at powers of two */
        grown = realloc(grown, (size_t)(files->n ? files->n * 2 : 1) * sizeof *grown);
    if (!grown) return error_set(error, "out of memory for %d files", files->n);
    files->file = grown;
    struct data_file *file = &grown[files->n];
    *file = (struct data_file){strdup(path), label ? strdup(label) : NULL};
    files->n++;
    return (file->path && (!label || file->label)) || error_set(error, "out of memory");
}

static bool add_one(struct data_files *files, const char *name, const char *label,
                    struct error *error) {
    char path[PATH_SIZE];
    if (data_file_find(name, path, sizeof path, error)) return add(files, path, label, error);
    snprintf(files->absent, sizeof files->absent, "%s", path);
    return false;
}

/* Appends text in which no character means anything to glob. */
static void append_literal(struct text *out, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        text_append(out, strchr("*?[\\", text[i]) ? "\\%c" : "%c", text[i]);
}

/* The paths that a pattern matches, sorted by bytes; none is no failure. */
static bool match(const struct text *pattern, glob_t *out, struct error *error) {
    *out = (glob_t){0};
    int status = pattern->failed ? GLOB_NOSPACE : glob(pattern->data, 0, NULL, out);
    if (status == 0 || status == GLOB_NOMATCH) return true;
    return error_set(error, "cannot list %s: %s", pattern->failed ? "files" : pattern->data,
                     status == GLOB_NOSPACE ? "out of memory" : strerror(errno));
}

/* Adds what {class} can stand for between `before` bytes of path and `after`; what follows is
 * `end`: nothing or .gz, and for folders a slash. */
static bool find_classes(const char *path, size_t before, const char *after, const char *end,
                         struct word_table *classes, struct error *error) {
    struct text pattern = {0};
    glob_t found;
    append_literal(&pattern, path, before);
    text_append(&pattern, "*");
    append_literal(&pattern, after, strlen(after));
    text_append(&pattern, "%s", end);
    bool ok = match(&pattern, &found, error);
    for (size_t i = 0; ok && i < found.gl_pathc; i++) {
        const char *name = found.gl_pathv[i] + before;
        size_t size = strlen(name) - strlen(after) - strlen(end);
        if (!after[0] && size > 3 && strncmp(name + size - 3, ".gz", 3) == 0) size -= 3;
        if (size > 0)
            ok = word_table_add(classes, name, size) >= 0 || error_set(error, "out of memory");
    }
    globfree(&found);
    text_free(&pattern);
    return ok;
}

/* All files of one class's folder. */
static bool add_folder(struct data_files *files, const char *folder, const char *label,
                       struct error *error) {
    struct text pattern = {0};
    glob_t found;
    append_literal(&pattern, folder, strlen(folder));
    text_append(&pattern, "/*");
    bool ok = match(&pattern, &found, error);
    if (ok && found.gl_pathc == 0) {
        char hint[DATA_FILES_HINT_SIZE];
        snprintf(files->absent, sizeof files->absent, "%s", folder);
        data_files_hint(folder, hint);
        ok = error_set(error, "no files in the folder %s: %s", folder, hint);
    }
    for (size_t i = 0; ok && i < found.gl_pathc; i++)
        ok = add(files, found.gl_pathv[i], label, error);
    globfree(&found);
    text_free(&pattern);
    return ok;
}

/* The files of every class of a pattern. */
static bool add_classes(struct data_files *files, const struct data_config *config,
                        const char *name, struct error *error) {
    bool folders = config->source == SOURCE_CLASS_FOLDERS;
    const struct name_list *named = &config->class_names;
    char path[PATH_SIZE], hint[DATA_FILES_HINT_SIZE];
    struct word_table classes = {0};
    bool ok = true;
    int length = text_file_path(data_root(), name, path, sizeof path);
    size_t root = (size_t)length - strlen(name); /* bytes of path before the name */
    if ((size_t)length + sizeof mark >= sizeof path)
        return error_set(error, "the path of %s in the data folder is too long", name);
    if (folders && !strstr(name, mark)) sprintf(path + length, "/%s", mark);
    char *at = strstr(path + root, mark);
    if (!at) return error_set(error, "%s has no %s", name, mark);
    const char *after = at + strlen(mark);
    size_t before = (size_t)(at - path);
    for (int i = 0; ok && i < named->n; i++)
        ok = word_table_add(&classes, named->name[i], strlen(named->name[i])) >= 0 ||
             error_set(error, "out of memory");
    if (ok && named->n == 0)
        ok = find_classes(path, before, after, folders ? "/" : "", &classes, error) &&
             (folders || find_classes(path, before, after, ".gz", &classes, error));
    if (ok && classes.n == 0) {
        snprintf(files->absent, sizeof files->absent, "%s", path);
        data_files_hint(path, hint);
        ok = error_set(error, "no %s like %s: %s", folders ? "folders" : "files", path, hint);
    }
    if (ok) qsort(classes.words, (size_t)classes.n, sizeof *classes.words, words_compare);
    for (int i = 0; ok && i < classes.n; i++) {
        char one[PATH_SIZE + NAME_SIZE];
        snprintf(one, sizeof one, "%.*s%s%s", (int)before, path, classes.words[i], after);
        ok = folders ? add_folder(files, one, classes.words[i], error)
                     : add_one(files, one + root, classes.words[i], error);
    }
    word_table_free(&classes);
    return ok;
}

bool data_files_list(const struct data_config *config, enum part part, struct data_files *out,
                     struct error *error) {
    bool classes = config->source == SOURCE_CLASS_FILES || config->source == SOURCE_CLASS_FOLDERS;
    const char *names = data_config_files(config, part);
    char name[OPTION_STRING_MAX];
    bool ok = true;
    *out = (struct data_files){0};
    while (ok && !data_config_is_generated(config) && option_next_file(&names, name))
        ok = classes ? add_classes(out, config, name, error) : add_one(out, name, NULL, error);
    return ok;
}

void data_files_free(struct data_files *files) {
    for (int i = 0; i < files->n; i++) {
        free(files->file[i].path);
        free(files->file[i].label);
    }
    free(files->file);
    *files = (struct data_files){0};
}

static bool hash_files(const struct data_files *files, struct sha256 *hash, struct error *error) {
    for (int i = 0; i < files->n; i++) {
        const struct data_file *file = &files->file[i];
        if (file->label) sha256_add(hash, file->label, strlen(file->label) + 1);
        if (!text_file_hash(file->path, hash, error)) return false;
    }
    return true;
}

bool data_files_sha256(const struct data_config *config, char out[65], struct error *error) {
    const char *names[] = {config->classes_file, config->label_groups_file};
    struct data_files files;
    struct sha256 hash;
    char path[PATH_SIZE];
    bool ok = true;
    out[0] = '\0';
    if (data_config_is_generated(config)) return true;
    sha256_start(&hash);
    for (enum part part = PART_TRAIN; ok && part <= PART_TEST; part++) {
        ok = data_files_list(config, part, &files, error) && hash_files(&files, &hash, error);
        data_files_free(&files);
    }
    for (size_t i = 0; ok && i < sizeof names / sizeof *names; i++)
        if (names[i][0])
            ok = data_file_find(names[i], path, sizeof path, error) &&
                 text_file_hash(path, &hash, error);
    if (ok) sha256_finish(&hash, out);
    return ok;
}

void data_files_write_names(const struct data_config *config, struct text *out) {
    const char *names[] = {config->train_file, config->validation_file, config->test_file,
                           config->classes_file, config->label_groups_file};
    char path[PATH_SIZE], name[OPTION_STRING_MAX];
    const char *between = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        while (option_next_file(&names[i], name)) {
            text_file_path(data_root(), name, path, sizeof path);
            text_append(out, "%s%s", between, path);
            between = " or ";
        }
}

bool data_files_present(const struct data_config *config, char *missing, size_t size) {
    const char *names[] = {config->classes_file, config->label_groups_file};
    struct data_files files;
    struct error ignored;
    char path[PATH_SIZE];
    bool absent = false;
    if (data_config_is_generated(config)) return true;
    for (enum part part = PART_TRAIN; !absent && part <= PART_TEST; part++) {
        data_files_list(config, part, &files, &ignored);
        absent = files.absent[0] != '\0';
        if (absent) snprintf(missing, size, "%s", files.absent);
        data_files_free(&files);
    }
    for (size_t i = 0; !absent && i < sizeof names / sizeof *names; i++) {
        absent = names[i][0] && !data_file_find(names[i], path, sizeof path, &ignored);
        if (absent) snprintf(missing, size, "%s", path);
    }
    return !absent;
}

double data_files_training_bytes(const struct data_config *config) {
    struct data_files files;
    struct error ignored;
    struct stat info;
    double bytes = 0;
    data_files_list(config, PART_TRAIN, &files, &ignored);
    for (int i = 0; i < files.n; i++) {
        size_t size = strlen(files.file[i].path);
        bool packed = size > 3 && strcmp(files.file[i].path + size - 3, ".gz") == 0;
        if (stat(files.file[i].path, &info) == 0) bytes += (double)info.st_size * (packed ? 3 : 1);
    }
    data_files_free(&files);
    return bytes;
}
