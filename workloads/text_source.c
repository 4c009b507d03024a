/*
 * Classes are fixed before any text is looked at: from the class file in its order, or from all
 * labels of the training file in alphabetical order, so that label numbers depend neither on limits
 * nor on the order of rows.
 */
#include "workloads/text_source.h"
#include "workloads/reader.h"
#include "workloads/split.h"
#include "workloads/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file's rows and where they came from. */
struct source {
    struct rows rows;
    struct location at; /* the file; line is set where it is used */
};

static bool find(const char *name, char *path, size_t size, struct error *error) {
    char hint[DATASET_HINT_SIZE];
    if (text_file_find(data_root(), name, path, size)) return true;
    text_file_path(data_root(), name, path, size);
    dataset_hint(path, hint);
    return error_set(error, "no file %s (or %s.gz): %s", path, name, hint);
}

static bool read_rows(const struct data_config *config, const char *name, struct source *out,
                      struct error *error) {
    char path[2 * OPTION_STRING_MAX];
    struct text_file file;
    if (!find(name, path, sizeof path, error) ||
        !text_file_read(path, (enum text_encoding)config->encoding, &file, error))
        return false;
    snprintf(out->at.file, sizeof out->at.file, "%s", file.path);
    struct csv_format format = {config->label_column, config->text_columns, config->header};
    bool ok = config->source == SOURCE_CSV ? reader_csv(&file, &format, &out->rows, error)
                                           : reader_label_text(&file, &out->rows, error);
    text_file_free(&file);
    if (ok && out->rows.n == 0) ok = error_set_at(error, &out->at, "no rows");
    return ok;
}

/* A class of the training file's first line alone is a header that `header: true` should skip. The
 * test file may start with the same line. */
static bool refuse_header(const struct rows *train, const struct rows *test,
                          const struct location *file, struct error *error) {
    const char *first = train->pool + train->row[0].label;
    struct location at = *file;
    for (int i = 1; i < train->n; i++)
        if (strcmp(train->pool + train->row[i].label, first) == 0) return true;
    for (int i = 1; i < test->n; i++)
        if (strcmp(test->pool + test->row[i].label, first) == 0) return true;
    at.line = 1;
    return error_set_at(error, &at,
                        "class '%.60s' occurs only in the first line; is it a header? set header: "
                        "true in data",
                        first);
}

/* Bytes of the first `depth` parts of a label "A:b:c"; 0 if it has fewer. */
static size_t label_size(const char *label, int depth) {
    const char *end = label;
    for (int part = 1; depth > 0; part++) {
        end += strcspn(end, ":");
        if (part == depth) return (size_t)(end - label);
        if (!*end++) return 0;
    }
    return strlen(label);
}

static bool read_class_file(const struct data_config *config, struct word_table *classes,
                            struct error *error) {
    char path[2 * OPTION_STRING_MAX];
    struct text_file file;
    if (!find(config->classes_file, path, sizeof path, error) ||
        !text_file_read(path, (enum text_encoding)config->encoding, &file, error))
        return false;
    struct location at = {0};
    snprintf(at.file, sizeof at.file, "%s", file.path);
    bool ok = true;
    for (const char *next = file.data; ok && *next; next += *next == '\n') {
        at.line++;
        size_t length = strcspn(next, "\n"), size = length;
        if (size > 0 && next[size - 1] == '\r') size--;
        int known = classes->n;
        if (size == 0)
            ok = error_set_at(error, &at, "empty class name");
        else if (word_table_add(classes, next, size) != known)
            ok = error_set_at(error, &at, "class '%.*s' stands here a second time",
                              size > 60 ? 60 : (int)size, next);
        next += length;
    }
    text_file_free(&file);
    return ok;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The different labels of the rows at a depth, alphabetically. */
static bool collect_classes(const struct rows *rows, int depth, struct word_table *classes,
                            struct error *error) {
    struct word_table found = {0};
    bool ok = true;
    for (int i = 0; ok && i < rows->n; i++) {
        const char *label = rows->pool + rows->row[i].label;
        size_t size = label_size(label, depth); /* 0: reported with its line when it is used */
        if (size > 0) ok = word_table_add(&found, label, size) >= 0;
    }
    if (found.n > 0) qsort(found.words, (size_t)found.n, sizeof *found.words, compare_names);
    for (int i = 0; ok && i < found.n; i++)
        ok = word_table_add(classes, found.words[i], strlen(found.words[i])) >= 0;
    word_table_free(&found);
    return ok || error_set(error, "out of memory while listing classes");
}

/* The class of a label: its name or, with a class file, its number from 1. -1 on error. */
static int class_of(const struct data_config *config, const struct word_table *classes,
                    const char *label, const struct location *at, struct error *error) {
    size_t size = label_size(label, config->label_depth);
    if (size == 0) {
        error_set_at(error, at, "label '%.60s' has fewer parts than label_depth: %d", label,
                     config->label_depth);
        return -1;
    }
    int class = word_table_find(classes, label, size);
    if (class >= 0) return class;
    if (!config->classes_file[0]) {
        error_set_at(error, at,
                     "label '%.60s' does not occur in the training file; correct the row or list "
                     "it in a classes_file",
                     label);
        return -1;
    }
    char *end;
    long number = strtol(label, &end, 10);
    if (label[0] >= '0' && label[0] <= '9' && !*end && number >= 1 && number <= classes->n)
        return (int)number - 1;
    error_set_at(error, at, "label '%.60s' is none of the %d classes in %s, nor a number 1..%d",
                 label, classes->n, config->classes_file, classes->n);
    return -1;
}

/* Numbers the words of every row; the pool's texts are lower-cased in place. */
static bool tokenise(const struct data_config *config, struct source *source,
                     const struct word_table *classes, struct word_table *words, struct split *out,
                     struct error *error) {
    struct rows *rows = &source->rows;
    if (!split_new(rows->n, rows->pool_size, out, error)) return false; /* a token has a byte */
    for (int i = 0; i < rows->n; i++) {
        source->at.line = rows->row[i].line;
        int class = class_of(config, classes, rows->pool + rows->row[i].label, &source->at, error);
        if (class < 0) return false;
        char *text = rows->pool + rows->row[i].text, *token;
        int32_t *tokens = out->tokens + out->offsets[i];
        size_t size;
        int n = 0;
        while (tokenizer_next(&text, &token, &size)) {
            tokens[n] = word_table_add(words, token, size);
            if (tokens[n++] < 0)
                return error_set_at(error, &source->at, "out of memory while numbering words");
        }
        if (n == 0)
            return error_set_at(error, &source->at,
                                "empty text after tokenising; remove the row or give it a text");
        split_add(out, tokens, n, class, -1);
    }
    return true;
}

bool text_source_load(const struct data_config *config, struct split *train, struct split *test,
                      struct word_table *words, struct word_table *classes, struct error *error) {
    struct source train_source = {0}, test_source = {0};
    bool ok = read_rows(config, config->train_file, &train_source, error) &&
              read_rows(config, config->test_file, &test_source, error) &&
              (config->source != SOURCE_CSV || config->header || config->classes_file[0] ||
               refuse_header(&train_source.rows, &test_source.rows, &train_source.at, error)) &&
              (config->classes_file[0]
                   ? read_class_file(config, classes, error)
                   : collect_classes(&train_source.rows, config->label_depth, classes, error)) &&
              tokenise(config, &train_source, classes, words, train, error) &&
              tokenise(config, &test_source, classes, words, test, error);
    if (ok && classes->n < 2)
        ok = error_set(error, "%s has one class only; there is nothing to learn",
                       config->train_file);
    rows_free(&train_source.rows);
    rows_free(&test_source.rows);
    return ok;
}
