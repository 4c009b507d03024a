/*
 * A JSON reader (RFC 8259); see json.h. It keeps the place of every value, refuses duplicate keys
 * and never recurses, which is why it is here and not taken from a library. Numbers stay text;
 * option.c gives them types.
 */
#include "models/base/json.h"
#include "models/base/tree_builder.h"
#include "models/base/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* `mark` is the last byte whose line and column are known; places are asked for in rising order, so
 * that all of them together cost one walk over the text. */
struct parser {
    const char *position, *end, *mark;
    struct location at; /* of mark */
    char *scratch;      /* room for the longest string */
    struct tree_builder tree;
    struct error *error;
};

/* Line and column (in characters) of a byte at or after the mark. */
static const struct location *place(struct parser *parser, const char *byte) {
    for (; parser->mark < byte; parser->mark++) {
        if (*parser->mark == '\n') {
            parser->at.line++;
            parser->at.column = 1;
        } else if ((*parser->mark & 0xC0) != 0x80) {
            parser->at.column++;
        }
    }
    return &parser->at;
}

static bool fail(struct parser *parser, const char *problem) {
    return error_set_at(parser->error, place(parser, parser->position), "%s%s", problem,
                        parser->position == parser->end ? " (the text ends here)" : "");
}

/* The next byte, or NUL at the end (a NUL inside the text is no token either). */
static char peek(const struct parser *parser) {
    if (parser->position == parser->end) return '\0';
    return *parser->position;
}

static void skip_space(struct parser *parser) {
    while (peek(parser) && strchr(" \t\r\n", peek(parser))) parser->position++;
}

static bool take(struct parser *parser, char expected) {
    if (parser->position == parser->end || *parser->position != expected) return false;
    parser->position++;
    return true;
}

static bool parse_hex(struct parser *parser, uint32_t *out) {
    *out = 0;
    for (int i = 0; i < 4; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = peek(parser) ? strchr(digits, peek(parser)) : NULL;
        if (!digit) return fail(parser, "\\u must be followed by four hexadecimal digits");
        *out = *out << 4 | (uint32_t)(digit - digits) % 16;
        parser->position++;
    }
    return true;
}

/* What follows a backslash; \u escapes above U+FFFF come as a pair of surrogates. */
static bool parse_escape(struct parser *parser, char **out) {
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *name = peek(parser) ? strchr(names, peek(parser)) : NULL;
    uint32_t code, low;
    if (name) {
        parser->position++;
        *(*out)++ = bytes[name - names];
        return true;
    }
    if (!take(parser, 'u')) return fail(parser, "unknown escape in a string");
    if (!parse_hex(parser, &code)) return false;
    if (code >= 0xD800 && code < 0xDC00) {
        if (!take(parser, '\\') || !take(parser, 'u'))
            return fail(parser, "half of a surrogate pair in a string");
        if (!parse_hex(parser, &low)) return false;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail(parser, "half of a surrogate pair in a string");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
        return fail(parser, "half of a surrogate pair in a string");
    }
    *out += utf8_write(code, *out);
    return true;
}

/* A string in quotes, decoded into scratch. No escape is shorter than what it stands for. */
static bool parse_string(struct parser *parser, size_t *size) {
    char *out = parser->scratch;
    if (!take(parser, '"')) return fail(parser, "expected a string in double quotes");
    while (!take(parser, '"')) {
        if (parser->position == parser->end) return fail(parser, "a string is not closed");
        if (take(parser, '\\')) {
            if (!parse_escape(parser, &out)) return false;
        } else if ((unsigned char)*parser->position < 0x20) {
            return fail(parser, "control characters in a string must be escaped");
        } else {
            *out++ = *parser->position++;
        }
    }
    *size = (size_t)(out - parser->scratch);
    return true;
}

static size_t take_digits(struct parser *parser) {
    const char *start = parser->position;
    while (peek(parser) >= '0' && peek(parser) <= '9') parser->position++;
    return (size_t)(parser->position - start);
}

static bool parse_number(struct parser *parser) {
    take(parser, '-');
    if (!take(parser, '0') && take_digits(parser) == 0) return fail(parser, "expected a value");
    if (take(parser, '.') && take_digits(parser) == 0)
        return fail(parser, "expected digits after the decimal point");
    if (take(parser, 'e') || take(parser, 'E')) {
        if (!take(parser, '+')) take(parser, '-');
        if (take_digits(parser) == 0) return fail(parser, "expected digits in the exponent");
    }
    return true;
}

/* A number, true, false or null: kept as its text. */
static bool parse_plain(struct parser *parser) {
    static const char *const literals[] = {"true", "false", "null"};
    const char *start = parser->position;
    struct location at = *place(parser, start);
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(literals[i]);
        if ((size_t)(parser->end - start) >= n && memcmp(start, literals[i], n) == 0)
            parser->position += n;
    }
    if (parser->position == start && !parse_number(parser)) return false;
    return tree_scalar(&parser->tree, start, (size_t)(parser->position - start), false, &at,
                       parser->error);
}

static bool parse_value(struct parser *parser, bool *opened) {
    struct location at = *place(parser, parser->position);
    size_t size = 0;
    *opened = peek(parser) == '{' || peek(parser) == '[';
    if (*opened) {
        enum node_kind kind = *parser->position++ == '{' ? NODE_MAP : NODE_LIST;
        return tree_open(&parser->tree, kind, &at, parser->error);
    }
    if (peek(parser) != '"') return parse_plain(parser);
    return parse_string(parser, &size) &&
           tree_scalar(&parser->tree, parser->scratch, size, true, &at, parser->error);
}

static bool parse_key(struct parser *parser) {
    struct location at = *place(parser, parser->position);
    size_t size = 0;
    if (!parse_string(parser, &size)) return false;
    skip_space(parser);
    if (!take(parser, ':')) return fail(parser, "expected ':' after a key");
    skip_space(parser);
    return tree_key(&parser->tree, parser->scratch, size, &at, parser->error);
}

static char closing_bracket(const struct parser *parser) {
    return parser->tree.open[parser->tree.depth - 1].node->kind == NODE_MAP ? '}' : ']';
}

/* One turn of the loop reads one value, then closes whatever ends after it. */
static bool parse_document(struct parser *parser) {
    struct tree_builder *tree = &parser->tree;
    bool more = true, opened;
    skip_space(parser);
    while (more) {
        if (tree_wants_key(tree) && !parse_key(parser)) return false;
        if (!parse_value(parser, &opened)) return false;
        skip_space(parser);
        if (opened && peek(parser) != closing_bracket(parser)) continue; /* its first entry */
        for (more = false; tree->depth > 0 && !more;) {
            if (take(parser, closing_bracket(parser))) {
                if (!tree_close(tree, parser->error)) return false;
            } else if (take(parser, ',')) {
                more = true;
            } else {
                return fail(parser, closing_bracket(parser) == '}' ? "expected ',' or '}'"
                                                                   : "expected ',' or ']'");
            }
            skip_space(parser);
        }
    }
    return parser->position == parser->end || fail(parser, "unexpected bytes after the document");
}

/* The reader may assume UTF-8 once this has passed. */
static bool check_utf8(struct parser *parser) {
    size_t size = (size_t)(parser->end - parser->position);
    parser->position += utf8_valid_prefix(parser->position, size);
    return parser->position == parser->end || fail(parser, "not valid UTF-8");
}

static bool parse(const char *text, size_t size, const struct location *line, size_t values_max,
                  struct node **out, struct error *error) {
    struct parser start = {.position = text,
                           .end = text + size,
                           .mark = text,
                           .at = *line,
                           .tree.nodes_max = values_max,
                           .error = error};
    start.at.column = 1;
    struct parser parser = start;
    *out = NULL;
    if (!check_utf8(&parser)) return false;
    parser = start;
    parser.scratch = malloc(size + 1);
    if (!parser.scratch) return error_set(error, "out of memory");
    bool ok = parse_document(&parser);
    if (ok)
        *out = parser.tree.root;
    else
        tree_abandon(&parser.tree);
    free(parser.scratch);
    return ok;
}

bool json_parse(const char *text, size_t size, const char *file, struct node **out,
                struct error *error) {
    return json_parse_most(text, size, file, TREE_NODES_MAX, out, error);
}

bool json_parse_most(const char *text, size_t size, const char *file, size_t values_max,
                     struct node **out, struct error *error) {
    struct location first = {.file = file, .line = 1};
    return parse(text, size, &first, values_max, out, error);
}

bool json_parse_line(const char *text, size_t size, const struct location *line, struct node **out,
                     struct error *error) {
    return parse(text, size, line, TREE_NODES_MAX, out, error);
}

void text_append_json_string(struct text *text, const char *value) {
    text_append_bytes(text, "\"", 1);
    for (size_t left = strlen(value), length; left > 0; value += length, left -= length) {
        length = utf8_length(value, left);
        if (length == 0) {
            text_append_bytes(text, "\xEF\xBF\xBD", 3);
            length = 1;
        } else if (*value == '"' || *value == '\\') {
            text_append_bytes(text, (const char[]){'\\', *value}, 2);
        } else if (length == 1 && *value < 0x20) {
            text_append(text, "\\u%04x", (unsigned)*value);
        } else {
            text_append_bytes(text, value, length);
        }
    }
    text_append_bytes(text, "\"", 1);
}
