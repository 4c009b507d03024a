/*
 * Conditions of --fail-if as they are written: all that is right is read as what it says, all else is
 * refused with its place, whatever the bytes. How they are decided is in test_compare.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/compare/condition.h"
#include "tests/fuzz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void every_measure_and_comparison_is_read(void **state) {
    (void)state;
    static const char *const signs[] = {"<", ">", "<=", ">="}, *const gaps[] = {"", " ", "\t "};
    for (int m = 0; m < N_MEASURES; m++)
        for (int batch = -1; batch < 3; batch++)
            for (int sign = 0; sign < 4; sign++)
                for (int gap = 0; gap < 3; gap++) {
                    char text[120], suffix[24] = "";
                    struct condition c;
                    struct error error = {0};
                    int size = batch < 0 ? -1 : batch == 0 ? 0 : batch == 1 ? 1 : 100000;
                    if (size >= 0) snprintf(suffix, sizeof suffix, "_batch_%d", size);
                    snprintf(text, sizeof text, "%s%s%s%s%s%s1.5e0%s", gaps[gap], measure_names[m],
                             suffix, gaps[gap], signs[sign], gaps[gap], gaps[gap]);
                    bool good = size < 0 || (size > 0 && m >= MEASURE_LATENCY);
                    assert_int_equal(condition_parse(text, &c, &error), good);
                    if (!good) continue;
                    assert_int_equal(c.measure, m);
                    assert_int_equal(c.batch_size, size);
                    assert_int_equal(c.above, sign % 2);
                    assert_int_equal(c.or_equal, sign / 2);
                    assert_true(c.bound == 1.5);
                }
}

static void what_is_wrong_is_named_with_its_column(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "column 1: expected a measure"},
        {"< 1", "column 1: expected a measure"},
        {"  latncy > 1", "column 3: unknown measure 'latncy', did you mean 'latency'?"},
        {"accuracy_batch_1 > 1", "column 1: unknown measure 'accuracy_batch_1'"},
        {"latency_batch_ > 1", "column 1: unknown measure"},
        {"latency_batch_0 > 1", "column 1: unknown measure"},
        {"latency_batch_12345678901 > 1", "column 1: unknown measure"},
        {"latency 1", "column 9: expected <, >, <= or >="},
        {"latency == 1", "column 9: expected <"},
        {"latency >", "column 10: expected a number"},
        {"latency > nan", "column 11: expected a number"},
        {"latency > inf", "column 11: expected a number"},
        {"latency > 1e999", "column 11: expected a number"},
        {"latency > 1.0.0", "column 11: expected a number"},
        {"latency > 10x", "column 13: expected nothing behind the number"},
        {"latency > -1", "column 11: a ratio B / A is above 0"},
        {"flops > 1 %", "column 11: expected nothing behind the number"},
        {"heads > 1 heads > 2", "column 11: expected nothing behind the number"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct condition c;
        struct error error = {0};
        assert_false(condition_parse(cases[i][0], &c, &error));
        if (!strstr(error.text, cases[i][1]))
            fail_msg("'%s' is not said of '%s': %s", cases[i][1], cases[i][0], error.text);
    }
}

static void any_bytes_are_read_or_refused(void **state) {
    (void)state;
    static const char good[] = "latency_batch_32 >= 1.05";
    static const char *const words[] = {"<",  ">=",  "accuracy", "_batch_",
                                        "-1", "1e9", " ",        "heads"};
    struct fuzz fuzz = {20261126};
    int accepted = 0;
    for (int i = 0; i < 50000; i++) {
        char text[128];
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text - 1);
        char *exact = malloc(size + 1); /* so that a sanitizer sees a read past the end */
        assert_non_null(exact);
        memcpy(exact, text, size);
        exact[size] = '\0';
        struct condition c;
        struct error error = {0};
        bool ok = condition_parse(exact, &c, &error);
        accepted += ok;
        assert_true(ok ? isfinite(c.bound) : error.text[0] != '\0');
        free(exact);
    }
    assert_in_range(accepted, 500, 45000); /* both ways are exercised */
}

/* Memory of one model, 1.5 times as much: what has no interval is not false either. */
static void what_has_no_interval_cannot_be_told(void **state) {
    (void)state;
    static const char *const texts[] = {"memory > 1.1", "memory < 1.1", "memory >= 2"};
    const struct interval none = {NAN, NAN, NAN, NAN};
    struct line line = {.workload = "",
                        .arm_b = "x",
                        .measure = MEASURE_MEMORY,
                        .ratio = true,
                        .estimate = 1.5,
                        .mean = log(1.5),
                        .low = NAN,
                        .high = NAN,
                        .interval = {none, none, none}};
    struct comparison comparison = {.line = &line, .n = 1};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct condition condition;
        struct error error = {0};
        struct text reasons = {0};
        enum condition_state is;
        assert_true(condition_parse(texts[i], &condition, &error));
        assert_true(condition_decide(&condition, &comparison, &is, &reasons, &error));
        assert_int_equal(is, CONDITION_UNKNOWN);
        assert_string_equal(reasons.data, "  x: memory 1.5, interval unknown\n");
        text_free(&reasons);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_measure_and_comparison_is_read),
        cmocka_unit_test(what_is_wrong_is_named_with_its_column),
        cmocka_unit_test(what_has_no_interval_cannot_be_told),
        cmocka_unit_test(any_bytes_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
