/*
 * Only the end of the file is read: a log may be long. A line that is longer than that loses its
 * beginning.
 */
#include "models/base/last_line.h"

#include <stdio.h>
#include <string.h>

void last_line_read(const char *path, char *out, size_t size) {
    char tail[2048];
    out[0] = '\0';
    FILE *file = fopen(path, "rb");
    if (!file) return;
    if (fseek(file, -(long)sizeof tail + 1, SEEK_END) != 0) rewind(file);
    size_t n = fread(tail, 1, sizeof tail - 1, file);
    fclose(file);
    while (n > 0 && (unsigned char)tail[n - 1] <= ' ') n--;
    tail[n] = '\0';
    char *line = memrchr(tail, '\n', n);
    line = line ? line + 1 : tail;
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    snprintf(out, size, "%s", line);
}
