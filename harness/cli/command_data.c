/*
 * `headroom data`: what the data of workload files look like, before anything is trained on them. A
 * wrong column, texts that are cut in half or a test split that lies in training show here in a
 * second, and not in a result.
 */
#include "harness/cli/command.h"
#include "harness/config/column_places.h"
#include "harness/config/experiment.h"
#include "harness/config/workload_files.h"
#include "harness/table/shown.h"
#include "harness/table/table.h"
#include "models/base/json.h"
#include "workloads/data/dataset_load.h"
#include "workloads/data/doubts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES_SHOWN = 40 };

/* Share of the test inputs that the most frequent class of training gets right. */
static double largest_class_share(const struct dataset *data, int (*count)[CLASS_COUNTS]) {
    int most = 0;
    for (int c = 1; c < data->n_classes; c++)
        if (count[c][0] > count[most][0]) most = c;
    return (double)count[most][2] / data->test.n;
}

enum { COLUMNS = 11 };

static void append_row(struct table *table, const char *name, const struct dataset *data,
                       int (*count)[CLASS_COUNTS]) {
    int n = data->train.n + data->validation.n + data->test.n;
    const struct {
        double value;
        int digits;
    } number[COLUMNS] = {{0},
                         {data->n_classes, 0},
                         {100 * largest_class_share(data, count), 1},
                         {data->train.n, 0},
                         {data->validation.n, 0},
                         {data->test.n, 0},
                         {data->mean_length, 1},
                         {100.0 * data->n_truncated / n, 1},
                         {100 * data->unknown_share, 1},
                         {data->n_overlap, 0},
                         {data->n_dropped + data->n_overlap_dropped, 0}};
    char text[COLUMNS][32];
    const char *row[COLUMNS] = {name};
    for (int c = 1; c < COLUMNS; c++) {
        snprintf(text[c], sizeof text[c], "%.*f", number[c].digits, number[c].value);
        row[c] = text[c];
    }
    table_append(table, COLUMNS, row);
}

/* The classes in their order; names in quotes, so that blanks in them show. */
static bool print_classes(const struct dataset *data, int (*count)[CLASS_COUNTS],
                          struct error *error) {
    struct table table = {0};
    table_append(&table, CLASS_COUNTS + 1,
                 (const char *const[]){"class", "train", "validation", "test"});
    for (int c = 0; c < data->n_classes && c < CLASSES_SHOWN; c++) {
        struct text name = {0};
        char text[CLASS_COUNTS][16];
        const char *row[CLASS_COUNTS + 1];
        text_append_json_string(&name, data->class_names[c]);
        row[0] = name.data;
        for (int i = 0; i < CLASS_COUNTS; i++) {
            snprintf(text[i], sizeof text[i], "%d", count[c][i]);
            row[i + 1] = text[i];
        }
        table_append(&table, CLASS_COUNTS + 1, row);
        table.failed |= name.failed;
        text_free(&name);
    }
    putchar('\n');
    bool ok = table_write(&table, TABLE_ALIGNED, stdout, error);
    if (data->n_classes > CLASSES_SHOWN) printf("and %d more\n", data->n_classes - CLASSES_SHOWN);
    table_free(&table);
    return ok;
}

/* What may not be meant, on stderr: of the file and then of its data. */
static bool print_doubts(const struct experiment *experiment, const struct dataset *data,
                         struct error *error) {
    struct text doubts = {0}, all = {0};
    experiment_write_doubts(experiment, &all);
    bool ok = doubts_write(&experiment->data, data, &doubts, error);
    for (char *rest = doubts.data, *line; ok && rest && (line = strsep(&rest, "\n")) && *line;)
        text_append(&all, "%s: %s\n", experiment->file, line);
    if (ok && all.failed) ok = error_set(error, "out of memory");
    if (ok && all.data) shown_print(stderr, "%s", all.data);
    text_free(&doubts);
    text_free(&all);
    return ok;
}

/* Reads one file and its data and adds their row; one file alone is printed, with a row for each class.
 * Of data that each trial draws anew, those of the first seed. */
static bool describe(const char *word, const struct arguments *arguments, bool alone,
                     struct table *table, struct experiment *experiment, struct error *error) {
    int(*count)[CLASS_COUNTS];
    struct dataset *data;
    char name[sizeof experiment->name + 32], path[sizeof experiment->file];
    struct node *root = NULL;
    if (!workload_files_path(word, arguments->workloads, path, sizeof path, error)) return false;
    bool found = experiment_read_tree(path, arguments->full, NULL, experiment, &root, error) &&
                 experiment_check_columns(experiment, root, error);
    node_free(root);
    if (!found) return false;
    int seed = experiment->seeds.value[0];
    int used = snprintf(name, sizeof name, "%s", experiment->name);
    if (experiment->data.seed == DATA_SEED_PER_TRIAL)
        snprintf(name + used, sizeof name - (size_t)used, ", seed %d", seed);
    data_config_set_seed(&experiment->data, seed);
    if (!dataset_load(&experiment->data, &data, error)) /* most errors have a place: a row's */
        return error->at.file[0] ? false : error_prefix(error, "%s", path);
    bool ok = doubts_count_classes(data, &count, error);
    if (ok) append_row(table, name, data, count);
    if (ok && alone)
        ok = table_write(table, TABLE_ALIGNED, stdout, error) && print_classes(data, count, error);
    fflush(stdout);
    ok = ok && print_doubts(experiment, data, error);
    free(count);
    dataset_free(data);
    return ok;
}

static int run(const struct arguments *arguments, struct error *error) {
    static const char *const names[COLUMNS] = {"workload",   "classes",  "largest %", "train",
                                               "validation", "test",     "tokens",    "cut %",
                                               "unknown %",  "in train", "dropped"};
    int n_bad = 0, n = arguments->n_words;
    char first[sizeof error->text + sizeof error->at.file + 32] = "";
    struct table table = {0};
    struct experiment *experiment = malloc(sizeof *experiment);
    bool ok = experiment || error_set(error, "out of memory");
    table_append(&table, COLUMNS, names);
    for (int i = 0; ok && i < n; i++) {
        struct error problem = {0};
        char text[sizeof first];
        if (describe(arguments->words[i], arguments, n == 1, &table, experiment, &problem))
            continue;
        if (n == 1) *error = problem;
        error_format(&problem, text, sizeof text);
        if (n_bad++ == 0) memcpy(first, text, sizeof first);
        if (n > 1) shown_print(stderr, "%s\n", text);
    }
    if (ok && n > 1) ok = table_write(&table, TABLE_ALIGNED, stdout, error);
    if (ok && n > 1 && n_bad > 0)
        error_set(error, "no data of %d of %d files, of the first: %s", n_bad, n, first);
    table_free(&table);
    free(experiment);
    return ok && n_bad == 0 ? EXIT_OK : EXIT_FAILED;
}

const struct command data_command = {
    "data",
    "read the data of workload files and say what is in them",
    "FILES...",
    1,
    1000000,
    {"tier"},
    "One row per file, without training anything (with `seed: per-trial`, what the first of the\n"
    "seeds draws), and of one file alone the inputs of each class:\n"
    "  classes     and, largest %, the share of the test inputs that always saying the largest one gets right\n"
    "  train ...   inputs of each split, after limits\n"
    "  tokens      of a training input on average, after cutting\n"
    "  cut %       inputs longer than max_len, all splits\n"
    "  unknown %   test tokens outside the vocabulary of the training split\n"
    "  in train    test inputs whose whole text is in training too (validation included)\n"
    "  dropped     rows that drop_labels, drop_empty, strip_headers or overlap left out\n"
    "What is read without an error and may not be meant is on stderr: classes that differ in a\n"
    "blank or in case, labels that no row has, classes without inputs, `seeds: 3`.\n"
    "\n"
    "examples:\n"
    "  headroom data my.yaml\n"
    "  headroom data workloads/*.yaml\n",
    run};
