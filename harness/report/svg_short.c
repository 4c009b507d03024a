/*
 * One pass, tag by tag: what an element inherits it need not say, neighbours that say the same are
 * one group, a group of one element hands it what it says, and a group that says nothing is none.
 * Definitions stay as they are, less those that nothing uses: whoever uses one makes it larger, and
 * it inherits from there.
 */
#include "harness/report/svg_short.h"
#include "harness/report/svg_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ATTRIBUTES_MOST = 24, DEPTH_MOST = 16, VALUE_SIZE = 32 };

/* What an element hands to those in it, and what holds where nothing is said; "": the page says. */
static const struct {
    const char *name, *initial;
} inherited[] = {
    {"fill", "black"},
    {"stroke", "none"},
    {"stroke-width", "1"},
    {"stroke-linecap", "butt"},
    {"stroke-linejoin", "miter"},
    {"stroke-dasharray", "none"},
    {"shape-rendering", "auto"},
    {"text-anchor", "start"},
    {"font-family", "sans-serif"},
    {"font-size", ""},
    {"color", ""},
};
enum { N_INHERITED = sizeof inherited / sizeof *inherited };

struct piece {
    const char *at;
    size_t size;
};

struct tag {
    struct piece name;
    struct {
        struct piece name, value;
    } attribute[ATTRIBUTES_MOST];
    size_t n;
    bool closed; /* by its own slash */
};

struct level {
    size_t begin, content; /* of its tag and behind it, in `out` */
    size_t n_children;
    bool may_join;                       /* it says only what is inherited */
    char value[N_INHERITED][VALUE_SIZE]; /* "": not known */
};

struct shortening {
    struct text *out;
    const char *svg;
    struct level level[DEPTH_MOST]; /* the picture, and groups in each other that are written */
    size_t depth;                   /* the last of them */
    bool silent[DEPTH_MOST];        /* of all groups that are open: it is not written */
    size_t n_open;
    bool over;                 /* the last level, unless its neighbour says the same */
    size_t text, text_content; /* where the text at hand begins, and what it says; 0: none is */
    bool lost;                 /* something was not understood */
};

static bool is(struct piece piece, const char *text) {
    return piece.size == strlen(text) && strncmp(piece.at, text, piece.size) == 0;
}

static bool begins(const char *at, const char *with) {
    return strncmp(at, with, strlen(with)) == 0;
}

static void cut(struct text *out, size_t size) {
    if (out->data) out->data[out->size = size] = '\0';
}

/* ---- tags ---- */

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t\r\n");
}

/* Takes a tag apart and returns what is behind it; NULL: gnuplot writes none like it. */
static const char *read_tag(const char *at, struct tag *tag) {
    tag->n = 0;
    tag->name = (struct piece){at + 1, strcspn(at + 1, " \t\r\n/>")};
    at = skip_blanks(tag->name.at + tag->name.size);
    while (*at && *at != '>' && *at != '/') {
        struct piece name = {at, strcspn(at, " \t\r\n=/>\"'<")};
        at = skip_blanks(at + name.size);
        if (tag->n == ATTRIBUTES_MOST || name.size == 0 || *at != '=') return NULL;
        at = skip_blanks(at + 1);
        const char *end = *at == '\'' || *at == '"' ? strchr(at + 1, *at) : NULL;
        if (!end || memchr(at, *at == '"' ? '\'' : '"', (size_t)(end - at))) return NULL;
        tag->attribute[tag->n].name = name;
        tag->attribute[tag->n++].value = (struct piece){at + 1, (size_t)(end - at - 1)};
        at = skip_blanks(end + 1);
    }
    tag->closed = *at == '/';
    return at[tag->closed] == '>' ? at + tag->closed + 1 : NULL;
}

/* Whether anything in the picture refers to an id. */
static bool is_used(const struct shortening *s, struct piece id) {
    for (const char *at = s->svg; (at = strchr(at, '#')); at++)
        if (strncmp(at + 1, id.at, id.size) == 0 && strchr("'\")", at[1 + id.size])) return true;
    return false;
}

/* ---- attributes ---- */

/* "rgb(  0, 114, 178)" or "#0072B2" as #0072b2, and every two equal digits as one where all are. */
static bool append_colour(struct text *out, struct piece value) {
    bool hex = value.size == 7 && *value.at == '#';
    const char *at = value.at + (hex ? 1 : strlen("rgb("));
    unsigned long part[3];
    if (!hex && !begins(value.at, "rgb(")) return false;
    for (int i = 0; i < 3; i++) {
        char digits[4] = "";
        if (!hex) at += strspn(at, ", ");
        size_t length = strspn(at, hex ? "0123456789abcdefABCDEF" : "0123456789");
        if (hex && length > 2) length = 2;
        if (length == 0 || length >= sizeof digits) return false;
        memcpy(digits, at, length);
        part[i] = strtoul(digits, NULL, hex ? 16 : 10);
        if (part[i] > 255) return false;
        at += length;
    }
    if (part[0] % 17 || part[1] % 17 || part[2] % 17)
        text_append(out, "#%02lx%02lx%02lx", part[0], part[1], part[2]);
    else
        text_append(out, "#%lx%lx%lx", part[0] / 17, part[1] / 17, part[2] / 17);
    return true;
}

/* "translate(163.19,309.58) scale(2.05)": to a tenth where it is, as exact as it was how large. */
static bool append_transform(struct text *out, struct piece value) {
    static const char name[] = "translate(";
    const size_t length = sizeof name - 1, end = strcspn(value.at, ")");
    if (!begins(value.at, name) || end >= value.size) return false;
    text_append_bytes(out, name, length);
    if (!svg_path_append_numbers(out, value.at + length, end - length)) return false;
    text_append(out, ")");
    const char *rest = skip_blanks(value.at + end + 1);
    text_append_bytes(out, rest, (size_t)(value.at + value.size - rest));
    return true;
}

static bool append_shorter(struct text *out, struct piece name, struct piece value) {
    static const char *const numbers[] = {"x", "y", "width", "height", "stroke-width", "font-size"};
    if (is(name, "fill") || is(name, "stroke") || is(name, "color"))
        return append_colour(out, value);
    if (is(name, "transform")) return append_transform(out, value);
    if (is(name, "d")) return svg_path_append(out, value.at, value.size);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (is(name, numbers[i])) return svg_path_append_numbers(out, value.at, value.size);
    return false;
}

/* Writes an attribute unless it is inherited; level->value is what holds inside. */
static void append_attribute(struct shortening *s, struct level *level, struct piece name,
                             struct piece value) {
    struct text *out = s->out;
    size_t before = out->size, which = 0;
    text_append(out, " %.*s=\"", (int)name.size, name.at);
    size_t begin = out->size;
    if (!append_shorter(out, name, value)) {
        cut(out, begin);
        text_append_bytes(out, value.at, value.size);
    }
    while (which < N_INHERITED && !is(name, inherited[which].name)) which++;
    if (which == N_INHERITED) {
        level->may_join = false;
    } else if (!out->failed && !s->text) { /* in a text, what is inherited is not followed */
        char *known = level->value[which];
        if (*known && strcmp(known, out->data + begin) == 0) {
            cut(out, before);
            return;
        }
        /* The colour that a name stands for is another one elsewhere. */
        bool fits = out->size - begin < VALUE_SIZE && !is(value, "currentColor");
        snprintf(known, VALUE_SIZE, "%s", fits ? out->data + begin : "");
    }
    text_append(out, "\"");
}

/* Writes a tag into the level it is in; *inner: what a level of it would be. */
static void append_tag(struct shortening *s, const struct level *outer, const struct tag *tag,
                       struct level *inner) {
    bool polygon = is(tag->name, "polygon");
    *inner = *outer;
    inner->begin = s->out->size;
    inner->n_children = 0;
    inner->may_join = true;
    text_append(s->out, "<%.*s", polygon ? 4 : (int)tag->name.size,
                polygon ? "path" : tag->name.at);
    for (size_t i = 0; i < tag->n; i++) {
        struct piece name = tag->attribute[i].name, value = tag->attribute[i].value;
        static const char filter[] = "filter:";
        if (is(name, "class") || (is(name, "id") && !is_used(s, value))) continue;
        if (is(name, "xlink:href")) name = (struct piece){"href", 4};
        if (is(name, "style") && begins(value.at, filter) && !memchr(value.at, ';', value.size)) {
            name = (struct piece){value.at, sizeof filter - 2}; /* a style is against the policy */
            value = (struct piece){value.at + sizeof filter - 1, value.size - sizeof filter + 1};
        }
        if (polygon && is(name, "points")) {
            text_append(s->out, " d=\"");
            s->lost |= !svg_path_append(s->out, value.at, value.size);
            text_append(s->out, "z\"");
        } else
            append_attribute(s, inner, name, value);
    }
    if (is(tag->name, "svg")) text_append(s->out, " font-family=\"sans-serif\"");
    text_append(s->out, tag->closed ? "/>" : ">");
    inner->content = s->out->size;
}

/* ---- groups ---- */

/* The place of a group as the place of the text in it; returns the rest of what the group says. */
static const char *append_place(struct text *out, const char *child, const char *says) {
    static const char moved[] = " transform=\"translate(";
    const char *x = says + sizeof moved - 1;
    if (!begins(says, moved) || !begins(child, "<text") || strstr(child, " x=")) return says;
    const char *y = strchr(x, ' '), *end = strchr(x, ')');
    if (!y || !end || y > end || end[1] != '"') return says;
    text_append(out, " x=\"%.*s\" y=\"%.*s\"", (int)(y - x), x, (int)(end - y - 1), y + 1);
    return end + 2;
}

/* Makes a group of one element that element, if both say different things. */
static bool hand_down(struct shortening *s, const struct level *group) {
    char *data = s->out->data, *says = data + group->begin + 2, *child = data + group->content;
    const size_t name_size = strcspn(child + 1, " />") + 1, tag_size = strcspn(child, ">");
    for (const char *at = says; *at == ' ';) {
        size_t name = strcspn(at, "\"") + 1;
        if (memmem(child, tag_size, at, name)) return false;
        at += name + strcspn(at + name, "\"") + 1;
    }
    struct text one = {0};
    text_append_bytes(&one, child, name_size);
    const char *rest = append_place(&one, child, says);
    text_append_bytes(&one, rest, (size_t)(data + group->content - 1 - rest));
    text_append(&one, "%s", child + name_size);
    cut(s->out, group->begin);
    text_append_bytes(s->out, one.data ? one.data : "", one.size);
    s->out->failed |= one.failed;
    text_free(&one);
    return true;
}

/* Ends the last level where it is over. */
static void end_level(struct shortening *s) {
    if (!s->over || s->out->failed) return;
    const struct level *group = &s->level[s->depth--];
    s->over = false;
    if (group->n_children == 0) {
        cut(s->out, group->begin);
        s->level[s->depth].n_children--;
    } else if (group->n_children > 1 || !hand_down(s, group))
        text_append(s->out, "</g>%s", s->depth == 0 ? "\n" : "");
}

static bool open_group(struct shortening *s, const struct tag *tag) {
    if (s->n_open == DEPTH_MOST || s->depth + 1 == DEPTH_MOST || tag->closed) return false;
    const struct level *last = &s->level[s->depth];
    struct level inner;
    append_tag(s, s->over ? last - 1 : last, tag, &inner);
    if (s->out->failed) return true;
    size_t size = inner.content - inner.begin;
    bool silent = size == strlen("<g>"),
         joins = s->over && inner.may_join && last->may_join &&
                 size == last->content - last->begin &&
                 memcmp(s->out->data + inner.begin, s->out->data + last->begin, size) == 0;
    s->silent[s->n_open++] = silent;
    if (silent || joins) {
        cut(s->out, inner.begin);
        if (joins) s->over = false;
        return true;
    }
    if (s->over) {
        cut(s->out, inner.begin);
        end_level(s);
        append_tag(s, &s->level[s->depth], tag, &inner);
    }
    s->level[s->depth].n_children++;
    s->level[++s->depth] = inner;
    return true;
}

static bool close_group(struct shortening *s) {
    if (s->n_open == 0) return false;
    if (s->silent[--s->n_open]) return true;
    end_level(s);
    s->over = true;
    return true;
}

/* ---- the picture ---- */

static bool open_element(struct shortening *s, const struct tag *tag) {
    static const char *const filled[] = {"svg", "text", "tspan"};
    struct level ignored;
    bool known = tag->closed;
    for (size_t i = 0; i < sizeof filled / sizeof *filled; i++) known |= is(tag->name, filled[i]);
    if (!known) return false;
    end_level(s);
    if (!s->text) s->level[s->depth].n_children++;
    size_t begin = s->out->size;
    append_tag(s, &s->level[s->depth], tag, &ignored);
    if (is(tag->name, "text") && !tag->closed) {
        s->text = begin;
        s->text_content = s->out->size;
    }
    return true;
}

/* Copies what is used of a list of definitions, and returns what is behind it. */
static const char *copy_definitions(struct shortening *s, const char *at) {
    const char *end = strstr(at, "</defs>");
    struct tag tag;
    end_level(s);
    size_t begin = s->out->size;
    text_append(s->out, "<defs>");
    size_t content = s->out->size;
    for (at = strchr(at, '>'); end && at && (at = strchr(at, '<')) < end;) {
        const char *behind = read_tag(at, &tag);
        if (!behind) return NULL;
        char close[40];
        snprintf(close, sizeof close, "</%.*s>", (int)tag.name.size, tag.name.at);
        if (!tag.closed && (behind = strstr(behind, close))) behind += strlen(close);
        if (!behind || behind > end) return NULL;
        bool used = false;
        for (size_t i = 0; i < tag.n; i++)
            used |= is(tag.attribute[i].name, "id") && is_used(s, tag.attribute[i].value);
        if (used) text_append_bytes(s->out, at, (size_t)(behind - at));
        at = behind;
    }
    if (s->out->size == content)
        cut(s->out, begin);
    else {
        text_append(s->out, "</defs>");
        s->level[s->depth].n_children += 2; /* no group may become a definition */
    }
    return end ? end + strlen("</defs>") : NULL;
}

static bool close_element(struct shortening *s, const char *at, const char *end) {
    if (begins(at, "</g>")) return close_group(s);
    bool empty = s->text && s->out->size == s->text_content;
    end_level(s);
    if (begins(at, "</text>")) {
        if (empty) s->level[s->depth].n_children--;
        if (empty) cut(s->out, s->text);
        s->text = 0;
    }
    if (!empty) text_append_bytes(s->out, at, (size_t)(end - at));
    return true;
}

static bool shorten(struct shortening *s) {
    for (const char *at = s->svg, *end; *at; at = end) {
        struct tag tag;
        bool ok = true;
        if (*at != '<') {
            end = at + strcspn(at, "<");
            if (s->text) text_append_bytes(s->out, at, (size_t)(end - at)); /* others are blank */
        } else if (at[1] == '/') {
            end = strchr(at, '>');
            ok = end && close_element(s, at, ++end);
        } else if (begins(at, "<defs>")) {
            end = copy_definitions(s, at);
        } else {
            end = read_tag(at, &tag);
            ok = end && (is(tag.name, "g") ? open_group(s, &tag) : open_element(s, &tag));
        }
        if (!ok || !end || s->lost) return false;
    }
    return s->n_open == 0;
}

void svg_short_append(struct text *out, const char *svg) {
    struct text picture = {0};
    struct shortening s = {.out = &picture, .svg = svg};
    for (size_t i = 0; i < N_INHERITED; i++)
        snprintf(s.level[0].value[i], VALUE_SIZE, "%s", inherited[i].initial);
    bool ok = shorten(&s) && !picture.failed;
    text_append(out, "%s", ok ? picture.data : svg);
    text_free(&picture);
}
