/*
 * Filling in what the starter leaves open; see starter.h. It is walked line by line: a line of the
 * `data:` section whose key was guessed keeps its place and its comment and gets another value, so
 * that every explanation exists once.
 */
#include "harness/cli/starter.h"
#include "harness/config/survey.h"
#include "models/base/utf8.h"

#include <stdbool.h>
#include <string.h>

extern const char harness_config_starter_yaml[];

static const char placeholder[] = "@NAME@";

enum { LINE_MAX_SHOWN = 106, COMMENT_COLUMN = 38 };

static void write_line(const char *line, size_t size, const char *name, FILE *out) {
    const char *end = line + size, *at;
    for (; (at = memmem(line, (size_t)(end - line), placeholder, strlen(placeholder)));
         line = at + strlen(placeholder))
        fprintf(out, "%.*s%s", (int)(at - line), line, name);
    fprintf(out, "%.*s\n", (int)(end - line), line);
}

/* A comment of as many lines as it needs. */
static void write_comment(const char *text, FILE *out) {
    static const char start[] = "  # guessed: ", more[] = "  #   ";
    size_t column = strlen(start);
    fputs(start, out);
    for (const char *word = text; *word; word += strspn(word, " ")) {
        size_t length = strcspn(word, " ");
        if (word > text && column + 1 + length > LINE_MAX_SHOWN) {
            fprintf(out, "\n%s", more);
            column = strlen(more);
        } else if (word > text) {
            fputc(' ', out);
            column++;
        }
        for (const char *end = word + length; word < end;) {
            const char *c = word;
            bool plain = survey_is_plain(utf8_next(&word));
            fprintf(out, "%.*s", plain ? (int)(word - c) : 1, plain ? c : " ");
        }
        column += length;
    }
    fputc('\n', out);
}

/* The key of a line of the section, "  key: " or "  #key: "; its size, 0 if it has none. */
static const char *key_of(const char *line, size_t line_size, size_t *size) {
    const char *key = line + 2 + (line_size > 2 && line[2] == '#');
    *size = strspn(key, "abcdefghijklmnopqrstuvwxyz_");
    bool is_key = line_size > 2 && memcmp(line, "  ", 2) == 0 && *size > 0 && key[*size] == ':';
    if (!is_key) *size = 0;
    return key;
}

static const struct guessed *guessed_of(const struct guess *guess, const char *line, size_t size) {
    size_t key_size;
    const char *key = key_of(line, size, &key_size);
    for (int i = 0; guess && key_size > 0 && i < guess->n; i++)
        if (strlen(guess->setting[i].key) == key_size &&
            memcmp(guess->setting[i].key, key, key_size) == 0)
            return &guess->setting[i];
    return NULL;
}

/* The line of a guessed setting, with the comment that stands behind the example. */
static void write_setting(const struct guessed *setting, const char *line, size_t size,
                          const char *name, FILE *out) {
    if (!setting->value.data) { /* an example that is not to be */
        bool off = line[2] == '#';
        fprintf(out, "  #");
        write_line(line + 2 + off, size - 2 - off, name, out);
        return;
    }
    write_comment(setting->why.data, out);
    int column = fprintf(out, "  %s: %s", setting->key, setting->value.data);
    const char *comment = memmem(line, size, " # ", 3);
    if (comment)
        fprintf(out, "%*s%.*s", column < COMMENT_COLUMN ? COMMENT_COLUMN - column : 1, "",
                (int)(line + size - comment - 1), comment + 1);
    fputc('\n', out);
}

void starter_write(const char *name, const struct guess *guess, FILE *out) {
    bool data = false;
    for (const char *line = harness_config_starter_yaml, *end; *line; line = end + (*end == '\n')) {
        end = line + strcspn(line, "\n");
        size_t size = (size_t)(end - line);
        if (size > 0 && *line != ' ') data = strncmp(line, "data:", 5) == 0;
        const struct guessed *setting = data ? guessed_of(guess, line, size) : NULL;
        if (setting)
            write_setting(setting, line, size, name, out);
        else
            write_line(line, size, name, out);
    }
}
