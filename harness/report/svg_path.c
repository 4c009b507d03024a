/*
 * Coordinates become whole tenths before differences of them are written, so that a long line ends
 * where it did: no error adds up.
 */
#include "harness/report/svg_path.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pen {
    long x, y;             /* where it is, in tenths */
    long start_x, start_y; /* of what is drawn */
    bool down;             /* the start is written */
    char written;          /* the command before */
};

static const char *skip(const char *at, const char *end) {
    while (at < end && (isspace((unsigned char)*at) || *at == ',')) at++;
    return at;
}

static bool read_tenths(const char **at, const char *end, long *tenths) {
    char number[24] = "", *rest;
    *at = skip(*at, end);
    size_t length = 0;
    while (*at + length < end && strchr("+-.0123456789", (*at)[length])) length++;
    if (length == 0 || length >= sizeof number) return false;
    memcpy(number, *at, length);
    *tenths = lround(strtod(number, &rest) * 10); /* 22 digits at most: it fits or is refused */
    *at += length;
    return !*rest && labs(*tenths) < 1000000000L;
}

static void append_tenths(struct text *out, long tenths) {
    long size = labs(tenths);
    text_append(out, tenths < 0 ? "-" : "");
    if (size >= 10 || size == 0) text_append(out, "%ld", size / 10);
    if (size % 10) text_append(out, ".%ld", size % 10);
}

/* The second of two numbers; a sign parts them as well as a space. */
static void append_next(struct text *out, long tenths) {
    text_append(out, tenths < 0 ? "" : " ");
    append_tenths(out, tenths);
}

/* A line, straight along an axis where it can be; its letter may be left out before a sign where it
 * is that of the line before. */
static void append_line(struct text *out, struct pen *pen, long x, long y) {
    long right = x - pen->x, down = y - pen->y;
    char command = 'l';
    if (down == 0)
        command = 'h';
    else if (right == 0)
        command = 'v';
    long first = command == 'v' ? down : right;
    if (!pen->down) {
        text_append(out, "M");
        append_tenths(out, pen->x);
        append_next(out, pen->y);
        pen->down = true;
    }
    if (command != pen->written || first >= 0) text_append(out, "%c", command);
    append_tenths(out, first);
    if (command == 'l') append_next(out, down);
    pen->written = command;
    pen->x = x;
    pen->y = y;
}

bool svg_path_append(struct text *out, const char *path, size_t size) {
    const char *at = path, *end = path + size;
    size_t before = out->size;
    struct pen pen = {0};
    char command = 'M';
    for (at = skip(at, end); at < end; at = skip(at, end)) {
        long x, y;
        if (strchr("MLZz", *at)) command = *at++;
        if (command == 'Z' || command == 'z') {
            if (pen.down) text_append(out, "z");
            pen = (struct pen){pen.start_x, pen.start_y, pen.start_x, pen.start_y, false, 'z'};
            continue;
        }
        if (!read_tenths(&at, end, &x) || !read_tenths(&at, end, &y)) goto other;
        if (command == 'M') {
            pen = (struct pen){x, y, x, y, false, 'M'};
            command = 'L';
            continue;
        }
        const char *next = skip(at, end);
        bool back = x == pen.start_x && y == pen.start_y && next < end && strchr("Zz", *next);
        if (!back) append_line(out, &pen, x, y); /* else closing it draws this line */
    }
    return true;
other:
    if (out->data) out->data[out->size = before] = '\0';
    return false;
}

bool svg_path_append_numbers(struct text *out, const char *numbers, size_t size) {
    const char *at = numbers, *end = numbers + size;
    size_t before = out->size;
    long tenths;
    for (at = skip(at, end); at < end; at = skip(at, end)) {
        if (!read_tenths(&at, end, &tenths)) {
            if (out->data) out->data[out->size = before] = '\0';
            return false;
        }
        text_append(out, out->size == before ? "" : " ");
        append_tenths(out, tenths);
    }
    return true;
}
