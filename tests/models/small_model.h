/*
 * Small random models and ragged batches for the engine's tests. Weights are drawn larger than in
 * training, so that attention maps, gates and GELUs are far from their linear regions.
 */
#ifndef HEADROOM_TESTS_SMALL_MODEL_H
#define HEADROOM_TESTS_SMALL_MODEL_H

#include "models/batch.h"
#include "models/parameters.h"
#include "models/policies/registry.h"
#include "models/base/rng.h"
#include "models/trainer.h"
#include "models/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { SMALL_SAMPLES = 5, SMALL_TOKENS = 64, SMALL_VOCAB = 11, SMALL_CLASSES = 3, SMALL_LEN = 17 };

/* Storage and contents of one batch with lengths 1, 17 and between. */
struct small_batch {
    int32_t tokens[SMALL_TOKENS], offsets[SMALL_SAMPLES + 1], labels[SMALL_SAMPLES],
        ids[SMALL_SAMPLES];
    struct batch batch;
};

static inline void small_batch_fill(struct small_batch *b, uint64_t seed) {
    static const int lengths[SMALL_SAMPLES] = {3, 1, SMALL_LEN, 8, 5};
    struct rng rng = rng_stream(seed, RNG_GENERATOR);
    int n = 0;
    for (int i = 0; i < SMALL_SAMPLES; i++) {
        b->offsets[i] = n;
        b->labels[i] = (int32_t)rng_below(&rng, 1, (uint64_t)i, SMALL_CLASSES);
        b->ids[i] = 10 * i + 7;
        for (int j = 0; j < lengths[i]; j++, n++)
            b->tokens[n] = (int32_t)rng_below(&rng, 2, (uint64_t)n, SMALL_VOCAB);
    }
    b->offsets[SMALL_SAMPLES] = n;
    b->batch = (struct batch){SMALL_SAMPLES, n, b->tokens, b->offsets, b->labels, b->ids};
}

/* A resolved config of the named policy whose options are given as JSON, e.g. "{\"heads\":2}". */
static inline struct model_config small_config(const struct policy_ops *policy, const char *options,
                                               int layers, int dim, int heads) {
    struct model_config config = {0};
    struct error error = {{0}, {{0}, 0, 0}};
    struct node *node = NULL;
    options_default(&model_options, &config);
    config.layers = layers;
    config.dim = dim;
    config.base_heads = heads;
    config.ffn = 2 * dim;
    config.init_std = 0.3;
    config.vocab = SMALL_VOCAB;
    config.classes = SMALL_CLASSES;
    config.max_len = SMALL_LEN;
    config.policy = policy;
    options_default(&policy->options, config.policy_options);
    assert_true(json_parse(options, strlen(options), "test", &node, &error));
    if (!options_bind(&policy->options, node, NULL, config.policy_options, &error))
        fail_msg("%s", error.text);
    node_free(node);
    if (!model_resolve(&config, &error)) fail_msg("%s", error.text);
    return config;
}

/* Token 7 as the separator of pairs. Random batches have it at the start, in the middle and at the
 * end of an input, twice in one, and not at all. */
static inline struct model_config small_pairs(struct model_config config) {
    config.separator = 7;
    return config;
}

/* Parameters of a config, every element moved off its special value (biases 0, norms 1). */
static inline struct parameters *small_parameters(const struct model_config *config,
                                                  uint64_t seed) {
    struct parameters *p = NULL;
    struct error error;
    assert_true(parameters_new(config, "parameters", &p, &error));
    parameters_initialise(p, seed);
    struct rng rng = rng_stream(seed, RNG_SPLIT);
    float *base = (float *)(void *)p->arena.base;
    for (int i = 0; i < p->n_tensors; i++)
        for (size_t j = 0; j < p->tensors[i].count; j++)
            base[p->tensors[i].offset + j] += (float)(0.1 * rng_normal(&rng, (uint64_t)i, j));
    return p;
}

static const struct trainer_limits small_limits = {SMALL_SAMPLES, SMALL_TOKENS, SMALL_LEN};

#endif
