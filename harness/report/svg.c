/*
 * gnuplot's SVG is regular: one pass, tag by tag. Texts of a database stand between tags, escaped
 * by gnuplot, and only tags are changed, so that a name which reads like an id stays as it is.
 */
#include "harness/report/svg.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct copying {
    struct text *out;
    const char *id;
};

static bool starts(const char *at, const char *with) {
    return strncmp(at, with, strlen(with)) == 0;
}

/* Copies a tag [at, end) with its ids, and references to ids, made the picture's own. */
static void copy_tag(struct copying *c, const char *at, const char *end) {
    static const char *const before[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#"};
    while (at < end) {
        size_t length = 0;
        for (size_t i = 0; i < sizeof before / sizeof *before && length == 0; i++)
            if (starts(at, before[i])) length = strlen(before[i]);
        text_append_bytes(c->out, at, length ? length : 1);
        at += length ? length : 1;
        if (length) text_append(c->out, "%s-", c->id);
    }
}

/* The first tag: with its width, which a page may make smaller, and its viewBox, by which the
 * height follows. */
static bool copy_first(struct copying *c, const char *at, const char *end, struct error *error) {
    const char *width = strstr(at, "width=\""), *box = strstr(at, "viewBox=\"");
    if (!width || width > end || !box || box > end)
        return error_set(error, "a picture of gnuplot has no size");
    text_append(
        c->out,
        "<svg role=\"img\" aria-labelledby=\"%s-title\" aria-describedby=\"%s-note\" %.*s\" %.*s\""
        " xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">\n",
        c->id, c->id, (int)(7 + strcspn(width + 7, "\"")), width, (int)(9 + strcspn(box + 9, "\"")),
        box);
    return true;
}

/* What a browser would run or follow. */
static bool is_active(const char *at, const char *end) {
    static const char *const names[] = {
        "<script",  "<a ",  "<a>",    "<foreignObject", "<style", "<image",  "<iframe",
        "<animate", "<set", "<embed", "<object",        "<link",  "<handler"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncasecmp(at, names[i], strlen(names[i])) == 0) return true;
    for (const char *c = at; c + 4 < end; c++)
        if (isspace((unsigned char)*c) && strncasecmp(c + 1, "on", 2) == 0 &&
            isalpha((unsigned char)c[3]))
            return true;
    return false;
}

bool svg_append(struct text *out, const char *id, const char *svg, struct error *error) {
    struct copying c = {.out = out, .id = id};
    const char *at = strstr(svg, "<svg"), *end = at ? strchr(at, '>') : NULL;
    if (!end || !strstr(end, "</svg>")) return error_set(error, "a picture is no whole SVG");
    if (!copy_first(&c, at, end, error)) return false;
    for (at = end + 1; *at; at = end) {
        if (*at != '<') {
            end = at + strcspn(at, "<");
            bool blank = strspn(at, " \t\r\n") == (size_t)(end - at);
            if (blank)
                text_append_bytes(out, "\n", 1);
            else
                text_append_bytes(out, at, (size_t)(end - at));
            continue;
        }
        const char *skipped = starts(at, "<title")  ? "</title>"
                              : starts(at, "<desc") ? "</desc>"
                                                    : "";
        end = *skipped ? strstr(at, skipped) : strchr(at, '>');
        if (!end) return error_set(error, "a picture of gnuplot ends in the middle of a tag");
        end += *skipped ? strlen(skipped) : 1;
        if (*skipped) continue;
        if (is_active(at, end))
            return error_set(error, "a picture holds more than a picture: %.20s", at);
        copy_tag(&c, at, end);
        if (starts(at, "</svg>")) return true;
    }
    return error_set(error, "a picture is no whole SVG");
}

void svg_append_title(struct text *out, const char *svg) {
    const char *at = strstr(svg, "font-size=\"20.00\""); /* size_title of plots/style.gnuplot */
    const char *text = at ? strstr(at, "<text>") : NULL,
               *end = text ? strstr(text, "</text>") : NULL;
    if (!end) return;
    text += strlen("<text>");
    text_append_bytes(out, text, (size_t)(end - text));
}
