/*
 * Narrow heads on the rows where they lie, against plain double-precision loops: sizes around those
 * of vectors and tiles, inputs of one token and more, pairs of heads of which an input chose both,
 * either or none.
 */
#include "models/cpu/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SAMPLES = 9, TOKENS = 131, HEADS_MAX = 9, DIM_MAX = 72, WIDTH_MAX = HEADS_MAX * 16 };

static const int32_t offsets[SAMPLES + 1] = {0, 1, 17, 33, 41, 44, 71, 78, 99, TOKENS};
static const struct batch batch = {.n_samples = SAMPLES, .n_tokens = TOKENS, .offsets = offsets};

static const struct shape {
    int heads, head_dim, dim;
} shapes[] = {{8, 8, 64}, {7, 8, 56}, {4, 16, 64}, {3, 5, 15}, {1, 8, 8}, {9, 1, 9}, {9, 8, 72}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* All arrays of a layer; `qkv` and `context` are NAN where nothing was written. */
struct layer {
    struct device_chosen chosen;
    float gate[SAMPLES * HEADS_MAX];
    float x[TOKENS * DIM_MAX], stream[TOKENS * DIM_MAX], bias[3 * WIDTH_MAX];
    float qkv_weight[3 * WIDTH_MAX * DIM_MAX], o_weight[WIDTH_MAX * DIM_MAX];
    float qkv[TOKENS * 3 * WIDTH_MAX], context[TOKENS * WIDTH_MAX], scratch[ATTENTION_SCRATCH];
};

static void fill(float *x, size_t n, uint64_t which, double scale) {
    struct rng rng = rng_stream(7, RNG_GENERATOR);
    for (size_t i = 0; i < n; i++) x[i] = (float)(scale * rng_normal(&rng, which, i));
}

static void forget(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = NAN;
}

/* Gates of input b: 0, 1 or between, another draw for another `seed`. */
static void choose(struct layer *l, int b, uint64_t seed) {
    struct rng rng = rng_stream(seed, RNG_CONTROL);
    for (int h = 0; h < l->chosen.heads; h++) {
        uint64_t drawn = rng_below(&rng, (uint64_t)b, (uint64_t)h, 5);
        l->gate[b * l->chosen.heads + h] = drawn < 2 ? 0.0f : drawn == 2 ? 0.7f : 1.0f;
    }
}

static struct layer *layer_new(const struct shape *s) {
    struct layer *l = malloc(sizeof *l);
    assert_non_null(l);
    l->chosen = (struct device_chosen){.dim = s->dim,
                                       .heads = s->heads,
                                       .head_dim = s->head_dim,
                                       .gates = l->gate,
                                       .norm = l->x,
                                       .qkv_weight = l->qkv_weight,
                                       .qkv_bias = l->bias,
                                       .o_weight = l->o_weight,
                                       .qkv = l->qkv,
                                       .context = l->context,
                                       .x = l->stream,
                                       .scratch = l->scratch};
    for (int b = 0; b < SAMPLES; b++) choose(l, b, 1);
    fill(l->x, TOKENS * DIM_MAX, 0, 1);
    fill(l->stream, TOKENS * DIM_MAX, 1, 1);
    fill(l->bias, 3 * WIDTH_MAX, 2, 1);
    fill(l->qkv_weight, 3 * WIDTH_MAX * DIM_MAX, 3, 0.3);
    fill(l->o_weight, WIDTH_MAX * DIM_MAX, 4, 0.3);
    assert_true(heads_fit_in_place(s->heads, s->head_dim, s->dim, TOKENS));
    return l;
}

static void run(struct layer *l) {
    forget(l->qkv, TOKENS * 3 * WIDTH_MAX);
    forget(l->context, TOKENS * WIDTH_MAX);
    forget(l->scratch, ATTENTION_SCRATCH);
    heads_project_in_place(&batch, &l->chosen);
    heads_attend_in_place(&batch, &l->chosen);
    heads_add_in_place(&batch, &l->chosen);
}

static void assert_near(float value, double expected) {
    if (!(fabs((double)value - expected) <= 2e-5 * (1 + fabs(expected))))
        fail_msg("%.9g is not %.9g", (double)value, expected);
}

/* Column `col` of token t's Q, K and V. */
static double projected(const struct layer *l, int t, int col) {
    double sum = (double)l->bias[col];
    for (int i = 0; i < l->chosen.dim; i++)
        sum += (double)l->x[t * l->chosen.dim + i] * (double)l->qkv_weight[col * l->chosen.dim + i];
    return sum;
}

/* Element c of the output of head h for token t of input b, times its gate. */
static double attended(const struct layer *l, int b, int t, int h, int c) {
    int d = l->chosen.head_dim, width = 3 * l->chosen.heads * d;
    const float *q = l->qkv + t * width + h * 3 * d;
    double sum = 0, total = 0;
    for (int j = offsets[b]; j < offsets[b + 1]; j++) {
        const float *k = l->qkv + j * width + h * 3 * d + d;
        double score = 0;
        for (int i = 0; i < d; i++) score += (double)q[i] * (double)k[i];
        double weight = exp(score / sqrt((double)d));
        sum += weight;
        total += weight * (double)k[d + c];
    }
    return total / sum * (double)l->gate[b * l->chosen.heads + h];
}

static void chosen_heads_are_computed_and_the_others_left_out(void **state) {
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        struct layer *l = layer_new(&shapes[s]);
        int heads = l->chosen.heads, d = l->chosen.head_dim, dim = l->chosen.dim, width = heads * d;
        static float before[TOKENS * DIM_MAX];
        memcpy(before, l->stream, sizeof before);
        run(l);
        for (int b = 0; b < SAMPLES; b++)
            for (int t = offsets[b]; t < offsets[b + 1]; t++) {
                double added[DIM_MAX] = {0};
                for (int h = 0; h < heads; h++) {
                    bool ran = l->gate[b * heads + h] != 0.0f;
                    for (int c = h * 3 * d; c < (h + 1) * 3 * d; c++)
                        if (ran)
                            assert_near(l->qkv[t * 3 * width + c], projected(l, t, c));
                        else
                            assert_true(isnan(l->qkv[t * 3 * width + c]));
                    for (int c = 0; c < d; c++) {
                        float value = l->context[t * width + h * d + c];
                        assert_int_equal(isnan(value), !ran);
                        if (!ran) continue;
                        assert_near(value, attended(l, b, t, h, c));
                        for (int i = 0; i < dim; i++)
                            added[i] += (double)value * (double)l->o_weight[(h * d + c) * dim + i];
                    }
                }
                for (int i = 0; i < dim; i++)
                    assert_near(l->stream[t * dim + i], (double)before[t * dim + i] + added[i]);
            }
        assert_memory_equal(l->stream + TOKENS * dim, before + TOKENS * dim,
                            (size_t)(TOKENS * (DIM_MAX - dim)) * sizeof(float));
        free(l);
    }
}

/* Input 5 keeps its heads; all others choose anew, none at all, and all. */
static void an_input_has_the_same_bits_whatever_others_choose(void **state) {
    (void)state;
    enum { KEPT = 5 };
    for (int s = 0; s < SHAPES; s++) {
        struct layer *l = layer_new(&shapes[s]), *other = layer_new(&shapes[s]);
        size_t first = (size_t)(offsets[KEPT] * l->chosen.dim);
        size_t bytes =
            (size_t)((offsets[KEPT + 1] - offsets[KEPT]) * l->chosen.dim) * sizeof(float);
        run(l);
        for (int variant = 0; variant < 4; variant++) {
            for (int b = 0; b < SAMPLES; b++) {
                if (b == KEPT) continue;
                choose(other, b, 2 + (uint64_t)variant);
                for (int h = 0; h < l->chosen.heads && variant >= 2; h++)
                    other->gate[b * l->chosen.heads + h] = variant == 2 ? 0.0f : 1.0f;
            }
            fill(other->stream, TOKENS * DIM_MAX, 1, 1);
            run(other);
            assert_memory_equal(l->stream + first, other->stream + first, bytes);
        }
        free(l);
        free(other);
    }
}

/* One head after the other is poisoned: those who chose it turn to NaN, nobody else changes a bit. */
static void a_poisoned_head_reaches_only_those_who_chose_it(void **state) {
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        struct layer *l = layer_new(&shapes[s]), *sick = layer_new(&shapes[s]);
        int d = l->chosen.head_dim, dim = l->chosen.dim;
        run(l);
        for (int h = 0; h < l->chosen.heads; h++) {
            size_t slab = (size_t)(3 * d * dim), block = (size_t)(d * dim);
            forget(sick->qkv_weight + (size_t)h * slab, slab);
            forget(sick->o_weight + (size_t)h * block, block);
            fill(sick->stream, TOKENS * DIM_MAX, 1, 1);
            run(sick);
            for (int b = 0; b < SAMPLES; b++)
                for (int i = offsets[b] * dim; i < offsets[b + 1] * dim; i++) {
                    if (l->gate[b * l->chosen.heads + h] != 0.0f)
                        assert_true(isnan(sick->stream[i]));
                    else
                        assert_memory_equal(&sick->stream[i], &l->stream[i], sizeof(float));
                }
            memcpy(sick->qkv_weight, l->qkv_weight, sizeof sick->qkv_weight);
            memcpy(sick->o_weight, l->o_weight, sizeof sick->o_weight);
        }
        free(l);
        free(sick);
    }
}

static void only_narrow_heads_and_enough_tokens_fit(void **state) {
    (void)state;
    assert_true(heads_fit_in_place(8, 8, 64, 512));
    assert_false(heads_fit_in_place(8, 8, 64, 16));
    assert_false(heads_fit_in_place(8, 96, 768, 512));
    assert_false(heads_fit_in_place(1000, 8, 64, 512)); /* blocks of W_O that exceed the scratch */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_heads_are_computed_and_the_others_left_out),
        cmocka_unit_test(an_input_has_the_same_bits_whatever_others_choose),
        cmocka_unit_test(a_poisoned_head_reaches_only_those_who_chose_it),
        cmocka_unit_test(only_narrow_heads_and_enough_tokens_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
