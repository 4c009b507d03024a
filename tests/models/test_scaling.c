/*
 * What grows with the length of an input, and how: memory on a straight line, work per token on
 * another one. All of it is counted, not timed: bytes that were reserved, operations that ran.
 */
#include "tests/models/small_model.h"
#include "models/inference.h"

#include <stdlib.h>

enum { LONGEST = 1024, HEADS = 4, DIM = 16, LAYERS = 2 };
static const int lengths[] = {16, 32, 64, 128, 256, 512, LONGEST};
enum { N_LENGTHS = sizeof lengths / sizeof *lengths };

/* The position table does not depend on the length asked for: only workspace may grow. */
static struct model_config config_for(const char *policy, const char *options) {
    struct model_config config = small_config(policy_find(policy), options, LAYERS, DIM, HEADS);
    config.max_len = LONGEST;
    return config;
}

struct bytes {
    int64_t training, inference;
};

static struct bytes bytes_of(struct parameters *p, int samples, int tokens, int length) {
    const struct trainer_limits limits = {samples, tokens, length};
    struct trainer *trainer = NULL;
    struct inference *inference = NULL;
    struct error error;
    if (!trainer_new(p, &limits, 1, &trainer, &error) ||
        !inference_new(p, &limits, &inference, &error))
        fail_msg("%s", error.text);
    struct bytes bytes = {trainer_bytes(trainer), inference_bytes(inference)};
    trainer_free(trainer);
    inference_free(inference);
    return bytes;
}

/* On the line through the first and the last of n lengths, but for rounding: each of three arenas
 * to a page, each of some fifty arrays to a cache line. One N x N buffer would be 1 MB off at
 * 512. */
static void assert_line(const char *what, const int64_t *bytes, int n) {
    const double rounding = 3 * ARENA_PAGE + 64 * ARENA_LINE;
    double rise = (double)(bytes[n - 1] - bytes[0]) / (lengths[n - 1] - lengths[0]);
    for (int i = 0; i < n; i++) {
        double line = (double)bytes[0] + rise * (lengths[i] - lengths[0]);
        double off = (double)bytes[i] - line;
        if (off > rounding || off < -rounding)
            fail_msg("%s: %lld bytes at length %d, %.0f on the line", what, (long long)bytes[i],
                     lengths[i], line);
    }
}

/* Once with as many tokens in a batch whatever the length, once with one input of that length. */
static void memory_grows_linearly_with_length(void **state) {
    (void)state;
    static const char *const policies[][2] = {{"fixed", "{\"heads\":4}"}, {"budgetformer", "{}"}};
    for (int k = 0; k < 2; k++) {
        struct model_config config = config_for(policies[k][0], policies[k][1]);
        struct parameters *p = small_parameters(&config, 1);
        int64_t batch_train[N_LENGTHS], batch_run[N_LENGTHS], one_train[N_LENGTHS],
            one_run[N_LENGTHS];
        for (int i = 0; i < N_LENGTHS; i++) {
            struct bytes batch = bytes_of(p, 4, 4 * LONGEST, lengths[i]);
            struct bytes one = bytes_of(p, 1, lengths[i], lengths[i]);
            batch_train[i] = batch.training;
            batch_run[i] = batch.inference;
            one_train[i] = one.training;
            one_run[i] = one.inference;
        }
        /* A chunk holds BATCH_CHUNK_TOKENS or one longer input, so the last length is off the
         * line. */
        assert_true(lengths[N_LENGTHS - 2] == BATCH_CHUNK_TOKENS);
        assert_line("training, equal tokens", batch_train, N_LENGTHS - 1);
        assert_line("inference, equal tokens", batch_run, N_LENGTHS - 1);
        assert_line("training, one input", one_train, N_LENGTHS);
        assert_line("inference, one input", one_run, N_LENGTHS);
        /* Four inputs of 4 heads in 2 layers, and not even one map among them. */
        int64_t map = (int64_t)LONGEST * LONGEST * (int64_t)sizeof(float);
        assert_true(batch_train[N_LENGTHS - 1] - batch_train[0] < map);
        assert_true(batch_run[N_LENGTHS - 1] - batch_run[0] < map);
        parameters_free(p);
    }
}

/* What one input of n tokens costs, counted while it runs. */
static struct flops executed(struct parameters *p, int n) {
    struct inference *inference = NULL;
    struct work work = {0};
    struct error error;
    int32_t tokens[LONGEST], offsets[] = {0, n}, label = 0, id = 0;
    for (int i = 0; i < n; i++) tokens[i] = i % SMALL_VOCAB;
    const struct trainer_limits limits = {1, n, n};
    const struct batch batch = {1, n, tokens, offsets, &label, &id};
    if (!inference_new(p, &limits, &inference, &error)) fail_msg("%s", error.text);
    inference_run(inference, &batch, &work, NULL);
    inference_free(inference);
    return work.flops;
}

/* Work = ends + n (per token + n per pair of tokens): a pair costs each head 4 d_h in the two
 * products, 1 in the scale and 5 in the softmax. Exact at every length. */
static void work_per_token_grows_linearly_with_length(void **state) {
    (void)state;
    struct model_config config = config_for("fixed", "{\"heads\":4}");
    struct parameters *p = small_parameters(&config, 1);
    int64_t pair = LAYERS * HEADS * (4 * (DIM / HEADS) + 1 + 5), total[N_LENGTHS];
    for (int i = 0; i < N_LENGTHS; i++) {
        struct flops counted = executed(p, lengths[i]), formula = flops_dense(&config, lengths[i]);
        assert_memory_equal(&counted, &formula, sizeof counted);
        total[i] = (int64_t)flops_total(&counted) - pair * lengths[i] * lengths[i];
    }
    int64_t token = (total[1] - total[0]) / (lengths[1] - lengths[0]);
    for (int i = 0; i < N_LENGTHS; i++)
        assert_int_equal(total[i] - total[0], token * (lengths[i] - lengths[0]));
    parameters_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_grows_linearly_with_length),
        cmocka_unit_test(work_per_token_grows_linearly_with_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
