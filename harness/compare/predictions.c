/*
 * Predictions from elsewhere, a JSON object a line. Lines may come in any order: they are sorted by
 * workload, seed and input, so that a second answer to an input is found and named with its line.
 * Times are taken in the order of the file: what they are made of is medians of ten stretches of it,
 * because passes that follow each other are not independent.
 */
#include "harness/compare/side.h"
#include "harness/store/statistics.h"
#include "models/base/json.h"
#include "models/base/text_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCHES = 10 };

/* A line; its texts are those of the parsed line until they are handed on. */
struct row {
    char *workload, *id;
    int64_t seed;
    uint32_t label;
    bool right;
    int line;
    double latency; /* NaN: none */
};

struct rows {
    struct row *row;
    size_t n, capacity;
};

/* The text of an entry: a string or a number, nothing else. */
static bool read_text(const struct node *object, const char *key, char **out, struct error *error) {
    const struct node *node = node_find(object, key);
    if (!node)
        return error_set_at(error, &object->at,
                            "no '%s'; a line has 'input', 'label' and 'predicted'", key);
    if (node->kind != NODE_SCALAR)
        return error_set_at(error, &node->at, "'%s' must be a text or a number", key);
    if (!node->quoted && (strcmp(node->text, "null") == 0 || strcmp(node->text, "true") == 0 ||
                          strcmp(node->text, "false") == 0))
        return error_set_at(error, &node->at, "'%s' is %s; it must be a text or a number", key,
                            node->text);
    *out = node->text;
    return true;
}

static bool read_seed(const struct node *object, int64_t *seed, struct error *error) {
    const struct node *node = node_find(object, "seed");
    char *end = NULL;
    *seed = 0;
    if (!node) return true;
    errno = 0;
    if (node->kind == NODE_SCALAR && !node->quoted) *seed = strtoll(node->text, &end, 10);
    if (!end || end == node->text || *end || errno)
        return error_set_at(error, &node->at, "'seed' must be a whole number");
    return true;
}

static bool read_latency(const struct node *object, double *latency, struct error *error) {
    const struct node *node = node_find(object, "latency_ns");
    char *end = NULL;
    *latency = NAN;
    if (!node || (node->kind == NODE_SCALAR && !node->quoted && strcmp(node->text, "null") == 0))
        return true;
    if (node->kind == NODE_SCALAR && !node->quoted) *latency = strtod(node->text, &end);
    if (!end || end == node->text || *end || !isfinite(*latency) || *latency <= 0)
        return error_set_at(error, &node->at, "'latency_ns' must be a number above 0");
    return true;
}

/* A workload's name stands in a table of lines. */
static bool read_workload(const struct node *object, char **out, struct error *error) {
    if (!node_find(object, "workload")) return true;
    if (!read_text(object, "workload", out, error)) return false;
    for (const char *at = *out; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return error_set_at(error, &node_find(object, "workload")->at,
                                "'workload' must be a name without line breaks and the like");
    return true;
}

static bool read_row(const struct node *object, struct row *row, struct error *error) {
    char *label, *predicted, *id, *workload = "";
    if (object->kind != NODE_MAP)
        return error_set_at(error, &object->at,
                            "a line must be an object: {\"input\": 1, \"label\": \"a\", "
                            "\"predicted\": \"b\"}");
    if (!read_text(object, "input", &id, error) || !read_text(object, "label", &label, error) ||
        !read_text(object, "predicted", &predicted, error) ||
        !read_seed(object, &row->seed, error) || !read_latency(object, &row->latency, error) ||
        !read_workload(object, &workload, error))
        return false;
    row->label = outcomes_label(label);
    row->right = strcmp(label, predicted) == 0;
    row->id = strdup(id);
    row->workload = strdup(workload);
    return (row->id && row->workload) || error_set(error, "out of memory reading predictions");
}

static struct row *add_row(struct rows *rows, struct error *error) {
    if (rows->n == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 64;
        struct row *grown = realloc(rows->row, capacity * sizeof *grown);
        if (!grown) return error_set(error, "out of memory reading predictions"), NULL;
        rows->row = grown;
        rows->capacity = capacity;
    }
    rows->row[rows->n] = (struct row){0};
    return &rows->row[rows->n++];
}

static bool read_rows(const struct text_file *file, struct rows *rows, struct error *error) {
    struct text_line line = {0};
    while (text_file_next_line(file, &line)) {
        struct node *object = NULL;
        if (line.data[strspn(line.data, " \t\r")] == '\n')
            return error_set_at(error, &line.at, "empty line; expected a JSON object");
        struct row *row = add_row(rows, error);
        bool ok = row && json_parse_line(line.data, line.size, &line.at, &object, error) &&
                  read_row(object, row, error);
        node_free(object);
        if (!ok) return false;
        row->line = line.at.line;
    }
    return true;
}

static int compare_group(const struct row *x, const struct row *y) {
    int by_workload = strcmp(x->workload, y->workload);
    return by_workload ? by_workload : (x->seed > y->seed) - (x->seed < y->seed);
}

static int compare_rows(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    size_t n = strlen(x->id), m = strlen(y->id);
    int by_group = compare_group(x, y), by_id = n == m ? strcmp(x->id, y->id) : (n < m ? -1 : 1);
    return by_group ? by_group : by_id ? by_id : x->line - y->line;
}

static int compare_lines(const void *a, const void *b) {
    const struct row *x = a, *y = b;
    int by_group = compare_group(x, y);
    return by_group ? by_group : x->line - y->line;
}

/* Times of a model whose rows are in the order of the file. */
static bool add_latency(const struct row *row, size_t n, struct outcomes *out,
                        struct error *error) {
    double *values = malloc((n + 1) * sizeof *values);
    size_t n_timed = 0;
    bool ok = values || error_set(error, "out of memory reading predictions");
    for (size_t i = 0; ok && i < n; i++)
        if (!isnan(row[i].latency)) values[n_timed++] = row[i].latency;
    struct measured *measured = ok && n_timed > 0 ? outcomes_add_measured(out, error) : NULL;
    if (measured) {
        int stretches = n_timed < STRETCHES ? (int)n_timed : STRETCHES;
        *measured = (struct measured){.workload = strdup(row->workload),
                                      .arm = strdup(""),
                                      .seed = row->seed,
                                      .measure = MEASURE_LATENCY,
                                      .block = malloc((size_t)stretches * sizeof(double))};
        if (measured->block) {
            for (int k = 0; k < stretches; k++) {
                size_t from = n_timed * (size_t)k / (size_t)stretches;
                size_t to = n_timed * ((size_t)k + 1) / (size_t)stretches;
                measured->block[measured->n_blocks++] = statistics_median(values + from, to - from);
            }
            measured->value = statistics_median(values, n_timed);
        }
        ok = (measured->workload && measured->arm && measured->block) ||
             error_set(error, "out of memory reading predictions");
    } else if (n_timed > 0) {
        ok = false;
    }
    free(values);
    return ok;
}

/* Answers of a model whose rows are in the order of their inputs; takes over the ids. */
static bool add_answers(const char *path, struct row *row, size_t n, struct outcomes *out,
                        struct error *error) {
    for (size_t i = 1; i < n; i++)
        if (strcmp(row[i - 1].id, row[i].id) == 0)
            return error_set_at(error, &(struct location){path, row[i].line, 0},
                                "input '%s' of seed %lld is answered twice, first in line %d",
                                row[i].id, (long long)row[i].seed, row[i - 1].line);
    struct answers *answers = outcomes_add_answers(out, error);
    if (!answers) return false;
    *answers = (struct answers){.workload = strdup(row->workload),
                                .arm = strdup(""),
                                .seed = row->seed,
                                .id = calloc(n, sizeof(char *)),
                                .label = calloc(n, sizeof(uint32_t)),
                                .right = calloc(n, 1)};
    if (!answers->workload || !answers->arm || !answers->id || !answers->label || !answers->right)
        return error_set(error, "out of memory reading predictions");
    for (; answers->n < (int)n; answers->n++) {
        int i = answers->n;
        answers->id[i] = row[i].id;
        row[i].id = NULL;
        answers->label[i] = row[i].label;
        answers->right[i] = row[i].right ? 1 : 0;
    }
    return true;
}

/* Cuts the rows, in some order by model, into models. */
static bool each_model(const char *path, struct rows *rows, bool times, struct outcomes *out,
                       struct error *error) {
    bool ok = true;
    for (size_t from = 0, to; ok && from < rows->n; from = to) {
        for (to = from + 1; to < rows->n && compare_group(&rows->row[from], &rows->row[to]) == 0;)
            to++;
        ok = times ? add_latency(&rows->row[from], to - from, out, error)
                   : add_answers(path, &rows->row[from], to - from, out, error);
    }
    return ok;
}

bool predictions_read(const char *path, struct outcomes *out, struct error *error) {
    struct text_file file = {0};
    struct rows rows = {0};
    bool ok = text_file_read(path, ENCODING_UTF_8, &file, error) && read_rows(&file, &rows, error);
    if (ok && rows.row) { /* a file that is not empty has a line */
        qsort(rows.row, rows.n, sizeof *rows.row, compare_lines);
        ok = each_model(path, &rows, true, out, error);
        qsort(rows.row, rows.n, sizeof *rows.row, compare_rows);
        ok = ok && each_model(path, &rows, false, out, error);
    }
    for (size_t i = 0; i < rows.n; i++) {
        free(rows.row[i].workload);
        free(rows.row[i].id);
    }
    free(rows.row);
    text_file_free(&file);
    return ok;
}
