/*
 * Drawing in private; see drawing.h.
 */
#include "harness/report/drawing.h"
#include "harness/plot/plot.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What readers ask first; the others follow by name. */
static void put_first(struct scripts *scripts) {
    static const char *const first[] = {"overview", "accuracy_vs_budget", "accuracy_vs_flops",
                                        "methods"};
    size_t place = 0;
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        for (size_t k = place; k < scripts->n_figures; k++) {
            char *found = scripts->figures[k];
            if (strcmp(found, first[i]) != 0) continue;
            memmove(scripts->figures + place + 1, scripts->figures + place,
                    (k - place) * sizeof *scripts->figures);
            scripts->figures[place++] = found;
            break;
        }
}

bool drawing_make(const char *db, struct drawing *out, struct error *problem, struct error *error) {
    size_t size = 0;
    *out = (struct drawing){0};
    FILE *talk = open_memstream(&out->said, &size);
    if (!talk) return error_set(error, "out of memory");
    if (scripts_open(NULL, &out->scripts, problem) && temporary_make(&out->folder, problem)) {
        const struct plot_request request = {
            .db = db, .out = out->folder.path, .format = "svg", .scripts = out->scripts.folder};
        plot_draw(&request, talk, problem);
    }
    put_first(&out->scripts);
    fclose(talk);
    return out->said || error_set(error, "out of memory");
}

/* Removes a folder of files in the private one, which temporary_remove leaves. */
static void remove_inner(const struct temporary *folder, const char *name) {
    char path[sizeof folder->path + 16];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    DIR *files = opendir(path);
    for (struct dirent *entry; files && (entry = readdir(files));)
        unlinkat(dirfd(files), entry->d_name, 0);
    if (files) closedir(files);
    rmdir(path);
}

void drawing_free(struct drawing *drawing) {
    if (drawing->folder.path[0]) remove_inner(&drawing->folder, "data");
    temporary_remove(&drawing->folder);
    scripts_close(&drawing->scripts);
    free(drawing->said);
    *drawing = (struct drawing){0};
}

bool drawing_page(const struct drawing *drawing, const char *figure, int page, char **path,
                  char **name, struct error *error) {
    char number[16] = "";
    *path = *name = NULL;
    if (!drawing->folder.path[0]) return true;
    if (page > 0) snprintf(number, sizeof number, "-%d", page + 1);
    bool ok = asprintf(name, "%s%s", figure, number) >= 0 &&
              asprintf(path, "%s/%s.svg", drawing->folder.path, *name) >= 0;
    if (ok && access(*path, R_OK) == 0) return true;
    free(*name);
    free(*path);
    *path = *name = NULL;
    return ok || error_set(error, "out of memory");
}

bool drawing_next_reason(const struct drawing *drawing, const char **at, const char **figure,
                         size_t *figure_size, const char **why, size_t *why_size) {
    static const char mark[] = ": not drawn: ";
    if (!*at) *at = drawing->said;
    while (**at) {
        const char *line = *at;
        size_t length = strcspn(line, "\n");
        const char *found = memmem(line, length, mark, sizeof mark - 1);
        *at = line + length + (line[length] == '\n');
        if (!found) continue;
        *figure = line;
        *figure_size = (size_t)(found - line);
        *why = found + sizeof mark - 1;
        *why_size = length - (size_t)(*why - line);
        return true;
    }
    return false;
}
