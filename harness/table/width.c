/*
 * The width of a page; see width.h.
 */
#include "harness/table/width.h"

#include <stdlib.h>
#include <sys/ioctl.h>

enum { USUAL = 80, LEAST = 40, MOST = 100000 };

int width_of(FILE *out) {
    struct winsize window = {0};
    const char *said = getenv("COLUMNS");
    long width = said ? strtol(said, NULL, 10) : 0;
    int file = fileno(out);
    if (width <= 0 && file >= 0 && ioctl(file, TIOCGWINSZ, &window) == 0) width = window.ws_col;
    if (width <= 0) width = USUAL;
    return width < LEAST ? LEAST : width > MOST ? MOST : (int)width;
}
