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

static void print_row(const char *name, const struct dataset *data, int (*count)[CLASS_COUNTS]) {
    int n = data->train.n + data->validation.n + data->test.n;
    shown_print(stdout, "%-24s %7d %8.1f %8d %10d %8d %8.1f %6.1f %8.1f %8d %8d\n", name,
                data->n_classes, 100 * largest_class_share(data, count), data->train.n,
                data->validation.n, data->test.n, data->mean_length, 100.0 * data->n_truncated / n,
                100 * data->unknown_share, data->n_overlap,
                data->n_dropped + data->n_overlap_dropped);
    fflush(stdout);
}

/* The classes in their order; names in quotes, so that blanks in them show. */
static bool print_classes(const struct dataset *data, int (*count)[CLASS_COUNTS],
                          struct error *error) {
    struct text lines = {0};
    text_append(&lines, "\n%-32s %8s %10s %8s\n", "class", "train", "validation", "test");
    for (int c = 0; c < data->n_classes && c < CLASSES_SHOWN; c++) {
        struct text name = {0};
        text_append_json_string(&name, data->class_names[c]);
        text_append(&lines, "%-32s %8d %10d %8d\n", name.data ? name.data : "", count[c][0],
                    count[c][1], count[c][2]);
        lines.failed |= name.failed;
        text_free(&name);
    }
    if (data->n_classes > CLASSES_SHOWN)
        text_append(&lines, "and %d more\n", data->n_classes - CLASSES_SHOWN);
    bool ok = !lines.failed || error_set(error, "out of memory");
    if (ok) shown_print(stdout, "%s", lines.data);
    fflush(stdout);
    text_free(&lines);
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

/* Reads one file and its data and prints their row, with `classes` also one for each class. Of data
 * that each trial draws anew, those of the first seed. */
static bool describe(const char *word, const struct arguments *arguments, bool classes,
                     struct experiment *experiment, struct error *error) {
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
    if (ok) print_row(name, data, count);
    ok = ok && (!classes || print_classes(data, count, error)) &&
         print_doubts(experiment, data, error);
    free(count);
    dataset_free(data);
    return ok;
}

static int run(const struct arguments *arguments, struct error *error) {
    int n_bad = 0;
    struct experiment *experiment = malloc(sizeof *experiment);
    if (!experiment) {
        error_set(error, "out of memory");
        return EXIT_FAILED;
    }
    shown_print(stdout, "%-24s %7s %8s %8s %10s %8s %8s %6s %8s %8s %8s\n", "workload", "classes",
                "largest%", "train", "validation", "test", "tokens", "cut%", "unknown%", "in train",
                "dropped");
    for (int i = 0; i < arguments->n_words; i++) {
        struct error problem = {0};
        char text[sizeof problem.text + sizeof problem.at.file + 32];
        if (describe(arguments->words[i], arguments, arguments->n_words == 1, experiment, &problem))
            continue;
        n_bad++;
        error_format(&problem, text, sizeof text);
        shown_print(stderr, "%s\n", text);
    }
    free(experiment);
    if (n_bad > 0) error_set(error, "no data of %d of %d files", n_bad, arguments->n_words);
    return n_bad > 0 ? EXIT_FAILED : EXIT_OK;
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
    "  classes     and the share of the test inputs that always saying the largest one gets right\n"
    "  train ...   inputs of each split, after limits\n"
    "  tokens      of a training input on average, after cutting\n"
    "  cut%        inputs longer than max_len, all splits\n"
    "  unknown%    test tokens outside the vocabulary of the training split\n"
    "  in train    test inputs whose whole text is in training too (validation included)\n"
    "  dropped     rows that drop_labels, drop_empty, strip_headers or overlap left out\n"
    "What is read without an error and may not be meant is on stderr: classes that differ in a\n"
    "blank or in case, labels that no row has, classes without inputs, `seeds: 3`.\n"
    "\n"
    "examples:\n"
    "  headroom data my.yaml\n"
    "  headroom data workloads/*.yaml\n",
    run};
