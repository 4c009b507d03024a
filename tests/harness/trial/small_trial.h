/*
 * One small trial of a generated data set, from YAML text to a resolved experiment with one arm
 * and one seed, and a folder of its own for its checkpoint.
 */
#ifndef HEADROOM_TESTS_HARNESS_TRIAL_SMALL_TRIAL_H
#define HEADROOM_TESTS_HARNESS_TRIAL_SMALL_TRIAL_H

#include "harness/trial/training.h"
#include "tests/harness/scratch.h"
#include "workloads/data/dataset_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

struct small_trial {
    struct scratch scratch;
    struct experiment experiment;
    char checkpoint[160];
    struct training_result result; /* of small_trial_run */
};

/* Contents of the sections, as `key: value` lists; the arm without its name. */
struct small_trial_text {
    const char *data, *model, *train, *arm;
    int seed;
};

static const struct small_trial_text small_topic = {
    .data = "source: topic, length: 12, n_train: 600, n_test: 150",
    .model = "layers: 2, dim: 16, heads: 4, ffn: 32",
    .train = "epochs: 4, batch: 16, learning_rate: 1e-2, eval_batch: 40",
    .arm = "policy: fixed, heads: 4",
    .seed = 1,
};

static const struct small_trial_text small_gated_topic = {
    .data = "source: topic, length: 12, n_train: 600, n_test: 150",
    .model = "layers: 2, dim: 16, heads: 4, ffn: 32, dropout: 0.1",
    .train = "epochs: 4, batch: 16, learning_rate: 1e-2, eval_batch: 40",
    .arm = "policy: budgetformer, cost: 0.1, initial_budget: 0.6",
    .seed = 1,
};

static inline void small_trial_read(struct small_trial *t, const struct small_trial_text *text) {
    char yaml[1024], path[160];
    struct error error;
    memset(t, 0, sizeof *t);
    assert_true(scratch_make(&t->scratch));
    snprintf(yaml, sizeof yaml,
             "workload: small\ndata: {%s}\nmodel: {%s}\ntrain: {%s}\n"
             "profile: {batch_sizes: [1, 8], warmup: 1, repeats: 20, blocks: 3, inputs: 30, "
             "events: [perf::MINOR-FAULTS, PAPI_NO_SUCH]}\n"
             "arms:\n  - {arm: only, %s}\nseeds: [%d]\n",
             text->data, text->model, text->train, text->arm, text->seed);
    assert_true(scratch_write(&t->scratch, "small.yaml", yaml));
    scratch_path(&t->scratch, "small.yaml", path, sizeof path);
    if (!experiment_read(path, false, &t->experiment, &error)) fail_msg("%s", error.text);
    scratch_path(&t->scratch, "small.safetensors", t->checkpoint, sizeof t->checkpoint);
}

static inline void small_trial_run(struct small_trial *t, const struct small_trial_text *text) {
    struct error error;
    small_trial_read(t, text);
    struct training_context context = {.checkpoint = t->checkpoint, .trial = "key of the trial"};
    if (!training_run(&t->experiment, &context, &t->result, &error)) fail_msg("%s", error.text);
}

static inline void small_trial_free(struct small_trial *t) {
    training_result_free(&t->result);
    scratch_remove(&t->scratch);
}

/* Bytes of a file; the caller frees them. */
static inline char *file_bytes(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(*size + 1);
    assert_true(bytes && fread(bytes, 1, *size, file) == *size);
    fclose(file);
    return bytes;
}

/* The evaluation with these names; fails unless there is exactly one. */
static inline const struct evaluation_result *find_evaluation(const struct training_result *r,
                                                              const char *weights,
                                                              const char *split,
                                                              const char *control) {
    const struct evaluation_result *found = NULL;
    for (int i = 0; i < r->n_evaluations; i++) {
        const struct evaluation_result *e = &r->evaluations[i];
        if (strcmp(e->weights, weights) != 0 || strcmp(e->split, split) != 0 ||
            strcmp(e->control, control) != 0)
            continue;
        assert_null(found);
        found = e;
    }
    if (!found) fail_msg("no evaluation %s/%s/%s", weights, split, control);
    return found;
}

#endif
