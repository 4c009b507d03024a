/*
 * Writing a file under another name; see whole_file.h.
 */
#include "harness/table/whole_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool whole_file_write(const char *path, const struct text *text, struct error *error) {
    char *part = NULL;
    if (asprintf(&part, "%s.part", path) < 0) return error_set(error, "out of memory");
    unlink(part); /* left by a killed process, or a link that somebody put there */
    FILE *file = fopen(part, "wx");
    bool ok = file && fwrite(text->data, 1, text->size, file) == text->size;
    if (file && fclose(file) != 0) ok = false;
    ok = ok && rename(part, path) == 0;
    if (!ok) {
        error_set(error, "cannot write '%s': %s", path, strerror(errno));
        unlink(part);
    }
    free(part);
    return ok;
}
