/*
 * Phase markers: what they tell, in which order, and that the work booked between two of them is
 * that of the phase. Nothing here reads a clock.
 */
#include "models/inference.h"
#include "models/cpu/gemm.h"
#include "models/policy.h"
#include "tests/models/small_model.h"

/* Who enters phases here: their order, and the work booked while each lasted. */
struct listener {
    struct phases phases;
    struct work work;
    uint64_t flops[PHASES], bytes[PHASES], before[2];
    enum phase order[256];
    int n;
};

static void take_work(struct listener *l) {
    uint64_t now[2] = {flops_total(&l->work.flops), l->work.bytes};
    if (l->n) {
        l->flops[l->order[l->n - 1]] += now[0] - l->before[0];
        l->bytes[l->order[l->n - 1]] += now[1] - l->before[1];
    }
    memcpy(l->before, now, sizeof now);
}

static void enter(void *context, enum phase phase) {
    struct listener *l = context;
    assert_true(l->n < 256);
    take_work(l);
    l->order[l->n++] = phase;
}

static void listen(struct listener *l) {
    *l = (struct listener){.phases = {enter, l}};
    l->work.phases = &l->phases;
}

/* One inference of the small batch under a policy, listened to; logits into `logits`. */
static void infer(const char *policy, const char *options, struct listener *l, float *logits) {
    struct model_config config = small_config(policy_find(policy), options, 2, 16, 4);
    struct parameters *p = small_parameters(&config, 3);
    struct inference *inf = NULL;
    struct small_batch data;
    struct error error;
    assert_true(inference_new(p, &small_limits, &inf, &error));
    small_batch_fill(&data, 3);
    if (l) listen(l);
    inference_run(inf, &data.batch, l ? &l->work : NULL, NULL);
    if (l) take_work(l);
    memcpy(logits, inference_logits(inf), SMALL_SAMPLES * SMALL_CLASSES * sizeof *logits);
    inference_free(inf);
    parameters_free(p);
}

static int times(const struct listener *l, enum phase phase) {
    int n = 0;
    for (int i = 0; i < l->n; i++) n += l->order[i] == phase;
    return n;
}

static void all_heads_pass_through_the_phases_in_order(void **state) {
    (void)state;
    static const enum phase layer[] = {PHASE_NORM,   PHASE_QKV,  PHASE_MAP,
                                       PHASE_OUTPUT, PHASE_NORM, PHASE_FFN};
    enum { LAYER = sizeof layer / sizeof *layer };
    struct listener l;
    float logits[SMALL_SAMPLES * SMALL_CLASSES];
    infer("fixed", "{\"heads\":4}", &l, logits);
    assert_int_equal(l.n, 1 + 2 * LAYER + 3);
    assert_int_equal(l.order[0], PHASE_EMBEDDING);
    for (int i = 0; i < 2 * LAYER; i++) assert_int_equal(l.order[1 + i], layer[i % LAYER]);
    assert_int_equal(l.order[l.n - 3], PHASE_NORM);
    assert_int_equal(l.order[l.n - 2], PHASE_POOL);
    assert_int_equal(l.order[l.n - 1], PHASE_CLASSIFIER);
}

static void only_methods_that_choose_pass_through_gate_and_gather(void **state) {
    (void)state;
    struct listener l;
    float logits[SMALL_SAMPLES * SMALL_CLASSES];
    infer("random", "{\"heads\":2}", &l, logits);
    assert_int_equal(times(&l, PHASE_GATE), 2);
    assert_true(times(&l, PHASE_GATHER) > 0 && l.bytes[PHASE_GATHER] > 0);
    infer("moh", "{\"shared\":1,\"routed\":2}", &l, logits);
    assert_int_equal(times(&l, PHASE_GATE), 2);
    assert_true(l.bytes[PHASE_GATHER] > 0 && l.flops[PHASE_GATE] > 0);
    infer("none", "{}", &l, logits);
    assert_int_equal(times(&l, PHASE_QKV) + times(&l, PHASE_GATE) + times(&l, PHASE_GATHER), 0);
}

static void work_between_marks_is_that_of_the_phase(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"fixed", "{\"heads\":[1,3]}"},
                                           {"random", "{\"heads\":2}"},
                                           {"budgetformer", "{\"hard_from\":0}"},
                                           {"moh", "{\"shared\":1,\"routed\":2}"},
                                           {"bag-of-words", "{}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct listener l;
        float logits[SMALL_SAMPLES * SMALL_CLASSES];
        infer(cases[i][0], cases[i][1], &l, logits);
        const uint64_t *c = l.work.flops.count, *f = l.flops;
        assert_int_equal(f[PHASE_EMBEDDING], c[FLOP_POSITION]);
        assert_int_equal(f[PHASE_NORM], c[FLOP_NORM]);
        assert_int_equal(f[PHASE_GATE], c[FLOP_GATE]);
        assert_int_equal(f[PHASE_GATHER], 0);
        assert_int_equal(f[PHASE_MAP], flops_map(&l.work.flops) + c[FLOP_GATE_MULTIPLY]);
        assert_int_equal(f[PHASE_QKV] + f[PHASE_OUTPUT] + f[PHASE_FFN],
                         c[FLOP_QKV] + c[FLOP_OUTPUT] + c[FLOP_ATTENTION_BIAS] + c[FLOP_FFN] +
                             c[FLOP_FFN_BIAS] + c[FLOP_GELU] + c[FLOP_RESIDUAL]);
        assert_true(f[PHASE_QKV] >= c[FLOP_QKV] && f[PHASE_OUTPUT] >= c[FLOP_OUTPUT]);
        assert_int_equal(f[PHASE_POOL], c[FLOP_POOL]);
        assert_int_equal(f[PHASE_CLASSIFIER], c[FLOP_CLASSIFIER] + c[FLOP_CLASSIFIER_BIAS]);
        uint64_t bytes = 0;
        for (int p = 0; p < PHASES; p++) bytes += l.bytes[p];
        assert_int_equal(bytes, l.work.bytes);
    }
}

static void marks_change_no_bit_of_the_result(void **state) {
    (void)state;
    struct listener l;
    float with[SMALL_SAMPLES * SMALL_CLASSES], without[SMALL_SAMPLES * SMALL_CLASSES];
    infer("moh", "{\"shared\":1,\"routed\":2}", &l, with);
    infer("moh", "{\"shared\":1,\"routed\":2}", NULL, without);
    assert_true(l.n > 0);
    assert_memory_equal(with, without, sizeof with);
}

/* The rule of struct work, by hand: each operand once, results that are updated twice. */
static void bytes_are_those_of_the_operands(void **state) {
    (void)state;
    enum { M = 3, N = 5, K = 7 };
    float a[64] = {0}, b[64] = {0}, c[64] = {0};
    struct work work = {.bytes = 0};
    gemm(&work, FLOP_FFN, M, N, K, 1.0f, plain(a, K), plain(b, N), 0.0f, c, N);
    assert_int_equal(work.bytes, 4 * (M * K + K * N + M * N));
    work.bytes = 0;
    gemm(&work, FLOP_FFN, M, N, K, 1.0f, plain(a, K), plain(b, N), 1.0f, c, N);
    assert_int_equal(work.bytes, 4 * (M * K + K * N + 2 * M * N));
}

enum { D = 16, D_H = 4, F = 32 };

/* Numbers that a product of m x k by k x n moves, and one that adds to its result. */
static uint64_t product(int m, int n, int k, int writes) {
    return (uint64_t)(m * k + k * n + writes * m * n);
}

/* One layer without its heads, for T tokens of B inputs: embeddings of tokens and positions, three
 * norms, the bias of the outputs, the FFN, pool and classifier. */
static uint64_t outside_the_heads(int t, int b) {
    uint64_t norms = 3 * (uint64_t)(2 * t * D + 2 * D), biases = 2 * (uint64_t)(2 * t * D + D);
    uint64_t ffn = product(t, F, D, 1) + (uint64_t)(2 * t * F + F) + product(t, D, F, 2);
    uint64_t ends = (uint64_t)(3 * t * D + (t + b) * D) + product(b, SMALL_CLASSES, D, 1) +
                    (uint64_t)(2 * b * SMALL_CLASSES + SMALL_CLASSES);
    return norms + biases + ffn + ends;
}

/* Q, K, V with their bias, the map, which moves no tile, and W_O, of heads that n tokens run. */
static uint64_t heads(int n, int width, int output_writes) {
    return product(n, 3 * width, D, 1) + (uint64_t)(6 * n * width + 3 * width) +
           (uint64_t)(4 * n * width) + product(n, D, width, output_writes);
}

static void a_pass_moves_what_its_stages_move(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"fixed", "{\"heads\":3}"}, {"random", "{\"heads\":1}"}};
    for (int i = 0; i < 2; i++) {
        struct model_config config = small_config(policy_find(cases[i][0]), cases[i][1], 1, D, 4);
        struct parameters *p = small_parameters(&config, 3);
        struct inference *inf = NULL;
        struct small_batch data;
        struct error error;
        struct work work = {0};
        small_batch_fill(&data, 3);
        assert_true(inference_new(p, &small_limits, &inf, &error));
        inference_run(inf, &data.batch, &work, NULL);
        int tokens = data.batch.n_tokens;
        uint64_t expected = outside_the_heads(tokens, SMALL_SAMPLES);
        if (i == 0) expected += heads(tokens, 3 * D_H, 2);
        for (int h = 0; i == 1 && h < 4; h++) {
            int n = 0; /* tokens whose input runs the head: gathered, and added back */
            for (int b = 0; b < SMALL_SAMPLES; b++)
                if (inference_head_ran(inf, 0, h, b)) n += data.offsets[b + 1] - data.offsets[b];
            assert_true(n < tokens);
            if (n > 0) expected += heads(n, D_H, 1) + (uint64_t)(5 * n * D);
        }
        assert_int_equal(work.bytes, 4 * expected);
        inference_free(inf);
        parameters_free(p);
    }
}

static void a_training_step_says_when_it_turns_around(void **state) {
    (void)state;
    struct model_config config = small_config(policy_find("fixed"), "{\"heads\":4}", 2, 16, 4);
    struct parameters *p = small_parameters(&config, 3);
    struct trainer *trainer = NULL;
    struct small_batch data;
    struct error error;
    struct listener l;
    struct policy_step step = {.progress = 0.5};
    assert_true(trainer_new(p, &small_limits, 1, &trainer, &error));
    small_batch_fill(&data, 3);
    listen(&l);
    trainer_step(trainer, &data.batch, &step); /* nobody listens yet */
    assert_int_equal(l.n, 0);
    trainer_set_phases(trainer, &l.phases);
    double loss = trainer_step(trainer, &data.batch, &step);
    assert_int_equal(l.n, 3); /* gradients cleared, one chunk forward, and backward */
    assert_int_equal(l.order[0], PHASE_BACKWARD);
    assert_int_equal(l.order[1], PHASE_FORWARD);
    assert_int_equal(l.order[2], PHASE_BACKWARD);
    assert_true(loss == trainer_loss(trainer, &data.batch, &step));
    assert_int_equal(l.order[3], PHASE_FORWARD);
    assert_int_equal(l.n, 4);
    trainer_free(trainer);
    parameters_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_heads_pass_through_the_phases_in_order),
        cmocka_unit_test(only_methods_that_choose_pass_through_gate_and_gather),
        cmocka_unit_test(work_between_marks_is_that_of_the_phase),
        cmocka_unit_test(marks_change_no_bit_of_the_result),
        cmocka_unit_test(bytes_are_those_of_the_operands),
        cmocka_unit_test(a_pass_moves_what_its_stages_move),
        cmocka_unit_test(a_training_step_says_when_it_turns_around),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
