/*
 * `headroom data`: what the data of workload files look like, before anything is trained on them. A
 * wrong column, texts that are cut in half or a test split that lies in training show here in a
 * second, and not in a result.
 */
#include "harness/cli/command.h"
#include "harness/config/experiment.h"
#include "harness/config/workload_files.h"
#include "workloads/data/dataset_load.h"

#include <math.h>
#include <stdlib.h>

/* Share of the test inputs that the most frequent class of training gets right; NaN: no memory. */
static double largest_class_share(const struct dataset *data) {
    int *train = calloc((size_t)data->n_classes * 2, sizeof *train), *test, most = 0;
    if (!train) return (double)NAN;
    test = train + data->n_classes;
    for (int i = 0; i < data->train.n; i++) train[data->train.labels[i]]++;
    for (int i = 0; i < data->test.n; i++) test[data->test.labels[i]]++;
    for (int c = 1; c < data->n_classes; c++)
        if (train[c] > train[most]) most = c;
    double share = (double)test[most] / data->test.n;
    free(train);
    return share;
}

static void print_row(const char *name, const struct dataset *data) {
    int n = data->train.n + data->validation.n + data->test.n;
    printf("%-24s %7d %8.1f %8d %10d %8d %8.1f %6.1f %8.1f %8d %8d\n", name, data->n_classes,
           100 * largest_class_share(data), data->train.n, data->validation.n, data->test.n,
           data->mean_length, 100.0 * data->n_truncated / n, 100 * data->unknown_share,
           data->n_overlap, data->n_dropped + data->n_overlap_dropped);
    fflush(stdout);
}

/* Reads one file and its data and prints their row. Of data that each trial draws anew, those of
 * the first seed. */
static bool describe(const char *word, bool full, struct experiment *experiment,
                     struct error *error) {
    struct dataset *data;
    char name[sizeof experiment->name + 32], path[sizeof experiment->file];
    if (!workload_files_path(word, "workloads", path, sizeof path, error) ||
        !experiment_read(path, full, experiment, error))
        return false;
    int seed = experiment->seeds.value[0];
    int used = snprintf(name, sizeof name, "%s", experiment->name);
    if (experiment->data.seed == DATA_SEED_PER_TRIAL)
        snprintf(name + used, sizeof name - (size_t)used, ", seed %d", seed);
    data_config_set_seed(&experiment->data, seed);
    if (!dataset_load(&experiment->data, &data, error)) /* most errors have a place: a row's */
        return error->at.file[0] ? false : error_prefix(error, "%s", path);
    print_row(name, data);
    dataset_free(data);
    return true;
}

static int run(const struct arguments *arguments, struct error *error) {
    int n_bad = 0;
    struct experiment *experiment = malloc(sizeof *experiment);
    if (!experiment) {
        error_set(error, "out of memory");
        return EXIT_FAILED;
    }
    printf("%-24s %7s %8s %8s %10s %8s %8s %6s %8s %8s %8s\n", "workload", "classes", "largest%",
           "train", "validation", "test", "tokens", "cut%", "unknown%", "in train", "dropped");
    for (int i = 0; i < arguments->n_words; i++) {
        struct error problem = {0};
        char text[sizeof problem.text + sizeof problem.at.file + 32];
        if (describe(arguments->words[i], arguments->full, experiment, &problem)) continue;
        n_bad++;
        error_format(&problem, text, sizeof text);
        fprintf(stderr, "%s\n", text);
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
    "seeds draws):\n"
    "  classes     and the share of the test inputs that always saying the largest one gets right\n"
    "  train ...   inputs of each split, after limits\n"
    "  tokens      of a training input on average, after cutting\n"
    "  cut%        inputs longer than max_len, all splits\n"
    "  unknown%    test tokens outside the vocabulary of the training split\n"
    "  in train    test inputs whose whole text is in training too (validation included)\n"
    "  dropped     rows that drop_labels, strip_headers or overlap left out\n"
    "\n"
    "examples:\n"
    "  headroom data my.yaml\n"
    "  headroom data workloads/*.yaml\n",
    run};
