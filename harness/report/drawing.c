/*
 * Drawing in private; see drawing.h.
 */
#include "harness/report/drawing.h"
#include "harness/plot/plot.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
