/*
 * The table of generators and the loop around them. An input is known by its split and its index.
 */
#include "workloads/data/synthetic.h"
#include "models/base/sha256.h"

extern const struct generator generator_topic, generator_offsets, generator_pairs, generator_mixed;

static const struct generator *const generators[] = {
    [SOURCE_TOPIC] = &generator_topic,
    [SOURCE_OFFSETS] = &generator_offsets,
    [SOURCE_PAIRS] = &generator_pairs,
    [SOURCE_MIXED] = &generator_mixed,
};

const struct generator *generator_find(int source) {
    return source >= 0 && source < (int)(sizeof generators / sizeof *generators)
               ? generators[source]
               : NULL;
}

/* The two splits that are generated, as parts of an input's identity. */
enum { TRAINED, TESTED };

static void hash_tokens(const int32_t *tokens, int n, char out[65]) {
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add_int32(&hash, tokens, (size_t)n);
    sha256_finish(&hash, out);
}

static bool generate(const struct data_config *config, uint64_t which, int n, struct split *out,
                     struct error *error) {
    const struct generator *generator = generator_find(config->source);
    bool sourced = which == TESTED;
    if (!split_new(n, (size_t)n * (size_t)config->length, sourced, out, error)) return false;
    struct rng rng = rng_stream((uint64_t)config->seed, RNG_GENERATOR);
    int32_t tokens[LENGTH_MAX];
    for (int i = 0; i < n; i++) {
        struct draw draw = {.rng = rng, .input = which << 32 | (uint64_t)i};
        int label;
        int difficulty = generator->make(config, &draw, i, tokens, &label);
        struct input_source source = {.file = -1, .row = i};
        if (sourced) hash_tokens(tokens, config->length, source.sha256);
        split_add(out, tokens, config->length, label, difficulty, &source);
    }
    return true;
}

bool synthetic_generate(const struct data_config *config, struct split *train, struct split *test,
                        struct error *error) {
    return generate(config, TRAINED, config->n_train, train, error) &&
           generate(config, TESTED, config->n_test, test, error);
}
