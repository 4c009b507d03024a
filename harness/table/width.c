/*
 * The width of a page; see width.h.
 */
#include "harness/table/width.h"

#include <stdlib.h>
#include <sys/ioctl.h>

enum { USUAL = 80, LEAST = 40, MOST = 100000 };

/* What COLUMNS or the terminal says, or else what `otherwise` does. */
static int width_or(FILE *out, int otherwise) {
    struct winsize window = {0};
    const char *said = getenv("COLUMNS");
    long width = said ? strtol(said, NULL, 10) : 0;
    int file = fileno(out);
    if (width <= 0 && file >= 0 && ioctl(file, TIOCGWINSZ, &window) == 0) width = window.ws_col;
    if (width <= 0) width = otherwise;
    return width < LEAST ? LEAST : width > MOST ? MOST : (int)width;
}

int width_of(FILE *out) {
    return width_or(out, USUAL);
}

int width_of_lines(FILE *out) {
    return width_or(out, MOST);
}
