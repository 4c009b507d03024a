/*
 * The kernels against plain double-precision loops, over shapes around their block sizes.
 */
#include "models/cpu/gemm.h"
#include "models/cpu/kernels.h"
#include "models/cpu/vector_math.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static float *normals(uint64_t which, size_t n, double scale) {
    struct rng rng = rng_stream(5, RNG_GENERATOR);
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) x[i] = (float)(scale * rng_normal(&rng, which, i));
    return x;
}

static void assert_close(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance * (1 + fabs(expected))))
        fail_msg("%.9g is not %.9g", value, expected);
}

static void vector_exp_is_within_its_bound(void **state) {
    (void)state;
    double worst = 0;
    for (int i = 0; i <= 350000; i++) {
        float x = fminf(-87.0f + (float)i * 5e-4f, 88.0f);
        worst = fmax(worst, fabs((double)vector_exp(x) / exp((double)x) - 1));
    }
    if (worst >= 2e-7) fail_msg("relative error %.3g", worst);
    assert_true(vector_exp(0.0f) == 1.0f);
    assert_true(vector_exp(-0.0f) == 1.0f);
}

static void vector_exp_ends_finite_and_keeps_nan(void **state) {
    (void)state;
    static const float low[] = {-87.0f, -88.0f, -1000.0f, -FLT_MAX, -INFINITY};
    static const float high[] = {88.0f, 89.0f, 1000.0f, FLT_MAX, INFINITY};
    for (size_t i = 0; i < sizeof low / sizeof *low; i++) {
        assert_true(vector_exp(low[i]) > 0 && vector_exp(low[i]) < 2e-38f);
        assert_true(vector_exp(high[i]) > 1.6e38f && vector_exp(high[i]) < FLT_MAX);
    }
    assert_true(isnan(vector_exp(NAN)) && isnan(vector_exp(-NAN)));
    float x[19]; /* the vectorised form, and what is left over of it */
    for (int i = 0; i < 19; i++) x[i] = i % 2 ? NAN : -1.0f;
#pragma omp simd
    for (int i = 0; i < 19; i++) x[i] = vector_exp(x[i]);
    for (int i = 0; i < 19; i++)
        if (i % 2)
            assert_true(isnan(x[i]));
        else
            assert_close((double)x[i], exp(-1), 2e-7);
}

static void layernorm_equals_its_definition(void **state) {
    (void)state;
    static const int dims[] = {1, 3, 16, 64, 77};
    enum { ROWS = 4 };
    for (size_t k = 0; k < sizeof dims / sizeof *dims; k++) {
        int dim = dims[k];
        size_t n = (size_t)(ROWS * dim);
        float *x = normals(k, n, 2), *weight = normals(50, (size_t)dim, 1);
        float *bias = normals(51, (size_t)dim, 1), *y = normals(52, n, 1),
              *again = normals(53, n, 1);
        float mean[ROWS], rstd[ROWS];
        const double eps = 1e-3;
        for (int i = 0; i < dim; i++) x[i] += 1000.0f; /* row 0: a mean that must not cancel */
        layernorm_forward(ROWS, dim, x, weight, bias, eps, y, mean, rstd);
        layernorm_again(ROWS, dim, x, weight, bias, mean, rstd, again);
        assert_memory_equal(y, again, n * sizeof *y);
        for (int r = 0; r < ROWS; r++) {
            double mu = 0, variance = 0;
            for (int i = 0; i < dim; i++) mu += (double)x[r * dim + i] / dim;
            for (int i = 0; i < dim; i++) variance += pow((double)x[r * dim + i] - mu, 2) / dim;
            assert_close((double)mean[r], mu, 1e-6);
            assert_close((double)rstd[r], 1 / sqrt(variance + eps), r == 0 ? 2e-3 : 1e-5);
            for (int i = 0; i < dim; i++)
                assert_close((double)y[r * dim + i],
                             ((double)x[r * dim + i] - mu) / sqrt(variance + eps) *
                                     (double)weight[i] +
                                 (double)bias[i],
                             r == 0 ? 2e-3 : 1e-5);
        }
        layernorm_forward(ROWS, dim, x, weight, bias, eps, again, NULL, NULL);
        assert_memory_equal(y, again, n * sizeof *y);
        free(x), free(weight), free(bias), free(y), free(again);
    }
}

/* GELU in its tanh form, as PyTorch's gelu(approximate="tanh") defines it. */
static double gelu(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
}

static void gelu_equals_its_tanh_form(void **state) {
    (void)state;
    enum { ROWS = 3, COLS = 401 };
    float pre[ROWS * COLS], y[ROWS * COLS], kept[ROWS * COLS], bias[COLS];
    for (int row = 0, i = 0; row < ROWS; row++)
        for (int col = 0; col < COLS; col++, i++)
            kept[i] = pre[i] = (float)(col - 200) * 0.06f + 0.01f * (float)row;
    for (int i = 0; i < COLS; i++) bias[i] = 0.03f * (float)(i % 7);
    gelu_forward(ROWS, COLS, bias, pre, y);
    for (int i = 0; i < ROWS * COLS; i++) {
        assert_true(pre[i] == kept[i] + bias[i % COLS]); /* kept for the backward pass */
        assert_close((double)y[i], gelu((double)pre[i]), 1e-6);
    }
    float in_place[ROWS * COLS];
    memcpy(in_place, kept, sizeof kept);
    gelu_forward(ROWS, COLS, bias, in_place, in_place);
    assert_memory_equal(in_place, y, sizeof y);
}

static void gelu_backward_is_the_derivative(void **state) {
    (void)state;
    enum { N = 401 };
    float pre[N], y[N], dy[N];
    for (int i = 0; i < N; i++) {
        pre[i] = (float)(i - 200) * 0.05f;
        dy[i] = 1.0f + (float)(i % 3);
    }
    gelu_backward(N, pre, y, dy);
    for (int i = 0; i < N; i++) {
        double x = (double)pre[i], h = 1e-5, slope = (gelu(x + h) - gelu(x - h)) / (2 * h);
        assert_close((double)y[i], gelu(x), 1e-6);
        assert_close((double)dy[i], slope * (1 + i % 3), 2e-6);
    }
}

/* softmax(q k^T / sqrt(d)) v of row i in double, and the row's log-sum-exp. */
static double naive_row(const struct attention *a, int i, double *out) {
    double max = -INFINITY, sum = 0, *p = malloc((size_t)a->n * sizeof *p);
    assert_non_null(p);
    for (int j = 0; j < a->n; j++) {
        p[j] = 0;
        for (int c = 0; c < a->head_dim; c++)
            p[j] += (double)a->q[i * a->ld_q + c] * (double)a->k[j * a->ld_kv + c];
        p[j] /= sqrt(a->head_dim);
        max = fmax(max, p[j]);
    }
    for (int c = 0; c < a->head_dim; c++) out[c] = 0;
    for (int j = 0; j < a->n; j++) {
        sum += exp(p[j] - max);
        for (int c = 0; c < a->head_dim; c++)
            out[c] += exp(p[j] - max) * (double)a->v[j * a->ld_kv + c];
    }
    for (int c = 0; c < a->head_dim; c++) out[c] /= sum;
    free(p);
    return max + log(sum);
}

/* Two heads of dimension d side by side, as the engine lays them out; the second one is run, for
 * every `step`-th token's query. */
static void check_attention(int n, int step, int d, double scale, double tolerance) {
    int ld = 6 * d, ld_out = 2 * d;
    float *qkv = normals((uint64_t)n, (size_t)(n * ld), scale);
    float *out = normals(1000, (size_t)(n * ld_out), 1),
          *kept = normals(1000, (size_t)(n * ld_out), 1);
    float *log_sum = malloc((size_t)n * sizeof *log_sum);
    float *scores = malloc(ATTENTION_SCRATCH * sizeof *scores);
    double expected[64] = {0};
    struct attention head = attention_of_head(qkv, n, 2, d, 1, scores);
    head.queries = (n + step - 1) / step;
    head.ld_q = step * ld;
    assert_true(log_sum && scores && d <= 64);
    attention_forward(&head, out + d, log_sum);
    for (int i = 0; i < head.queries; i++) {
        assert_close((double)log_sum[i], naive_row(&head, i, expected), tolerance);
        for (int c = 0; c < d; c++) {
            assert_close((double)out[i * ld_out + d + c], expected[c], tolerance);
            assert_true(out[i * ld_out + c] == kept[i * ld_out + c]); /* the other head's columns */
        }
    }
    for (int i = head.queries * ld_out; i < n * ld_out; i++) assert_true(out[i] == kept[i]);
    free(qkv), free(out), free(kept), free(log_sum), free(scores);
}

static void attention_equals_softmax_over_all_block_edges(void **state) {
    (void)state;
    static const int lengths[] = {1, 2, 127, 128, 129, 300}; /* one to three tiles a side */
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        check_attention(lengths[i], 1, 8, 1, 1e-5);
        check_attention(lengths[i], 1, 5, 1, 1e-5);
    }
}

static void attention_of_some_queries_asks_all_tokens(void **state) {
    (void)state;
    check_attention(9, 3, 8, 1, 1e-5);
    check_attention(261, 2, 5, 1, 1e-5); /* 131 queries: more than one block of rows */
    check_attention(7, 7, 8, 1, 1e-5);
}

/* Scores of some thousands: exp of them overflows, exp of what is left after the maximum does
 * not. */
static void attention_rows_with_large_scores_do_not_overflow(void **state) {
    (void)state;
    check_attention(65, 1, 8, 40, 2e-3);
    check_attention(300, 1, 8, 40, 2e-3); /* the maximum rises from tile to tile */
}

/* dq, dk, dv of one head by their definition, in double: P = softmax, dS = P (dP - delta) / sqrt
 * d. */
static void naive_backward(const struct attention *head, const float *dout, const float *delta,
                           double *dq, double *dk, double *dv) {
    int n = head->n, d = head->head_dim, ld = head->ld_kv;
    double scale = 1 / sqrt((double)d), *p = malloc((size_t)n * sizeof *p);
    assert_non_null(p);
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < n; j++) {
            p[j] = 0;
            for (int c = 0; c < d; c++)
                p[j] += scale * (double)head->q[i * ld + c] * (double)head->k[j * ld + c];
            sum += p[j] = exp(p[j]);
        }
        for (int j = 0; j < n; j++) {
            double dp = 0, share = p[j] / sum;
            for (int c = 0; c < d; c++)
                dp += (double)dout[i * head->ld_out + c] * (double)head->v[j * ld + c];
            double ds = scale * share * (dp - (double)delta[i]);
            for (int c = 0; c < d; c++) {
                dq[i * d + c] += ds * (double)head->k[j * ld + c];
                dk[j * d + c] += ds * (double)head->q[i * ld + c];
                dv[j * d + c] += share * (double)dout[i * head->ld_out + c];
            }
        }
    }
    free(p);
}

static void attention_backward_equals_its_definition_over_all_tile_edges(void **state) {
    (void)state;
    static const int lengths[] = {1, 128, 129, 300};
    enum { D = 5, MAX = 300 };
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        int n = lengths[l];
        float *qkv = normals((uint64_t)n, (size_t)(n * 3 * D), 1), *out = normals(1, MAX * D, 0);
        float *dout = normals(2, MAX * D, 1), *grad = normals(3, MAX * 3 * D, 1);
        float log_sum[MAX], delta[MAX], *scores = malloc(ATTENTION_SCRATCH * sizeof *scores);
        double *expected = calloc(3 * MAX * D, sizeof *expected);
        assert_true(scores && expected);
        struct attention head = attention_of_head(qkv, n, 1, D, 0, scores);
        attention_forward(&head, out, log_sum);
        for (int i = 0; i < n; i++) {
            delta[i] = 0;
            for (int c = 0; c < D; c++) delta[i] += out[i * D + c] * dout[i * D + c];
        }
        attention_backward(&head, log_sum, delta, dout, grad, grad + D, grad + 2 * D);
        naive_backward(&head, dout, delta, expected, expected + MAX * D, expected + 2 * MAX * D);
        for (int i = 0; i < n; i++)
            for (int c = 0; c < 3 * D; c++)
                assert_close((double)grad[i * 3 * D + c], expected[c / D * MAX * D + i * D + c % D],
                             1e-5);
        free(qkv), free(out), free(dout), free(grad), free(scores), free(expected);
    }
}

static void attention_of_equal_keys_is_the_mean_of_values(void **state) {
    (void)state;
    enum { N = 70, D = 4 };
    float qkv[N * 3 * D], out[N * D];
    float *scores = malloc(ATTENTION_SCRATCH * sizeof *scores);
    assert_non_null(scores);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < D; c++) {
            qkv[i * 3 * D + c] = (float)(i % 5);
            qkv[i * 3 * D + D + c] = 3.0f;
            qkv[i * 3 * D + 2 * D + c] = (float)(i + c);
        }
    struct attention head = attention_of_head(qkv, N, 1, D, 0, scores);
    attention_forward(&head, out, NULL);
    for (int i = 0; i < N; i++)
        for (int c = 0; c < D; c++) assert_close((double)out[i * D + c], (N - 1) / 2.0 + c, 1e-5);
    free(scores);
}

static void pool_is_the_mean_over_each_sample(void **state) {
    (void)state;
    enum { DIM = 7, TOKENS = 12, SAMPLES = 3 };
    static const int32_t offsets[SAMPLES + 1] = {0, 1, 10, 12};
    struct batch batch = {.n_samples = SAMPLES, .n_tokens = TOKENS, .offsets = offsets};
    float *x = normals(1, TOKENS * DIM, 1), *dx = normals(2, TOKENS * DIM, 1);
    float *kept = normals(2, TOKENS * DIM, 1), *pooled = normals(3, SAMPLES * DIM, 1);
    pool_forward(&batch, DIM, x, pooled);
    for (int b = 0; b < SAMPLES; b++)
        for (int i = 0; i < DIM; i++) {
            double sum = 0;
            for (int t = offsets[b]; t < offsets[b + 1]; t++) sum += (double)x[t * DIM + i];
            assert_close((double)pooled[b * DIM + i], sum / (offsets[b + 1] - offsets[b]), 1e-6);
        }
    pool_backward(&batch, DIM, pooled, dx);
    for (int b = 0; b < SAMPLES; b++)
        for (int t = offsets[b]; t < offsets[b + 1]; t++)
            for (int i = 0; i < DIM; i++)
                assert_close((double)dx[t * DIM + i],
                             (double)kept[t * DIM + i] +
                                 (double)pooled[b * DIM + i] / (offsets[b + 1] - offsets[b]),
                             1e-6);
    free(x), free(dx), free(kept), free(pooled);
}

static void bias_is_added_to_every_row_and_its_gradient_summed(void **state) {
    (void)state;
    enum { ROWS = 3, COLS = 9 };
    float *bias = normals(4, COLS, 1), *x = normals(5, ROWS * COLS, 1);
    float *kept = normals(5, ROWS * COLS, 1), *dbias = normals(6, COLS, 1),
          *before = normals(6, COLS, 1);
    bias_forward(ROWS, COLS, bias, x);
    for (int i = 0; i < ROWS * COLS; i++) assert_true(x[i] == kept[i] + bias[i % COLS]);
    bias_backward(ROWS, COLS, kept, dbias);
    for (int i = 0; i < COLS; i++)
        assert_close((double)dbias[i],
                     (double)before[i] + (double)kept[i] + (double)kept[COLS + i] +
                         (double)kept[2 * COLS + i],
                     1e-6);
    free(bias), free(x), free(kept), free(dbias), free(before);
}

/* op(A) op(B) for all four transpositions, with alpha and beta, into a wider C. */
static void gemm_multiplies_and_books_2mnk(void **state) {
    (void)state;
    enum { M = 5, N = 4, K = 7, LDC = 6 };
    float *a = normals(7, M * K, 1), *b = normals(8, K * N, 1);
    for (int way = 0; way < 4; way++) {
        bool ta = way & 1, tb = way & 2;
        float *c = normals(9, M * LDC, 1), *kept = normals(9, M * LDC, 1);
        struct work work = {0};
        gemm(&work, FLOP_FFN, M, N, K, 0.5f, (struct matrix){a, ta ? M : K, ta},
             (struct matrix){b, tb ? K : N, tb}, 2.0f, c, LDC);
        assert_int_equal(work.flops.count[FLOP_FFN], 2 * M * N * K);
        assert_int_equal(flops_total(&work.flops), 2 * M * N * K);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < LDC; j++) {
                double sum = 0;
                for (int k = 0; k < K; k++)
                    sum += (double)a[ta ? k * M + i : i * K + k] *
                           (double)b[tb ? j % N * K + k : k * N + j % N];
                double expected =
                    j < N ? 0.5 * sum + 2 * (double)kept[i * LDC + j] : (double)kept[i * LDC + j];
                assert_close((double)c[i * LDC + j], expected, 1e-5);
            }
        free(c), free(kept);
    }
    free(a), free(b);
}

enum { MASK = 40001 };

static float *dropped(uint64_t seed, uint64_t high, double p) {
    struct rng rng = rng_stream(seed, RNG_DROPOUT);
    float *x = malloc(MASK * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < MASK; i++) x[i] = 2.0f;
    dropout_apply(&rng, high, p, MASK, x);
    return x;
}

static void dropout_keeps_the_mean(void **state) {
    (void)state;
    static const double shares[] = {0.1, 0.5, 0.9};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        double p = shares[i], sum = 0, zeros = 0;
        float *x = dropped(1, 3, p);
        for (int j = 0; j < MASK; j++) {
            if (x[j] != 0.0f) assert_close((double)x[j], 2 / (1 - p), 1e-6);
            zeros += x[j] == 0.0f;
            sum += (double)x[j] / MASK;
        }
        assert_true(fabs(zeros / MASK - p) < 5 * sqrt(p * (1 - p) / MASK));
        assert_true(fabs(sum - 2) < 10 * sqrt(p / (1 - p) / MASK));
        free(x);
    }
}

static void dropout_masks_repeat_by_counter(void **state) {
    (void)state;
    float *a = dropped(1, 3, 0.5), *same = dropped(1, 3, 0.5);
    float *step = dropped(1, 4, 0.5), *seed = dropped(2, 3, 0.5);
    assert_memory_equal(a, same, MASK * sizeof *a);
    int differ[2] = {0, 0}, lag[5] = {0};
    for (int i = 0; i < MASK; i++) {
        differ[0] += a[i] != step[i];
        differ[1] += a[i] != seed[i];
        for (int k = 1; k < 5; k++) lag[k] += a[i] != a[(i + k) % MASK];
    }
    for (int k = 0; k < 2; k++) assert_true(abs(differ[k] - MASK / 2) < 500);
    for (int k = 1; k < 5; k++) assert_true(abs(lag[k] - MASK / 2) < 500); /* neighbours too */
    free(a), free(same), free(step), free(seed);
}

static void dropout_of_zero_is_the_identity(void **state) {
    (void)state;
    struct rng rng = rng_stream(1, RNG_DROPOUT);
    float x[5] = {1, -2, NAN, INFINITY, -0.0f}, kept[5];
    memcpy(kept, x, sizeof x);
    dropout_apply(&rng, 0, 0.0, 5, x);
    assert_memory_equal(x, kept, sizeof x);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vector_exp_is_within_its_bound),
        cmocka_unit_test(vector_exp_ends_finite_and_keeps_nan),
        cmocka_unit_test(layernorm_equals_its_definition),
        cmocka_unit_test(gelu_equals_its_tanh_form),
        cmocka_unit_test(gelu_backward_is_the_derivative),
        cmocka_unit_test(attention_equals_softmax_over_all_block_edges),
        cmocka_unit_test(attention_of_some_queries_asks_all_tokens),
        cmocka_unit_test(attention_rows_with_large_scores_do_not_overflow),
        cmocka_unit_test(attention_backward_equals_its_definition_over_all_tile_edges),
        cmocka_unit_test(attention_of_equal_keys_is_the_mean_of_values),
        cmocka_unit_test(pool_is_the_mean_over_each_sample),
        cmocka_unit_test(bias_is_added_to_every_row_and_its_gradient_summed),
        cmocka_unit_test(gemm_multiplies_and_books_2mnk),
        cmocka_unit_test(dropout_keeps_the_mean),
        cmocka_unit_test(dropout_masks_repeat_by_counter),
        cmocka_unit_test(dropout_of_zero_is_the_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
