/*
 * A name decides among columns that could be it, never against what they hold: a column `label` of
 * as many values as rows is no label. Where names say nothing, the only column of few short values
 * is the label, and the longest one the text.
 */
#include "harness/config/guess_columns.h"
#include "harness/config/column_names.h"
#include "models/base/closest_name.h"
#include "workloads/data/doubts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    ROWS_PER_CLASS = 5,  /* on average, at least; fewer teach nothing */
    LABEL_WORDS_MAX = 5, /* on average */
    TEXT_WORDS_MIN = 2
};

static const char *const title_names[] = {"title", "subject", "headline", NULL};
static const char *const pairs[][2] = {{"premise", "hypothesis"}, {"question", "answer"},
                                       {"question", "sentence"},  {"question", "passage"},
                                       {"question", "context"},   {"query", "document"},
                                       {"query", "passage"},      {"text", "pair"}};

static double mean_words(const struct surveyed_column *c) {
    int n = c->n_rows - c->n_empty;
    return n > 0 ? (double)c->n_words / n : 0;
}

/* Every row has it, if without a value. */
static bool is_whole(const struct survey *survey, int at) {
    return survey->column[at].n_rows >= survey->n_rows;
}

bool guess_is_label(const struct survey *survey, int at) {
    const struct surveyed_column *c = &survey->column[at];
    return is_whole(survey, at) && !c->more_values && c->values.n > 1 &&
           (int64_t)c->values.n * ROWS_PER_CLASS <= survey->n_rows &&
           mean_words(c) <= LABEL_WORDS_MAX;
}

static bool is_text(const struct survey *survey, int at) {
    const struct surveyed_column *c = &survey->column[at];
    return is_whole(survey, at) && !c->is_number && mean_words(c) >= TEXT_WORDS_MIN;
}

/* Nothing is both: a text that is the label as well would be the answer. */
static bool is_taken(const struct guessed_columns *g, int at) {
    bool taken = at == g->label || at == g->second;
    for (int i = 0; i < g->n_text; i++) taken = taken || at == g->text[i];
    return taken;
}

/* The first of these names that a column has which may be chosen; -1 if none. */
static int find_named(const struct survey *survey, const struct guessed_columns *g,
                      const char *const *names, bool (*may)(const struct survey *survey, int at)) {
    for (size_t k = 0; names[k]; k++)
        for (int i = 0; i < survey->n_columns; i++)
            if (!is_taken(g, i) && strcasecmp(survey->column[i].name, names[k]) == 0 &&
                may(survey, i))
                return i;
    return -1;
}

/* "columns: 'a' (4 different values, 1.0 words), ..." */
static bool ask(const struct survey *survey, const char *what, const char *how,
                struct error *error) {
    error_set(error, "%s; say it: %s. There is", what, how);
    for (int i = 0; i < survey->n_columns && i < 12; i++) {
        const struct surveyed_column *c = &survey->column[i];
        error_append(error, "%s '%s' (%s%d values, %.1f words)", i ? "," : "", c->name,
                     c->more_values ? "more than " : "", c->values.n, mean_words(c));
    }
    if (survey->n_columns > 12) error_append(error, " and %d more", survey->n_columns - 12);
    return false;
}

/* The column of that name or number; -1 with an error if there is none. */
static int find_column(const struct survey *survey, const char *name, const char *flag,
                       struct error *error) {
    const char *names[SURVEY_COLUMNS_MAX];
    int at = survey_find(survey, name), number = data_config_column(name);
    bool counted = survey->source != SOURCE_JSONL;
    if (at < 0 && counted && number > 0 && number <= survey->n_columns) at = number - 1;
    if (at >= 0) return at;
    for (int i = 0; i < survey->n_columns; i++) names[i] = survey->column[i].name;
    const char *guess = closest_name(name, names, (size_t)survey->n_columns);
    error_set(error, "no column '%s', as %s says%s%s%s", name, flag,
              guess ? "; did you mean '" : "", guess ? guess : "",
              guess ? "'?" : ". The columns are");
    for (int i = 0; !guess && i < survey->n_columns && i < 12; i++)
        error_append(error, "%s '%s'", i ? "," : "", names[i]);
    return -1;
}

/* Another column that the caller named; -1 with an error if it is none. */
static int find_told(const struct survey *survey, const struct guessed_columns *g, const char *name,
                     const char *flag, struct error *error) {
    int at = find_column(survey, name, flag, error);
    if (at < 0 || !is_taken(g, at)) return at;
    error_set(error, "column '%s' is named twice, as %s: label and texts are different columns",
              survey->column[at].name, at == g->label ? "--label and --text" : "--text");
    return -1;
}

static bool take_told(const struct guess_request *request, const struct survey *survey,
                      struct guessed_columns *g, struct error *error) {
    if (request->label) {
        g->label = find_told(survey, g, request->label, "--label", error);
        if (g->label < 0) return false;
    }
    for (int i = 0; i < request->text.n; i++) {
        int at = find_told(survey, g, request->text.name[i], "--text", error);
        if (at < 0) return false;
        g->text[g->n_text++] = at;
    }
    return true;
}

/* "; 'b' (3 values) could be it as well" */
static void add_others(const struct survey *survey, const struct guessed_columns *g,
                       bool (*may)(const struct survey *survey, int at), struct text *out) {
    struct few_names others = {0};
    for (int i = 0; i < survey->n_columns; i++)
        if (!is_taken(g, i) && may(survey, i)) few_names_add(&others, survey->column[i].name);
    if (others.n > 0) text_append(out, "; could be as well: %s", others.shown);
}

static bool find_label(const struct survey *survey, struct guessed_columns *g,
                       struct error *error) {
    int named = find_named(survey, g, column_names_label, guess_is_label), only = -1, n = 0;
    const char *why = named >= 0 ? "by its name" : "no other column has so few";
    for (int i = 0; i < survey->n_columns; i++) {
        if (is_taken(g, i) || !guess_is_label(survey, i)) continue;
        only = i;
        n++;
    }
    if (g->label >= 0) {
        why = "as --label says";
    } else if (named < 0 && n != 1) {
        return ask(survey,
                   n > 1 ? "several columns could be the label"
                         : "no column looks like a label: few different values, few words",
                   "--label COLUMN", error);
    } else {
        g->label = named >= 0 ? named : only;
    }
    const struct surveyed_column *c = &survey->column[g->label];
    struct few_names values = {0};
    for (int i = 0; i < c->values.n; i++) few_names_add(&values, c->values.words[i]);
    text_append(&g->why_label, "%s%d different values (%s), %s", c->more_values ? "more than " : "",
                c->values.n, values.shown, why);
    return true;
}

/* Names that differ in a last 1 and 2, or a and b. */
static bool are_numbered(const char *a, const char *b) {
    size_t n = strlen(a);
    if (data_config_column(a) > 0) return false; /* a number is no name */
    if (n == 0 || n != strlen(b) || strncasecmp(a, b, n - 1) != 0) return false;
    char one = a[n - 1], other = b[n - 1];
    return (one == '1' && other == '2') || ((one | 32) == 'a' && (other | 32) == 'b');
}

static bool are_pair(const char *a, const char *b) {
    bool found = are_numbered(a, b);
    for (size_t k = 0; !found && k < sizeof pairs / sizeof *pairs; k++)
        found = strcasecmp(a, pairs[k][0]) == 0 && strcasecmp(b, pairs[k][1]) == 0;
    return found;
}

static bool find_pair(const struct survey *survey, struct guessed_columns *g) {
    for (int i = 0; i < survey->n_columns; i++)
        for (int k = 0; k < survey->n_columns; k++) {
            if (i == g->label || k == g->label || !is_text(survey, i) || !is_text(survey, k) ||
                !are_pair(survey->column[i].name, survey->column[k].name))
                continue;
            g->n_text = 1;
            g->text[0] = i;
            g->second = k;
            text_append(&g->why_text, "two texts by their names, so the class is about both");
            return true;
        }
    return false;
}

/* The column of most words, -1 if none has enough. */
static int find_longest(const struct survey *survey, const struct guessed_columns *g) {
    int longest = -1;
    for (int i = 0; i < survey->n_columns; i++)
        if (!is_taken(g, i) && is_text(survey, i) &&
            (longest < 0 || mean_words(&survey->column[i]) > mean_words(&survey->column[longest])))
            longest = i;
    return longest;
}

static bool find_text(const struct survey *survey, struct guessed_columns *g, struct error *error) {
    if (g->n_text > 0) {
        text_append(&g->why_text, "as --text says");
        return true;
    }
    if (find_pair(survey, g)) return true;
    int named = find_named(survey, g, column_names_text, is_text);
    int title = find_named(survey, g, title_names, is_text);
    int text = named >= 0 ? named : find_longest(survey, g);
    if (text < 0)
        return ask(survey, "no column beside the label has texts of several words", "--text COLUMN",
                   error);
    if (title >= 0 && title != text) g->text[g->n_text++] = title;
    g->text[g->n_text++] = text;
    text_append(&g->why_text, "%s, %.1f words on average%s",
                named >= 0 ? "by its name" : "the longest", mean_words(&survey->column[text]),
                g->n_text > 1 ? "; the title in front of it" : "");
    add_others(survey, g, is_text, &g->why_text);
    return true;
}

bool guess_columns(const struct guess_request *request, const struct survey *survey,
                   struct guessed_columns *out, struct error *error) {
    *out = (struct guessed_columns){.label = -1, .second = -1};
    if (!take_told(request, survey, out, error) || !find_label(survey, out, error) ||
        !find_text(survey, out, error))
        return false;
    add_others(survey, out, guess_is_label, &out->why_label);
    return (!out->why_label.failed && !out->why_text.failed) || error_set(error, "out of memory");
}

void guess_columns_free(struct guessed_columns *columns) {
    text_free(&columns->why_label);
    text_free(&columns->why_text);
}
