/*
 * Writing YAML; see yaml_write.h. libyaml's emitter knows no comments, and what is needed is
 * little: maps a key a line, lists of plain values in brackets, other lists an entry a line, and
 * texts plain where that is beyond doubt, else in double quotes. Recursion ends at TREE_DEPTH_MAX.
 */
#include "models/base/yaml_write.h"
#include "models/base/utf8.h"

#include <string.h>

enum { COMMENT_COLUMN = 40 };

struct writer {
    const char *file;
    struct text *out;
    size_t line; /* where the current line starts in out */
};

/* Escapes what YAML forbids or folds between double quotes: controls, its line breaks beyond ASCII
 * (U+0085, U+2028, U+2029), the byte order mark and what is no character (U+FFFE, U+FFFF). */
static void write_quoted(const char *text, struct text *out) {
    static const char *const escaped[] = {"\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF",
                                          "\xEF\xBF\xBE", "\xEF\xBF\xBF"};
    static const char *const names[] = {"2028", "2029", "feff", "fffe", "ffff"};
    text_append(out, "\"");
    for (size_t left = strlen(text), length; left > 0; text += length, left -= length) {
        const unsigned char *byte = (const unsigned char *)text;
        size_t i = 0;
        if ((length = utf8_length(text, left)) == 0) length = 1; /* cannot be: it was parsed */
        while (length == 3 && i < 5 && memcmp(text, escaped[i], 3) != 0) i++;
        if (*text == '"' || *text == '\\')
            text_append(out, "\\%c", *text);
        else if (length == 1 && (*byte < 0x20 || *byte == 0x7F))
            text_append(out, "\\x%02x", *byte);
        else if (length == 2 && byte[0] == 0xC2 && byte[1] < 0xA0)
            text_append(out, "\\x%02x", byte[1]);
        else if (length == 3 && i < 5)
            text_append(out, "\\u%s", names[i]);
        else
            text_append(out, "%.*s", (int)length, text);
    }
    text_append(out, "\"");
}

/* Words and numbers, with single blanks in between and no sign that means something in YAML. */
static bool is_plain(const char *text) {
    const char *safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-/";
    size_t n = strlen(text), start = strspn(text, "+-");
    if (start == n || start > 1 || !strchr(safe, text[start]) || text[n - 1] == ' ') return false;
    for (size_t i = start; i < n; i++)
        if (!strchr(safe, text[i]) && !(text[i] == ' ' && text[i + 1] != ' ')) return false;
    return true;
}

static void write_text(const char *text, struct text *out) {
    if (is_plain(text))
        text_append(out, "%s", text);
    else
        write_quoted(text, out);
}

/* Quotes make a text of what would be a number; a null has none. */
static void write_scalar(const struct node *node, struct text *out) {
    if (node->quoted)
        write_quoted(node->text, out);
    else if (!*node->text || strcmp(node->text, "~") == 0)
        text_append(out, "%s", node->text);
    else
        write_text(node->text, out);
}

/* Whether a node stands on one line: a value, a list of values, or something empty. An entry that
 * was left empty can stand on a line of its own only: [ ] has no entry. */
static bool is_inline(const struct node *node) {
    if (node->kind == NODE_SCALAR || !node->first) return true;
    if (node->kind == NODE_MAP) return false;
    for (const struct node *entry = node->first; entry; entry = entry->next)
        if (entry->kind != NODE_SCALAR || (!*entry->text && !entry->quoted)) return false;
    return true;
}

static void write_inline(const struct node *node, struct text *out) {
    if (node->kind == NODE_SCALAR) {
        write_scalar(node, out);
        return;
    }
    text_append(out, node->kind == NODE_MAP ? "{" : "[");
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        text_append(out, entry == node->first ? "" : ", ");
        write_scalar(entry, out);
    }
    text_append(out, node->kind == NODE_MAP ? "}" : "]");
}

static void end_line(struct writer *writer, const struct node *node) {
    struct text *out = writer->out;
    const struct location *at = &node->at;
    size_t used = out->size - writer->line;
    int gap = used < COMMENT_COLUMN - 2 ? (int)(COMMENT_COLUMN - used) : 2;
    if (strcmp(at->file, writer->file) != 0) {
        text_append(out, "%*s# ", gap, "");
        for (const char *c = at->file; *c; c++) /* a path may have anything in it */
            text_append(out, "%c", (unsigned char)*c < 0x20 || *c == 0x7F ? '?' : *c);
        if (at->line > 0) text_append(out, ":%d", at->line);
    }
    text_append(out, "\n");
    writer->line = out->size;
}

/* The entries of a map or list, each on lines of its own that start with `indent` blanks; the first
 * of them is on a line that has begun already where `begun` is true. */
static void write_block(struct writer *writer, const struct node *node, int indent, bool begun) {
    struct text *out = writer->out;
    for (const struct node *entry = node->first; entry; entry = entry->next) {
        text_append(out, "%*s", begun ? 0 : indent, "");
        begun = false;
        if (node->kind == NODE_MAP) {
            write_text(entry->key, out);
            text_append(out, ":");
        } else {
            text_append(out, "-");
        }
        if (is_inline(entry)) {
            text_append(out, " ");
            write_inline(entry, out);
            end_line(writer, entry);
        } else if (node->kind == NODE_LIST) {
            text_append(out, " ");
            write_block(writer, entry, indent + 2, true);
        } else {
            text_append(out, "\n");
            writer->line = out->size;
            write_block(writer, entry, indent + 2, false);
        }
    }
}

void yaml_write(const struct node *map, const char *file, struct text *out) {
    struct writer writer = {.file = file, .out = out, .line = out->size};
    if (is_inline(map))
        write_inline(map, out), text_append(out, "\n");
    else
        write_block(&writer, map, 0, false);
}
