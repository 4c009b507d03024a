/*
 * The order is that of the questions: what the file is, where label and text stand, which files are
 * beside it, how long inputs are, and whether all rows are too many for a first look.
 */
#include "harness/config/guess.h"
#include "harness/config/guess_columns.h"
#include "models/base/json.h"
#include "models/base/text_file.h"
#include "workloads/data/data_files.h"
#include "workloads/data/doubts.h"
#include "workloads/data/near_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LENGTH_LEAST = 8,
    LENGTH_MOST = 128, /* attention and time grow with it; what is longer is cut */
    LENGTH_STEP = 4,   /* lengths are rounded up to it */
    /* The starter's sweep of so many tokens to train on takes two to three minutes on two cores; of
     * longer texts fewer, since each token attends to all others: at LONG_TEXT that takes as long as
     * everything else. Measured once and no speed of this machine, so that a file is the same
     * wherever and whenever it is written. */
    TOKENS_AT_ONCE = 30000,
    LONG_TEXT = 160,
    LIMIT_STEP = 10,
    INPUTS_PER_CLASS = 5 /* at least; fewer teach nothing */
};
static const double most_texts = 0.95; /* are not cut */
static const double test_share = 0.2;  /* of rows without a file to test on */

/* Rows of a file that have nothing to learn from. */
struct empties {
    int label, text, line; /* text: where a row has several, at most so many */
};

/* What the guessing goes through. */
struct guessing {
    const struct guess_request *request;
    char path[PATH_MAX];                                   /* of the file that is there */
    char name[OPTION_STRING_MAX], test[OPTION_STRING_MAX]; /* as the section names files */
    char validation[OPTION_STRING_MAX];
    struct text why_not; /* a file beside it is not taken */
    struct survey survey;
    struct guessed_columns columns;
    int n_empty_beside; /* in the files that are taken with it */
    struct guess *out;
};

/* A scalar of one line: as it stands where nothing in it means anything to YAML. */
static void write_scalar(const char *value, struct text *out) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    bool bare = *value && strchr(plain, *value) && strcmp(value, "null") != 0;
    for (const char *c = value; *c; c++) bare = bare && (strchr(plain, *c) || strchr("-./", *c));
    if (bare)
        text_append(out, "%s", value);
    else
        text_append_json_string(out, value);
}

/* Another setting, whose value and reason are then appended. */
static struct guessed *add(struct guess *guess, const char *key) {
    guess->setting[guess->n].key = key;
    return &guess->setting[guess->n++];
}

/* ---- files ---- */

/* What a file is called must stand in one line of a section. */
static bool refuse_name(const char *file, struct error *error) {
    struct text shown = {0};
    text_append_json_string(&shown, file);
    error_set(error,
              "%s: a workload file cannot repeat such a name, for its line breaks, control "
              "characters or bytes that are not UTF-8; rename the file",
              shown.data ? shown.data : "out of memory");
    text_free(&shown);
    return false;
}

/* The file as the command line names it: from here, or below the data folder. */
static bool find_file(struct guessing *g, struct error *error) {
    const char *file = g->request->file;
    char found[2 * OPTION_STRING_MAX], root[PATH_MAX];
    struct error ignored;
    if (!survey_can_repeat(file)) return refuse_name(file, error);
    if (!text_file_find(".", file, found, sizeof found) &&
        !data_file_find(file, found, sizeof found, &ignored)) {
        char near[PATH_MAX];
        bool meant = near_file_find(file, near, sizeof near) && survey_can_repeat(near);
        return error_set(error, "no file %s, here or in %s/%s%s%s", file, data_root(),
                         meant ? "; did you mean " : "", meant ? near : "", meant ? "?" : "");
    }
    if (!realpath(found, g->path)) return error_set(error, "%s: %s", found, strerror(errno));
    size_t length = realpath(data_root(), root) ? strlen(root) : 0;
    bool below = length > 0 && strncmp(g->path, root, length) == 0 && g->path[length] == '/';
    const char *name = below ? g->path + length + 1 : g->path;
    if (!survey_can_repeat(name)) return refuse_name(name, error); /* a link led there */
    if (strlen(name) >= sizeof g->name)
        return error_set(error, "%s: the path is longer than %zu bytes", g->path,
                         sizeof g->name - 1);
    memcpy(g->name, name, strlen(name) + 1);
    return true;
}

/* The chosen columns have the same names in each file. A row lacks a text where all columns of its
 * first text are empty, or all of its second. */
static struct empties count_empties(const struct guessing *g, const struct survey *survey) {
    const struct surveyed_column *own = g->survey.column;
    struct empties n = {.text = INT_MAX, .line = survey->n_empty_lines};
    n.label = survey->column[survey_find(survey, own[g->columns.label].name)].n_empty;
    for (int i = 0; i < g->columns.n_text; i++) {
        int empty = survey->column[survey_find(survey, own[g->columns.text[i]].name)].n_empty;
        if (empty < n.text) n.text = empty;
    }
    if (g->columns.second >= 0)
        n.text += survey->column[survey_find(survey, own[g->columns.second].name)].n_empty;
    return n;
}

/* Whether a file that is there can be read as the training file is, with no other classes. */
static bool fits(struct guessing *g, const char *path, struct text *why) {
    const struct surveyed_column *label = &g->survey.column[g->columns.label];
    struct survey other;
    struct error problem = {0};
    bool ok = survey_read(path, &other, &problem);
    if (!ok) text_append(why, "it cannot be read");
    if (ok && (other.source != g->survey.source || other.header != g->survey.header)) {
        text_append(why, "its first line is of another kind");
        ok = false;
    }
    if (ok && other.encoding != g->survey.encoding && !other.ascii) {
        text_append(why, "it is in another encoding");
        ok = false;
    }
    int taken[NAME_LIST_MAX + 2], n = 0;
    taken[n++] = g->columns.label;
    for (int i = 0; i < g->columns.n_text; i++) taken[n++] = g->columns.text[i];
    if (g->columns.second >= 0) taken[n++] = g->columns.second;
    for (int i = 0; ok && i < n; i++) {
        const char *name = g->survey.column[taken[i]].name;
        ok = survey_find(&other, name) >= 0;
        if (!ok) text_append(why, "it has no column '%s'", name);
    }
    const struct surveyed_column *labels =
        ok ? &other.column[survey_find(&other, label->name)] : NULL;
    for (int i = 0; ok && i < labels->values.n; i++) {
        const char *value = labels->values.words[i];
        ok = label->more_values || word_table_find(&label->values, value, strlen(value)) >= 0;
        if (ok) continue;
        struct few_names class = {0};
        few_names_add(&class, value);
        text_append(why, "its class %s is none of the training file's", class.shown);
    }
    if (ok) {
        struct empties empty = count_empties(g, &other);
        g->n_empty_beside += empty.label + empty.text + empty.line;
    }
    survey_free(&other);
    return ok;
}

/* The file beside train.csv that has another word in place of `train`; "" if there is none that
 * fits. */
static void find_beside(struct guessing *g, const char *const *words, size_t n,
                        char out[OPTION_STRING_MAX]) {
    const char *base = strrchr(g->name, '/'), *at = strstr(base ? base : g->name, "train");
    out[0] = '\0';
    for (size_t i = 0; at && i < n && !out[0]; i++) {
        char path[2 * OPTION_STRING_MAX];
        int size = snprintf(out, OPTION_STRING_MAX, "%.*s%s%s", (int)(at - g->name), g->name,
                            words[i], at + strlen("train"));
        size_t packed = strlen(".gz");
        if (size >= OPTION_STRING_MAX) { /* no section can name it */
            out[0] = '\0';
            continue;
        }
        if (size > (int)packed && strcmp(out + size - packed, ".gz") == 0)
            out[size - (int)packed] = '\0'; /* found with it, too */
        struct text why = {0};
        if (!text_file_find(data_root(), out, path, sizeof path)) {
            out[0] = '\0';
        } else if (!fits(g, path, &why)) {
            text_append(&g->why_not, "; %s is beside it and not taken: %s", out,
                        why.data ? why.data : "");
            out[0] = '\0';
        }
        text_free(&why);
    }
}

static void guess_files(struct guessing *g) {
    static const char *const tests[] = {"test"}, *const devs[] = {"validation", "valid", "dev",
                                                                  "val"};
    find_beside(g, tests, 1, g->test);
    find_beside(g, devs, sizeof devs / sizeof *devs, g->validation);
    struct guessed *train = add(g->out, "train_file");
    write_scalar(g->name, &train->value);
    text_append(&train->why, g->name[0] == '/'
                                 ? "where it is; below the data folder it is found on every machine"
                                 : "where it is, below the data folder");
    struct guessed *share = add(g->out, "test_share"), *test = share;
    if (g->test[0] || g->validation[0]) {
        test = add(g->out, "test_file");
        write_scalar(g->test[0] ? g->test : g->validation, &test->value);
        text_append(&test->why, "beside the training file%s",
                    g->test[0] ? "" : ", and no other to test on");
    } else {
        text_append(&share->value, "%.1f", test_share);
        text_append(&share->why, "no file to test on is beside it");
    }
    if (g->why_not.data) text_append(&test->why, "%s", g->why_not.data);
    if (!g->test[0] || !g->validation[0]) return;
    struct guessed *validation = add(g->out, "validation_file");
    write_scalar(g->validation, &validation->value);
    text_append(&validation->why, "beside the training file");
}

/* ---- what is in them ---- */

static void add_column(struct guessing *g, const char *key, const int *columns, int n,
                       const char *why) {
    struct guessed *setting = add(g->out, key);
    bool list = strcmp(key, "label") != 0;
    for (int i = 0; i < n; i++) {
        text_append(&setting->value, "%s", !list ? "" : i ? ", " : "[");
        write_scalar(g->survey.column[columns[i]].name, &setting->value);
    }
    text_append(&setting->value, "%s", list ? "]" : "");
    text_append(&setting->why, "%s", why);
}

static void guess_format(struct guessing *g) {
    static const char *const sources[] = {
        [SOURCE_CSV] = "csv", [SOURCE_TSV] = "tsv", [SOURCE_JSONL] = "jsonl"};
    static const char *const why[] = {[SOURCE_CSV] = "commas separate the columns",
                                      [SOURCE_TSV] = "tabs separate the columns",
                                      [SOURCE_JSONL] = "a JSON value a line"};
    const struct survey *survey = &g->survey;
    struct guessed *source = add(g->out, "source");
    text_append(&source->value, "%s", sources[survey->source]);
    text_append(&source->why, "%s%s", why[survey->source],
                survey->source == SOURCE_JSONL ? ""
                : survey->header               ? ", and the first line names them"
                                               : ", and no line names them: they have numbers");
    if (survey->encoding != ENCODING_UTF_8) {
        struct guessed *encoding = add(g->out, "encoding");
        text_append(&encoding->value, "windows-1252");
        text_append(&encoding->why, "the file is not UTF-8, and this is the likeliest other");
    }
    if (survey->header && survey->by_number) {
        struct guessed *header = add(g->out, "header");
        text_append(&header->value, "true");
        text_append(&header->why,
                    "the first line names columns, but not each by a name of its own");
    }
}

/* Rows without a label or without any text. */
static void guess_empty(struct guessing *g) {
    struct empties n = count_empties(g, &g->survey);
    if (n.label + n.text + n.line + g->n_empty_beside == 0) return;
    struct guessed *drop = add(g->out, "drop_empty");
    text_append(&drop->value, "true");
    text_append(&drop->why, "rows without a label: %d, without a text: %s%d, empty lines: %d",
                n.label, g->columns.n_text > 1 || g->columns.second >= 0 ? "at most " : "", n.text,
                n.line);
    if (g->n_empty_beside > 0)
        text_append(&drop->why, "; such rows beside it: %d", g->n_empty_beside);
}

/* Of all columns of an input: their separate shares are not the share of the sum, but near it. */
static int words_of_most(const struct guessing *g, double share) {
    int words = g->columns.second < 0 ? 0 : 1 + survey_words(&g->survey, g->columns.second, share);
    for (int i = 0; i < g->columns.n_text; i++)
        words += survey_words(&g->survey, g->columns.text[i], share);
    return words;
}

static int guess_length(struct guessing *g) {
    int words = words_of_most(g, most_texts), length = words;
    length = (length + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
    if (length < LENGTH_LEAST) length = LENGTH_LEAST;
    struct guessed *setting = add(g->out, "max_len");
    text_append(&setting->why, "95 of 100 texts have %s%d words, half at most %d",
                words < SURVEY_WORDS_MAX ? "at most " : "up to more than ", words,
                words_of_most(g, 0.5));
    if (length > LENGTH_MOST) {
        length = LENGTH_MOST;
        text_append(&setting->why, "; all of these would take long");
    }
    text_append(&setting->value, "%d", length);
    return length;
}

/* Fewer rows where all would take long, but some of each class. Of the test split, which is passed
 * once and forward only, four times as many cost a sixth of training on the others. */
static void guess_limits(struct guessing *g, int length) {
    const struct surveyed_column *label = &g->survey.column[g->columns.label];
    int words = words_of_most(g, 0.5), rows = g->survey.n_rows, tested = 0;
    if (!g->test[0] && !g->validation[0]) tested = (int)(rows * test_share + 0.5);
    if (words > length) words = length;
    if (words < 1) words = 1;
    int tokens = TOKENS_AT_ONCE * LONG_TEXT / (LONG_TEXT + words),
        most = tokens / words / LIMIT_STEP * LIMIT_STEP, least = INPUTS_PER_CLASS * label->values.n,
        trained = rows - tested;
    if (most < least) most = (least + LIMIT_STEP - 1) / LIMIT_STEP * LIMIT_STEP;
    if (most >= trained - trained / 5) return; /* the few others cost little */
    struct guessed *limit = add(g->out, "train_limit");
    text_append(&limit->value, "%d", most);
    text_append(&limit->why,
                "a first look in some minutes; all %d rows to train on, without %s, "
                "take about %.1f times as long",
                trained, !tested || tested > 4 * most ? "these two lines" : "this line",
                (double)trained / most);
    if (tested > 0 && tested <= 4 * most) return; /* it would leave out none */
    limit = add(g->out, "test_limit");
    text_append(&limit->value, "%d", 4 * most);
    text_append(&limit->why, "likewise");
}

bool guess_data(const struct guess_request *request, struct guess *out, struct error *error) {
    struct guessing g = {.request = request, .out = out};
    *out = (struct guess){0};
    bool ok = find_file(&g, error) && survey_read(g.path, &g.survey, error) &&
              (guess_columns(request, &g.survey, &g.columns, error) ||
               error_prefix(error, "%s", request->file));
    if (ok) {
        text_append(&out->file, "%s: %d rows of %d %s", request->file, g.survey.n_rows,
                    g.survey.n_columns, g.survey.source == SOURCE_JSONL ? "keys" : "columns");
        guess_format(&g);
        guess_files(&g);
        add_column(&g, "label", &g.columns.label, 1, g.columns.why_label.data);
        add_column(&g, "text", g.columns.text, g.columns.n_text, g.columns.why_text.data);
        if (g.columns.second >= 0)
            add_column(&g, "second_text", &g.columns.second, 1, "the other text of each pair");
        guess_empty(&g);
        guess_limits(&g, guess_length(&g));
        ok = !out->file.failed;
        for (int i = 0; i < out->n; i++)
            ok = ok && !out->setting[i].value.failed && !out->setting[i].why.failed;
        if (!ok) error_set(error, "out of memory");
    }
    text_free(&g.why_not);
    guess_columns_free(&g.columns);
    survey_free(&g.survey);
    return ok;
}

void guess_free(struct guess *guess) {
    for (int i = 0; i < guess->n; i++) {
        text_free(&guess->setting[i].value);
        text_free(&guess->setting[i].why);
    }
    text_free(&guess->file);
    guess->n = 0;
}

const struct guessed *guess_find(const struct guess *guess, const char *key) {
    for (int i = 0; i < guess->n; i++)
        if (strcmp(guess->setting[i].key, key) == 0) return &guess->setting[i];
    return NULL;
}
