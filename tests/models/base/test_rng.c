/*
 * The generator against its published vectors, and what the program builds on it: streams that do
 * not disturb each other, moments, ranges and permutations. All draws are fixed by their counters,
 * so a statistical test here passes always or never; bounds are about five standard errors.
 */
#include "models/base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Known answers for 10 rounds from the Random123 distribution: counter words 0..3, key, result. */
static void blocks_equal_the_published_vectors(void **state) {
    (void)state;
    static const struct {
        uint64_t high, low;
        uint32_t key[2], out[4];
    } vectors[] = {
        {0, 0, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX,
         UINT64_MAX,
         {UINT32_MAX, UINT32_MAX},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x0370734413198a2e,
         0x85a308d3243f6a88,
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct rng rng = {{vectors[i].key[0], vectors[i].key[1]}};
        uint32_t out[4];
        rng_block(&rng, vectors[i].high, vectors[i].low, out);
        for (int w = 0; w < 4; w++) assert_int_equal(out[w], vectors[i].out[w]);
    }
}

enum { DRAWS = 40000 };

/* Correlation of the uniforms of two generators at the same counters. */
static double correlation(const struct rng *a, const struct rng *b) {
    double sum = 0;
    for (uint64_t i = 0; i < DRAWS; i++)
        sum += (rng_uniform(a, 0, i) - 0.5) * (rng_uniform(b, 0, i) - 0.5);
    return 12 * sum / DRAWS;
}

/* Also where the low counter carries into its upper half. */
static void many_blocks_at_once_are_the_single_ones(void **state) {
    (void)state;
    static const uint64_t lows[] = {0, 7, 0xFFFFFFFFu - 9, UINT64_MAX - 2};
    struct rng rng = rng_stream(3, RNG_DROPOUT);
    for (size_t i = 0; i < sizeof lows / sizeof *lows; i++) {
        uint32_t many[4][RNG_LANES], one[4];
        rng_blocks(&rng, 0x123456789abcdefu, lows[i], 4, many);
        for (uint64_t lane = 0; lane < RNG_LANES; lane++) {
            rng_block(&rng, 0x123456789abcdefu, lows[i] + 4 * lane, one);
            for (int word = 0; word < 4; word++) assert_int_equal(many[word][lane], one[word]);
        }
    }
}

static void streams_and_seeds_are_independent(void **state) {
    (void)state;
    struct rng seen[3 * RNG_TURNS];
    size_t n = 0;
    for (uint64_t seed = 0; seed < 3; seed++)
        for (int stream = RNG_INIT; stream <= RNG_TURNS; stream++) {
            struct rng rng = rng_stream(seed << 31, (enum rng_stream)stream);
            for (size_t i = 0; i < n; i++) {
                assert_memory_not_equal(&rng, &seen[i], sizeof rng);
                if (seed == 0) assert_true(fabs(correlation(&rng, &seen[i])) < 5 / sqrt(DRAWS));
            }
            seen[n++] = rng;
        }
}

static void a_number_depends_on_its_counter_alone(void **state) {
    (void)state;
    struct rng rng = rng_stream(7, RNG_NOISE), again = rng_stream(7, RNG_NOISE);
    double early = rng_normal(&rng, 3, 5);
    for (uint64_t i = 0; i < 100; i++) rng_uniform(&rng, i, i);
    assert_true(early == rng_normal(&rng, 3, 5));
    assert_true(early == rng_normal(&again, 3, 5));
    assert_true(early != rng_normal(&rng, 3, 6));
    assert_true(early != rng_normal(&rng, 4, 5));
}

static void uniforms_fill_the_unit_interval_evenly(void **state) {
    (void)state;
    enum { BINS = 20 };
    struct rng rng = rng_stream(1, RNG_GENERATOR);
    double sum = 0, square = 0, chi = 0, expected = (double)DRAWS / BINS;
    int bin[BINS] = {0};
    for (uint64_t i = 0; i < DRAWS; i++) {
        double u = rng_uniform(&rng, 1, i);
        assert_true(u >= 0 && u < 1);
        sum += u;
        square += u * u;
        bin[(int)(u * BINS)]++;
    }
    assert_true(fabs(sum / DRAWS - 1.0 / 2) < 5 * sqrt(1.0 / 12 / DRAWS));
    assert_true(fabs(square / DRAWS - 1.0 / 3) < 5 * sqrt(4.0 / 45 / DRAWS));
    for (int i = 0; i < BINS; i++) chi += pow(bin[i] - expected, 2) / expected;
    assert_true(chi < BINS - 1 + 5 * sqrt(2 * (BINS - 1)));
}

/* Moments 1 to 4 are 0, 1, 0, 3; their standard errors 1, sqrt 2, sqrt 15, sqrt 96 over sqrt n. */
static void normals_have_normal_moments(void **state) {
    (void)state;
    static const double expected[4] = {0, 1, 0, 3}, variance[4] = {1, 2, 15, 96};
    struct rng rng = rng_stream(1, RNG_INIT);
    double moment[4] = {0};
    int beyond = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = rng_normal(&rng, 9, i);
        assert_true(isfinite(x));
        for (int m = 0; m < 4; m++) moment[m] += pow(x, m + 1) / DRAWS;
        beyond += fabs(x) > 1.959964;
    }
    for (int m = 0; m < 4; m++)
        assert_true(fabs(moment[m] - expected[m]) < 5 * sqrt(variance[m] / DRAWS));
    assert_true(fabs(beyond - 0.05 * DRAWS) < 5 * sqrt(0.05 * 0.95 * DRAWS));
}

static void integers_below_n_stay_below_and_balance(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 2, 3, 7, 10, 64};
    struct rng rng = rng_stream(2, RNG_SPLIT);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint32_t n = sizes[s];
        double count[64] = {0}, chi = 0, mean = (double)DRAWS / n;
        for (uint64_t i = 0; i < DRAWS; i++) {
            uint32_t value = rng_below(&rng, n, i, n);
            assert_true(value < n);
            count[value]++;
        }
        for (uint32_t i = 0; i < n; i++) chi += (count[i] - mean) * (count[i] - mean) / mean;
        assert_true(chi <= n - 1 + 5 * sqrt(2.0 * (n - 1)));
    }
    /* A range near 2^32 reaches its upper part and never its end. */
    uint32_t large = 0xFFFFFFF0u, most = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        uint32_t value = rng_below(&rng, 1, i, large);
        assert_true(value < large);
        most = value > most ? value : most;
    }
    assert_true(most > large / 100 * 98);
}

static void shuffle_is_a_uniform_permutation(void **state) {
    (void)state;
    enum { N = 5, ROUNDS = 6000 };
    struct rng rng = rng_stream(3, RNG_DATA_ORDER);
    int at[N][N] = {{0}}; /* how often element i ends at place j */
    for (uint64_t round = 0; round < ROUNDS; round++) {
        int32_t index[N + 1] = {0, 1, 2, 3, 4, -7};
        unsigned seen = 0;
        rng_shuffle(&rng, round, index, N);
        for (int j = 0; j < N; j++) {
            assert_in_range(index[j], 0, N - 1);
            seen |= 1u << index[j];
            at[index[j]][j]++;
        }
        assert_int_equal(seen, (1u << N) - 1);
        assert_int_equal(index[N], -7); /* nothing beyond n is touched */
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            assert_true(abs(at[i][j] - ROUNDS / N) < 5 * sqrt(ROUNDS * 0.2 * 0.8));
}

static void shuffles_repeat_by_name_and_differ_between_names(void **state) {
    (void)state;
    enum { N = 50 };
    struct rng rng = rng_stream(3, RNG_DATA_ORDER);
    int32_t order[3][N];
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < N; j++) order[i][j] = j;
        rng_shuffle(&rng, i == 2 ? 8 : 7, order[i], N);
    }
    assert_memory_equal(order[0], order[1], sizeof order[0]);
    assert_memory_not_equal(order[0], order[2], sizeof order[0]);
    rng_shuffle(&rng, 0, NULL, 0); /* no inputs: nothing to do, nothing touched */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_equal_the_published_vectors),
        cmocka_unit_test(many_blocks_at_once_are_the_single_ones),
        cmocka_unit_test(streams_and_seeds_are_independent),
        cmocka_unit_test(a_number_depends_on_its_counter_alone),
        cmocka_unit_test(uniforms_fill_the_unit_interval_evenly),
        cmocka_unit_test(normals_have_normal_moments),
        cmocka_unit_test(integers_below_n_stay_below_and_balance),
        cmocka_unit_test(shuffle_is_a_uniform_permutation),
        cmocka_unit_test(shuffles_repeat_by_name_and_differ_between_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
