/*
 * Random static heads: a random set of K heads of a trained model stays, the same for every input,
 * and the rest is removed. The control of every importance score: Budhraja et al. (2020) report
 * that random pruning often does as well.
 */
#include "models/head_gates.h"
#include "models/parameters.h"
#include "models/policies/static_method.h"

struct random_static_options {
    double heads;
    int recovery;
    double rate;
};

static const struct option rows[] = {
    STATIC_HEADS_ROW(struct random_static_options),
    STATIC_RECOVERY_ROWS(struct random_static_options),
};

static const struct random_static_options *options_of(const struct model_config *config) {
    return (const void *)config->policy_options;
}

static bool shape(struct model_config *config, struct error *error) {
    return static_check(config, options_of(config)->heads, error);
}

static void post_hoc(const struct model_config *config, struct post_hoc *out) {
    const struct random_static_options *o = options_of(config);
    *out = (struct post_hoc){.rounds = 1, .recovery = o->recovery, .rate = o->rate};
}

/* The K largest of one random number per head: every set is equally likely. */
static void keep(struct parameters *parameters, int round, struct head_gates *out) {
    const struct model_config *c = &parameters->config;
    struct rng rng = rng_stream(parameters->seed, RNG_CONTROL);
    struct head_scores scores;
    (void)round;
    for (int l = 0; l < c->layers; l++)
        for (int h = 0; h < c->heads.value[l]; h++)
            scores.value[l][h] = rng_uniform(&rng, (uint64_t)l, (uint64_t)h);
    head_gates_top(c, &scores, static_kept(c, options_of(c)->heads), out);
}

const struct policy_ops policy_random_static = {
    .name = "random-static",
    .summary =
        "K random heads of a trained model stay; with recovery: random pruning plus recovery",
    .options = {"arm (policy random-static)", rows, sizeof rows / sizeof *rows},
    .base = BASE_WEIGHTS,
    .shape = shape,
    .post_hoc = post_hoc,
    .keep = keep,
};
