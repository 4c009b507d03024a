/*
 * Choosing inputs from a split: largest remainders, taken one after the other as they are defined,
 * and a shuffle of each class alone. With as many classes as inputs it takes no longer.
 */
#include "models/base/rng.h"
#include "workloads/data/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { N = 200, CLASSES = 9, MANY = 400000 };

/* n inputs of one token; input i has class label(i). */
static struct split make(int n, int (*label)(int)) {
    struct split split;
    struct error error;
    assert_true(split_new(n, (size_t)n, false, &split, &error));
    for (int i = 0; i < n; i++) split_add(&split, (const int32_t[]){0}, 1, label(i), 0, NULL);
    return split;
}

static int uneven(int i) {
    return i * i % 31 % (CLASSES - 1); /* the last class has none */
}

/* The next unserved class with the largest remainder, as long as inputs are missing. */
static void divide(const int *count, int want, int *quota) {
    int left = want;
    bool served[CLASSES] = {false};
    for (int c = 0; c < CLASSES; c++) left -= quota[c] = count[c] * want / N;
    for (; left > 0; left--) {
        int best = -1;
        for (int c = 0; c < CLASSES; c++)
            if (!served[c] && (best < 0 || count[c] * want % N > count[best] * want % N)) best = c;
        served[best] = true;
        quota[best]++;
    }
}

static void quotas_and_choices_are_as_they_are_defined(void **state) {
    (void)state;
    struct split split = make(N, uneven);
    struct error error;
    int count[CLASSES] = {0};
    for (int i = 0; i < N; i++) count[uneven(i)]++;
    for (int want = 0; want <= N; want++) {
        bool chosen[N], expected[N] = {false};
        int quota[CLASSES];
        assert_true(split_choose(&split, CLASSES, want, 7, SPLIT_TEST, chosen, &error));
        divide(count, want, quota);
        struct rng rng = rng_stream(7, RNG_SPLIT);
        for (int c = 0; c < CLASSES; c++) {
            int32_t member[N];
            size_t n = 0;
            for (int i = 0; i < N; i++)
                if (uneven(i) == c) member[n++] = i;
            rng_shuffle(&rng, (uint64_t)SPLIT_TEST << 32 | (uint64_t)c, member, n);
            for (int i = 0; i < quota[c]; i++) expected[member[i]] = true;
        }
        assert_memory_equal(chosen, expected, sizeof chosen);
    }
    split_free(&split);
}

static int own(int i) {
    return i;
}

/* Quadratic time would be minutes. */
static void every_input_may_be_a_class(void **state) {
    (void)state;
    struct split split = make(MANY, own);
    struct error error;
    bool *chosen = malloc(MANY * sizeof *chosen);
    int n = 0;
    assert_non_null(chosen);
    assert_true(split_choose(&split, MANY, MANY / 4, 1, SPLIT_TEST, chosen, &error));
    for (int i = 0; i < MANY; i++) n += chosen[i];
    assert_int_equal(n, MANY / 4);
    assert_true(chosen[0] && chosen[MANY / 4 - 1]); /* of equal remainders the first */
    free(chosen);
    split_free(&split);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotas_and_choices_are_as_they_are_defined),
        cmocka_unit_test(every_input_may_be_a_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
