/*
 * Finding and reading scripts; see scripts.h.
 */
#include "harness/plot/scripts.h"
#include "harness/config/installation.h"
#include "models/base/text_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *name, const char *ending) {
    size_t length = strlen(name), n = strlen(ending);
    return length > n && name[0] != '.' && strcmp(name + length - n, ending) == 0;
}

static int is_figure(const struct dirent *entry) {
    return ends_with(entry->d_name, ".gp");
}

static int is_shared(const struct dirent *entry) {
    return ends_with(entry->d_name, ".gnuplot");
}

static void free_entries(struct dirent **entries, int n) {
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
}

static char *own_folder(void) {
    char folder[PATH_MAX];
    return installation_path("plots", folder, sizeof folder) ? strdup(folder) : NULL;
}

bool scripts_open(const char *folder, struct scripts *out, struct error *error) {
    struct dirent **entries = NULL;
    *out = (struct scripts){0};
    char *wanted = folder ? strdup(folder) : own_folder();
    int n = wanted ? scandir(wanted, &entries, is_figure, alphasort) : -1;
    bool ok = n > 0 && (out->folder = realpath(wanted, NULL)) &&
              (out->figures = calloc((size_t)n, sizeof *out->figures));
    if (!ok)
        error_set(error,
                  "%s: %s; figures are drawn by the scripts there: `make install`, or keep the "
                  "folder plots/ of the sources beside the program",
                  wanted ? wanted : "plots", n == 0 ? "no figure in it" : strerror(errno));
    for (int i = 0; ok && i < n; i++) {
        size_t length = strlen(entries[i]->d_name) - strlen(".gp");
        out->figures[out->n_figures] = strndup(entries[i]->d_name, length);
        ok = out->figures[out->n_figures++] != NULL || error_set(error, "out of memory");
    }
    if (n > 0) free_entries(entries, n);
    free(wanted);
    if (!ok) scripts_close(out);
    return ok;
}

void scripts_close(struct scripts *scripts) {
    for (size_t i = 0; i < scripts->n_figures; i++) free(scripts->figures[i]);
    free(scripts->figures);
    free(scripts->folder);
    *scripts = (struct scripts){0};
}

bool scripts_query(const struct scripts *scripts, const char *name, char **sql,
                   struct error *error) {
    struct text_file file = {0};
    char *path = NULL;
    *sql = NULL;
    bool ok = asprintf(&path, "%s/%s.sql", scripts->folder, name) >= 0
                  ? text_file_read(path, ENCODING_UTF_8, &file, error)
                  : error_set(error, "out of memory");
    if (ok && !(*sql = strdup(file.data))) ok = error_set(error, "out of memory");
    text_file_free(&file);
    free(path);
    return ok;
}

static bool hash_file(const char *folder, const char *name, const char *ending, struct sha256 *hash,
                      struct error *error) {
    char *path = NULL;
    bool ok = asprintf(&path, "%s/%s%s", folder, name, ending) >= 0
                  ? text_file_hash(path, hash, error)
                  : error_set(error, "out of memory");
    free(path);
    return ok;
}

bool scripts_hash(const struct scripts *scripts, const char *name, struct sha256 *hash,
                  struct error *error) {
    struct dirent **entries = NULL;
    int n = scandir(scripts->folder, &entries, is_shared, alphasort);
    bool ok = n >= 0 ? hash_file(scripts->folder, name, ".gp", hash, error)
                     : error_set(error, "%s: %s", scripts->folder, strerror(errno));
    for (int i = 0; ok && i < n; i++)
        ok = hash_file(scripts->folder, entries[i]->d_name, "", hash, error);
    if (n > 0) free_entries(entries, n);
    return ok;
}
