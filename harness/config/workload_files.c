/*
 * Workload files by name, by tag or by folder; see workload_files.h. Folders inside a folder are
 * left alone: there is room in them for files that are only extended.
 */
#include "harness/config/workload_files.h"
#include "models/base/closest_name.h"
#include "models/base/path.h"
#include "models/base/regular_file.h"
#include "models/base/text.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char ending[] = ".yaml";
enum { ENDING = sizeof ending - 1 };

static bool is_yaml(const char *name) {
    size_t n = strlen(name);
    return n > ENDING && name[0] != '.' && strcmp(name + n - ENDING, ending) == 0;
}

static bool is_file(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

/* `workload` is the one key that every workload file has itself. A look at its lines also finds it
 * where a mistake makes the file unreadable, which is then told. */
static bool is_workload(const char *path) {
    const char *ignored;
    int64_t claimed;
    FILE *file = regular_file_stream(path, &claimed, &ignored);
    char *line = NULL;
    size_t room = 0;
    bool found = false;
    if (!file) return false;
    while (!found && getline(&line, &room, file) > 0)
        found = strncmp(line, "workload:", strlen("workload:")) == 0;
    free(line);
    fclose(file);
    return found;
}

/* ---- lists of paths ---- */

/* One file may be reached in several ways; it is taken once. */
static bool has(const struct workload_files *files, const char *path) {
    struct stat one, other;
    if (stat(path, &one) != 0) return false;
    for (size_t i = 0; i < files->n; i++)
        if (stat(files->paths[i], &other) == 0 && one.st_dev == other.st_dev &&
            one.st_ino == other.st_ino)
            return true;
    return false;
}

static bool add(struct workload_files *files, const char *path, struct error *error) {
    char **grown = realloc(files->paths, (files->n + 1) * sizeof *grown);
    if (grown) files->paths = grown;
    if (!grown || !(grown[files->n] = strdup(path))) return error_set(error, "out of memory");
    files->n++;
    return true;
}

static int choose(const struct dirent *entry) {
    return is_yaml(entry->d_name);
}

/* Adds the files of a folder, "" or with its slash, that are not in the list yet; all: also what is
 * no workload. A folder that is not there has none. */
static bool add_folder(struct workload_files *files, const char *folder, bool all,
                       struct error *error) {
    struct dirent **entries;
    int n = scandir(*folder ? folder : ".", &entries, choose, alphasort);
    bool ok = true;
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof path, "%s%s", folder, entries[i]->d_name);
        free(entries[i]);
        if (!ok || length >= (int)sizeof path || !(all || is_workload(path)) || has(files, path))
            continue;
        ok = add(files, path, error);
    }
    if (n >= 0) free(entries);
    return ok;
}

/* ---- names ---- */

/* The names that a word could mean, as "; did you mean 'a', 'b'?": those that are near and those
 * that begin with it. The same name may be here and in the folder. */
static void suggest(const char *word, const struct workload_files *files, struct text *out) {
    for (size_t i = 0; i < files->n && !out->failed; i++) {
        const char *slash = strrchr(files->paths[i], '/');
        char quoted[NAME_MAX + 3];
        snprintf(quoted, sizeof quoted, "'%s", slash ? slash + 1 : files->paths[i]);
        char *name = quoted + 1, *end = quoted + strlen(quoted) - ENDING;
        const char *const candidate = name;
        *end = '\0';
        bool near = strncmp(name, word, strlen(word)) == 0 || closest_name(word, &candidate, 1);
        memcpy(end, "'", 2);
        if (near && !(out->data && strstr(out->data, quoted)))
            text_append(out, "%s%s", out->data ? ", " : "; did you mean ", quoted);
    }
    if (out->data) text_append(out, "?");
}

static bool refuse(const char *word, const char *folder, struct error *error) {
    struct workload_files known = {0};
    struct text guess = {0};
    char slashed[PATH_MAX];
    snprintf(slashed, sizeof slashed, "%s/", folder);
    if (add_folder(&known, slashed, true, error) && add_folder(&known, "", false, error)) {
        if (*word) suggest(word, &known, &guess);
        error_set(error, "'%s' is neither a file nor the name of one here or in %s/%s", word,
                  folder, guess.data ? guess.data : "");
    }
    text_free(&guess);
    workload_files_free(&known);
    return false;
}

bool workload_files_path(const char *word, const char *folder, char *out, size_t size,
                         struct error *error) {
    bool given = strchr(word, '/') || is_yaml(word) || is_file(word);
    int length = snprintf(out, size, "%s%s", word, given ? "" : ending);
    if (!given && length < (int)size && !is_file(out))
        length = snprintf(out, size, "%s/%s%s", folder, word, ending);
    if (length >= (int)size)
        return error_set(error, "%.64s...: the path is longer than %zu characters", word, size - 1);
    return given || is_file(out) || refuse(word, folder, error);
}

/* ---- what a command is about ---- */

bool workload_files_find(char *const *named, int n_named, const char *folder, const char *tag,
                         struct workload_files *out, struct error *error) {
    char path[PATH_MAX];
    bool ok = true;
    *out = (struct workload_files){0};
    for (int i = 0; ok && i < n_named; i++)
        ok = workload_files_path(named[i], folder, path, sizeof path, error) &&
             ((tag && has(out, path)) || add(out, path, error));
    size_t n = out->n; /* they move while the list grows, but their texts stay */
    for (size_t i = 0; ok && tag && i < n; i++)
        ok = path_beside(out->paths[i], "", path, sizeof path)
                 ? add_folder(out, path, false, error)
                 : error_set(error, "%.64s...: the path is too long", out->paths[i]);
    if (n_named == 0) {
        snprintf(path, sizeof path, "%s/", folder);
        ok = add_folder(out, path, true, error) && (!tag || add_folder(out, "", false, error));
    }
    if (ok && out->n == 0)
        ok = error_set(error,
                       "no %s/*.yaml: name the workload files, or start headroom in a folder "
                       "whose workloads/ has some",
                       folder);
    if (!ok) workload_files_free(out);
    return ok;
}

void workload_files_free(struct workload_files *files) {
    for (size_t i = 0; i < files->n; i++) free(files->paths[i]);
    free(files->paths);
    *files = (struct workload_files){0};
}
