/*
 * Two sides compared: numbers worked out by hand, what is paired with what, how often noise is taken
 * for a difference and a planted difference is found, and that conditions of a build are decided by
 * what is sure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/compare/compare.h"
#include "harness/compare/condition.h"
#include "models/base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- made-up sides ---- */

/* A model: '1' for an input that it gets right, '0' for one that it does not. */
static void add_model(struct side *side, const char *arm, int64_t seed, const char *right) {
    struct error error = {0};
    struct answers *answers = outcomes_add_answers(&side->outcomes, &error);
    size_t n = strlen(right);
    assert_non_null(answers);
    *answers = (struct answers){.workload = strdup("w"),
                                .arm = strdup(arm),
                                .seed = seed,
                                .n = (int)n,
                                .label = calloc(n, sizeof(uint32_t)),
                                .right = malloc(n)};
    assert_true(answers->label && answers->right);
    for (size_t i = 0; i < n; i++) answers->right[i] = (int8_t)(right[i] - '0');
}

static struct measured *add_value(struct side *side, enum measure measure, int64_t seed,
                                  double value) {
    struct error error = {0};
    struct measured *measured = outcomes_add_measured(&side->outcomes, &error);
    assert_non_null(measured);
    *measured = (struct measured){.workload = strdup("w"),
                                  .arm = strdup(""),
                                  .seed = seed,
                                  .measure = measure,
                                  .value = value};
    return measured;
}

static void add_time(struct side *side, int64_t seed, const char *conditions, int n,
                     const double *block) {
    struct measured *time = add_value(side, MEASURE_LATENCY, seed, block[n / 2]);
    time->batch_size = 32;
    time->n_blocks = n;
    time->block = malloc((size_t)n * sizeof *block);
    assert_non_null(time->block);
    memcpy(time->block, block, (size_t)n * sizeof *block);
    time->conditions = strdup(conditions);
}

static void make_sides(struct side sides[2]) {
    sides[0] = (struct side){.text = "a", .predictions = true};
    sides[1] = (struct side){.text = "b", .predictions = true};
}

static void compare(struct side sides[2], double margin, struct comparison *out) {
    struct error error = {0};
    if (!compare_sides(sides, margin, out, &error)) fail_msg("%s", error.text);
}

static void release(struct side sides[2], struct comparison *comparison) {
    comparison_free(comparison);
    sides_free(sides);
}

static void assert_close(double value, double expected, double tolerance) {
    if (!(fabs(value - expected) <= tolerance)) fail_msg("%.12g is not %.12g", value, expected);
}

/* ---- by hand ---- */

/* B less A is the table of test_statistics.c: -1 -1 0 0, -1 -1 0 1, -1 0 0 0. */
static void add_small(struct side sides[2]) {
    static const char *const a[] = {"1111", "1110", "1110"}, *const b[] = {"0011", "0011", "0110"};
    for (int s = 0; s < 3; s++) {
        add_model(&sides[0], "", s, a[s]);
        add_model(&sides[1], "", s, b[s]);
    }
}

static void accuracies_have_the_numbers_worked_out_by_hand(void **state) {
    (void)state;
    static const int8_t table[] = {-1, -1, 0, 0, -1, -1, 0, 1, -1, 0, 0, 0};
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    add_small(sides);
    compare(sides, 1, &c);
    assert_int_equal(c.n, 1);
    const struct line *line = &c.line[0];
    struct difference d = statistics_compare(table, 3, 4, false);
    assert_int_equal(line->measure, MEASURE_ACCURACY);
    assert_int_equal(line->n_models, 3);
    assert_int_equal(line->n_inputs, 4);
    assert_close(line->a, 1000.0 / 12, 1e-12);
    assert_close(line->b, 600.0 / 12, 1e-12);
    assert_close(line->estimate, -100.0 / 3, 1e-12);
    assert_close(line->high - line->estimate, 100 * d.over_both.half95, 1e-12);
    assert_close(line->estimate - line->low, 100 * d.over_both.half95, 1e-12);
    assert_close(line->seeds_half, 100 * d.over_seeds.half95, 1e-12);
    assert_close(line->inputs_half, 100 * d.over_inputs.half95, 1e-12);
    assert_close(line->p, d.over_both.p, 0);
    assert_close(line->p_holm, d.over_both.p, 0); /* the only line */
    /* McNemar: 0 to 2, 1 to 2, 0 to 1: with so few answers 1/2, 1 and 1. */
    assert_int_equal(line->mcnemar[0].only_a, 2);
    assert_int_equal(line->mcnemar[1].only_a, 2);
    assert_int_equal(line->mcnemar[1].only_b, 1);
    assert_close(line->mcnemar[0].p, 0.5, 1e-12);
    assert_close(line->mcnemar[1].p, 1, 1e-12);
    /* Of the inputs two are A's more often, one is B's. */
    assert_int_equal(line->inputs_a, 2);
    assert_int_equal(line->inputs_b, 1);
    assert_close(line->inputs_p, 1, 1e-12);
    assert_non_null(strstr(line->verdict, "cannot tell: ±"));
    release(sides, &c);
}

/* Text of n inputs of which those from `from` up to `to` are wrong. */
static const char *all_but(char *out, int n, int from, int to) {
    for (int i = 0; i < n; i++) out[i] = i >= from && i < to ? '0' : '1';
    out[n] = '\0';
    return out;
}

/* B loses 0, 0 and 9 of 100 inputs: the interval over seeds, 2 degrees of freedom, is the most careful
 * one about being equal within 20 points. */
static void equality_has_to_hold_for_seeds_and_for_inputs_alone_too(void **state) {
    (void)state;
    static int8_t table[300];
    char right[101];
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    for (int i = 0; i < 9; i++) table[200 + i] = -1;
    for (int s = 0; s < 3; s++) {
        add_model(&sides[0], "", s, all_but(right, 100, 0, 0));
        add_model(&sides[1], "", s, all_but(right, 100, 0, s == 2 ? 9 : 0));
    }
    compare(sides, 20, &c);
    struct difference d = statistics_compare(table, 3, 100, false);
    double seeds = statistics_equal(&d.over_seeds, d.mean, 0.2);
    assert_true(seeds > statistics_equal(&d.over_both, d.mean, 0.2));
    assert_true(seeds > statistics_equal(&d.over_inputs, d.mean, 0.2));
    assert_close(c.line[0].p_equal, seeds, 1e-12);
    release(sides, &c);
}

/* Of 1000 inputs A alone gets 4 right and B alone 10: 0.6 points, ±0.8. Neither 0 nor 1 point is excluded.
 * The squares around the mean are 14 - 0.036, to which 2.5 pseudo inputs of full size come. */
static void a_difference_that_is_nearly_resolved_asks_for_what_would_settle_it(void **state) {
    (void)state;
    char right[1001];
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    add_model(&sides[0], "", 1, all_but(right, 1000, 0, 10));
    add_model(&sides[1], "", 1, all_but(right, 1000, 10, 14));
    compare(sides, 1, &c);
    assert_close(c.line[0].estimate, 0.6, 1e-12);
    int n = 1001;
    while (student_quantile(0.05, n - 1) * sqrt((13.964 / 999 + 2.5 / (n - 1)) / n) > 0.006) n++;
    assert_in_range(n, 1600, 1700);
    assert_close(c.line[0].inputs_needed, n, 0);
    assert_string_equal(c.line[0].verdict, "cannot tell: ±0.8 points; about 1,700 inputs would "
                                           "settle it if it stays so for these models");
    release(sides, &c);
}

/* What was counted of one model has no interval; an arm without any heads has 0 of them, not none. */
static void counts_of_one_model_are_exact(void **state) {
    (void)state;
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    add_value(&sides[0], MEASURE_HEADS, 1, 8);
    add_value(&sides[1], MEASURE_HEADS, 1, 0);
    add_value(&sides[0], MEASURE_FLOPS, 1, 100);
    add_value(&sides[1], MEASURE_FLOPS, 1, 150);
    compare(sides, 1, &c);
    assert_int_equal(c.n, 2);
    assert_close(c.line[0].estimate, -8, 0);
    assert_close(c.line[0].low, -8, 0);
    assert_true(isnan(c.line[0].p));
    assert_string_equal(c.line[0].verdict, "B runs fewer heads (one model)");
    assert_close(c.line[1].estimate, 1.5, 1e-12);
    assert_string_equal(c.line[1].verdict, "B executes more (one model)");
    release(sides, &c);
}

/* Ratios 1/2, 1/2, 1/8 of 3 seeds: logarithms to base 2 are -1 -1 -3, their mean -5/3, squares 8/3. */
static void ratios_are_means_of_logarithms(void **state) {
    (void)state;
    static const double b[] = {50, 50, 12.5};
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    for (int s = 0; s < 3; s++) {
        add_value(&sides[0], MEASURE_FLOPS, s, 100);
        add_value(&sides[1], MEASURE_FLOPS, s, b[s]);
        add_value(&sides[0], MEASURE_HEADS, s, 8);
        add_value(&sides[1], MEASURE_HEADS, s, 2);
    }
    compare(sides, 1, &c);
    assert_int_equal(c.n, 2);
    double half = 4.302652730 * sqrt(8.0 / 3 / 2 / 3);
    assert_close(c.line[1].estimate, pow(2, -5.0 / 3), 1e-12);
    assert_close(c.line[1].low, pow(2, -5.0 / 3 - half), 1e-9);
    assert_close(c.line[1].high, pow(2, -5.0 / 3 + half), 1e-9);
    assert_close(c.line[1].a, 100, 1e-12);
    assert_close(c.line[1].b, 37.5, 1e-12);
    assert_close(c.line[0].estimate, -6, 0); /* heads differ by the same for all seeds */
    assert_close(c.line[0].high, -6, 0);
    assert_string_equal(c.line[0].verdict, "B runs fewer heads");
    release(sides, &c);
}

static void times_of_one_model_have_the_interval_of_their_blocks_or_the_noise_floor(void **state) {
    (void)state;
    static const double a[] = {100, 101, 102, 100, 101}, b[] = {90, 91, 90, 92, 91};
    for (int floor = 0; floor < 2; floor++) {
        struct side sides[2];
        struct comparison c;
        make_sides(sides);
        add_time(&sides[0], 1, "x", 5, a);
        add_time(&sides[1], 1, "x", 5, b);
        sides[1].outcomes.measured[0].noise_floor = floor ? 0.25 : 0.001;
        compare(sides, 1, &c);
        double difference = 0, logs[2][5];
        for (int i = 0; i < 5; i++) {
            logs[0][i] = log(a[i]);
            logs[1][i] = log(b[i]);
        }
        struct interval welch = statistics_means(logs[0], 5, logs[1], 5, &difference);
        assert_close(c.line[0].estimate, exp(difference), 1e-12);
        assert_close(log(c.line[0].high) - difference, floor ? log(1.25) : welch.half95, 1e-9);
        assert_string_equal(c.line[0].verdict, floor ? "cannot tell" : "B is faster");
        release(sides, &c);
    }
}

/* ---- what is paired ---- */

static void times_of_one_database_are_compared_in_one_environment_alone(void **state) {
    (void)state;
    static const double block[] = {100, 101};
    for (int across = 0; across < 2; across++) {
        struct side sides[2];
        struct comparison c;
        make_sides(sides);
        sides[0].predictions = sides[1].predictions = false;
        strcpy(sides[0].arm, "x");
        strcpy(sides[1].arm, "x");
        if (across) strcpy(sides[1].where, "server");
        add_small(sides);
        add_time(&sides[0], 1, "here", 2, block);
        add_time(&sides[1], 1, "there", 2, block);
        compare(sides, 1, &c);
        assert_int_equal(c.n, across ? 2 : 1);
        assert_non_null(strstr(c.notes.data, across ? "times are of different environments"
                                                    : "not taken in the same environment"));
        release(sides, &c);
    }
}

static void a_time_of_nowhere_is_not_compared(void **state) {
    (void)state;
    static const double block[] = {100, 101};
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    add_small(sides);
    add_time(&sides[0], 1, "x", 2, block);
    add_time(&sides[1], 1, "x", 2, block);
    free(sides[1].outcomes.measured[0].conditions);
    sides[1].outcomes.measured[0].conditions = NULL;
    compare(sides, 1, &c);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.notes.data, "w: it is not known where times were taken\n");
    release(sides, &c);
}

static void a_doubtful_time_is_not_compared(void **state) {
    (void)state;
    static const double block[] = {100, 101};
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    add_small(sides);
    add_time(&sides[0], 1, "x", 2, block);
    add_time(&sides[1], 1, "x", 2, block);
    sides[1].outcomes.measured[0].doubtful = true;
    compare(sides, 1, &c);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.notes.data, "w: B was timed with a warning\n");
    release(sides, &c);
}

static void models_are_paired_by_seed_or_in_order_where_none_is_common(void **state) {
    (void)state;
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    add_model(&sides[0], "", 1, "1111");
    add_model(&sides[0], "", 2, "1110");
    add_model(&sides[1], "", 2, "0110");
    add_model(&sides[1], "", 3, "0000");
    compare(sides, 1, &c);
    assert_int_equal(c.line[0].n_models, 1);
    assert_int_equal(c.line[0].mcnemar[0].seed_a, 2);
    assert_close(c.line[0].estimate, -25, 1e-12);
    assert_string_equal(c.line[0].covers, "other inputs, not other seeds");
    assert_true(isnan(c.line[0].seeds_needed));
    assert_non_null(strstr(c.notes.data, "1 of 2 and 2 models are paired"));
    comparison_free(&c);
    sides[1].outcomes.answers[0].seed = 7;
    sides[1].outcomes.answers[1].seed = 8;
    compare(sides, 1, &c);
    assert_int_equal(c.line[0].n_models, 2);
    assert_int_equal(c.line[0].mcnemar[1].seed_a, 2);
    assert_int_equal(c.line[0].mcnemar[1].seed_b, 8);
    assert_non_null(strstr(c.notes.data, "no seed in common"));
    release(sides, &c);
}

/* Seed 2 alone is common: the second of A, the first of B. */
static void means_are_of_the_models_that_are_paired(void **state) {
    (void)state;
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    add_value(&sides[0], MEASURE_HEADS, 1, 8);
    add_value(&sides[0], MEASURE_HEADS, 2, 4);
    add_value(&sides[1], MEASURE_HEADS, 2, 3);
    add_value(&sides[1], MEASURE_HEADS, 3, 1);
    compare(sides, 1, &c);
    assert_int_equal(c.line[0].n_models, 1);
    assert_close(c.line[0].a, 4, 0);
    assert_close(c.line[0].b, 3, 0);
    assert_close(c.line[0].estimate, -1, 0);
    release(sides, &c);
}

static void rename_workload(struct side *side, size_t i, const char *workload) {
    free(side->outcomes.answers[i].workload);
    side->outcomes.answers[i].workload = strdup(workload);
}

/* A file without names of workloads is about one, whichever the other side has. */
static void a_side_without_workloads_is_compared_with_one(void **state) {
    (void)state;
    struct side sides[2];
    struct comparison c;
    struct error error = {0};
    make_sides(sides);
    add_model(&sides[0], "", 1, "0011");
    rename_workload(&sides[0], 0, "");
    add_model(&sides[1], "", 1, "0001");
    add_model(&sides[1], "", 1, "0111");
    rename_workload(&sides[1], 1, "v");
    assert_false(compare_sides(sides, 1, &c, &error));
    assert_non_null(strstr(error.text, "choose one with --workload"));
    comparison_free(&c);
    strcpy(sides[1].workload, "v");
    compare(sides, 1, &c);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.line[0].workload, "v");
    assert_close(c.line[0].estimate, 25, 1e-12);
    release(sides, &c);
}

static void other_data_are_not_paired(void **state) {
    (void)state;
    struct side sides[2];
    struct comparison c;
    struct error error = {0};
    make_sides(sides);
    add_small(sides);
    for (size_t i = 0; i < 3; i++) strcpy(sides[1].outcomes.answers[i].data, "other");
    assert_false(compare_sides(sides, 1, &c, &error));
    assert_non_null(strstr(error.text, "not tested on the same inputs"));
    comparison_free(&c);
    /* Every seed its own: nested, as long as both sides have it. */
    for (size_t i = 0; i < 3; i++) {
        snprintf(sides[0].outcomes.answers[i].data, 65, "data %zu", i);
        snprintf(sides[1].outcomes.answers[i].data, 65, "data %zu", i);
    }
    compare(sides, 1, &c);
    assert_true(isnan(c.line[0].seeds_half));
    assert_true(isnan(c.line[0].inputs_p));
    comparison_free(&c);
    sides[0].outcomes.answers[1].data[0] = '\0';
    sides[1].outcomes.answers[1].data[0] = '\0';
    sides[1].outcomes.answers[2].label[3] = 5; /* nested: nothing is known of labels */
    compare(sides, 1, &c);
    release(sides, &c);
}

/* Names of its inputs, from 0. */
static void name_inputs(struct answers *answers) {
    answers->id = calloc((size_t)answers->n, sizeof *answers->id);
    assert_non_null(answers->id);
    for (int i = 0; i < answers->n; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        answers->id[i] = strdup(name);
    }
}

static void inputs_that_all_models_answered_are_compared_if_they_are_the_same(void **state) {
    (void)state;
    struct side sides[2];
    struct comparison c;
    struct error error = {0};
    make_sides(sides);
    add_model(&sides[0], "", 1, "111");
    add_model(&sides[1], "", 1, "01011");
    for (int s = 0; s < 2; s++) name_inputs(&sides[s].outcomes.answers[0]);
    compare(sides, 1, &c);
    assert_int_equal(c.line[0].n_inputs, 3);
    assert_close(c.line[0].estimate, -200.0 / 3, 1e-12);
    assert_string_equal(c.notes.data,
                        "w: 3 of 5 inputs are compared: those that all models answered\n");
    comparison_free(&c);
    for (int s = 0; s < 2; s++) { /* another label on either side */
        sides[s].outcomes.answers[0].label[2] = 7;
        assert_false(compare_sides(sides, 1, &c, &error));
        assert_non_null(strstr(error.text, "input '2' has one label in A and another in B"));
        comparison_free(&c);
        sides[s].outcomes.answers[0].label[2] = 0;
    }
    sides_free(sides);
}

static void arms_find_their_namesakes_and_the_rest_is_named(void **state) {
    (void)state;
    struct side sides[2];
    struct comparison c;
    make_sides(sides);
    sides[0].predictions = sides[1].predictions = false;
    add_model(&sides[0], "x", 1, "0011");
    add_model(&sides[0], "y", 1, "0011");
    add_model(&sides[1], "z", 1, "0011");
    add_model(&sides[1], "x", 1, "0001");
    compare(sides, 1, &c);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.line[0].arm_b, "x");
    assert_close(c.line[0].estimate, -25, 1e-12);
    assert_string_equal(c.notes.data, "only in A: w/y\nonly in B: w/z\n");
    release(sides, &c);
}

/* ---- noise, and what is not ---- */

enum { SEEDS = 5, INPUTS = 2000, REPEATS = 100 };

/* Models of one arm: inputs are hard or easy for all models of both, and each seed has its luck. */
static void draw(struct side *side, const struct rng *rng, const double ease[INPUTS],
                 uint64_t first_seed, double skill) {
    for (uint64_t s = first_seed; s < first_seed + SEEDS; s++) {
        char right[INPUTS + 1];
        double luck = 0.03 * rng_normal(rng, 1, s);
        for (uint64_t i = 0; i < INPUTS; i++) {
            double chance = rng_normal(rng, 3 + s, i);
            right[i] = chance < skill + ease[i] + luck ? '1' : '0';
        }
        right[INPUTS] = '\0';
        add_model(side, "", (int64_t)s, right);
    }
}

/* How often B is said to be better, [0], and A, [1]. */
static void count_verdicts(double skill, int n[2]) {
    n[0] = n[1] = 0;
    for (uint64_t r = 0; r < REPEATS; r++) {
        struct side sides[2];
        struct comparison c;
        struct rng rng = rng_stream(17 + r, RNG_GENERATOR);
        double ease[INPUTS];
        for (uint64_t i = 0; i < INPUTS; i++) ease[i] = 1.5 * rng_normal(&rng, 2, i);
        make_sides(sides);
        draw(&sides[0], &rng, ease, 0, 2);
        draw(&sides[1], &rng, ease, SEEDS, skill);
        compare(sides, 1, &c);
        n[0] += strncmp(c.line[0].verdict, "B is better", 11) == 0;
        n[1] += strncmp(c.line[0].verdict, "A is better", 11) == 0;
        release(sides, &c);
    }
}

/* The same arm with other seeds: a difference is claimed in at most 5% of the cases. An arm with a skill
 * of 1.84 is right 2 points less often, 84.6% (2 / sqrt(1 + 1.5^2) and so on): that is found in most. */
static void noise_is_not_taken_for_a_difference_and_two_points_are_found(void **state) {
    (void)state;
    int noise[2], planted[2];
    count_verdicts(2, noise);
    count_verdicts(1.84, planted);
    printf("of %d: noise taken for a difference %d times, 2 points found %d times\n", REPEATS,
           noise[0] + noise[1], planted[1]);
    assert_in_range(noise[0] + noise[1], 0, REPEATS / 20);
    assert_in_range(planted[1], REPEATS * 9 / 10, REPEATS);
    assert_int_equal(planted[0], 0);
}

/* ---- conditions ---- */

static void decide(const struct comparison *c, const char *text, enum condition_state expected) {
    struct condition condition;
    struct error error = {0};
    struct text reasons = {0};
    enum condition_state is;
    if (!condition_parse(text, &condition, &error)) fail_msg("%s", error.text);
    assert_true(condition_decide(&condition, c, &is, &reasons, &error));
    if (is != expected) fail_msg("'%s' is %d, not %d: %s", text, is, expected, reasons.data);
    assert_true((reasons.data != NULL) == (expected != CONDITION_FALSE));
    text_free(&reasons);
}

/* An interval from 1.02 to 1.10 of a ratio, and one of points from -3 to -1. */
static void a_condition_holds_only_where_the_interval_excludes_that_it_does_not(void **state) {
    (void)state;
    struct line lines[3] = {
        {.workload = "", .arm_b = "x", .measure = MEASURE_LATENCY, .batch_size = 32, .ratio = true},
        {.workload = "", .arm_b = "x", .measure = MEASURE_ACCURACY},
        {.workload = "", .arm_b = "x", .measure = MEASURE_HEADS, .exact = true, .estimate = -2}};
    struct comparison c = {.line = lines, .n = 3};
    const struct interval none = {NAN, NAN, NAN, NAN};
    double ends[2][2] = {{log(1.02), log(1.10)}, {-3, -1}};
    for (int i = 0; i < 2; i++) {
        double half = 0.5 * (ends[i][1] - ends[i][0]);
        lines[i].mean = 0.5 * (ends[i][0] + ends[i][1]);
        lines[i].interval[0] = (struct interval){
            half, half * student_quantile(0.10, 8) / student_quantile(0.05, 8), 8, 0.01};
        lines[i].interval[1] = lines[i].interval[2] = none;
    }
    decide(&c, "latency > 1.019", CONDITION_TRUE);
    decide(&c, "latency > 1.021", CONDITION_UNKNOWN);
    decide(&c, "latency > 1.099", CONDITION_UNKNOWN);
    decide(&c, "latency > 1.101", CONDITION_FALSE);
    decide(&c, "latency < 1.101", CONDITION_TRUE);
    decide(&c, "latency < 1.05", CONDITION_UNKNOWN);
    decide(&c, "latency < 1.019", CONDITION_FALSE);
    decide(&c, "latency_batch_32 > 1.01", CONDITION_TRUE);
    decide(&c, "latency_batch_1 > 1.01", CONDITION_UNKNOWN); /* nothing of that */
    decide(&c, "accuracy < -0.99", CONDITION_TRUE);
    decide(&c, "accuracy < -1.01", CONDITION_UNKNOWN);
    decide(&c, "accuracy < -3.01", CONDITION_FALSE);
    decide(&c, "accuracy > -3.01", CONDITION_TRUE);
    decide(&c, "heads < -2", CONDITION_FALSE);
    decide(&c, "heads <= -2", CONDITION_TRUE);
    decide(&c, "heads > -2", CONDITION_FALSE);
    decide(&c, "heads >= -2", CONDITION_TRUE);
    decide(&c, "flops > 1", CONDITION_UNKNOWN);
    /* Two lines of a measure: Holm asks for more. */
    lines[2] = lines[0];
    decide(&c, "latency > 1.019", CONDITION_UNKNOWN);
    decide(&c, "latency > 1.005", CONDITION_TRUE);
    decide(&c, "latency > 1.101", CONDITION_FALSE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accuracies_have_the_numbers_worked_out_by_hand),
        cmocka_unit_test(equality_has_to_hold_for_seeds_and_for_inputs_alone_too),
        cmocka_unit_test(a_difference_that_is_nearly_resolved_asks_for_what_would_settle_it),
        cmocka_unit_test(counts_of_one_model_are_exact),
        cmocka_unit_test(ratios_are_means_of_logarithms),
        cmocka_unit_test(times_of_one_model_have_the_interval_of_their_blocks_or_the_noise_floor),
        cmocka_unit_test(times_of_one_database_are_compared_in_one_environment_alone),
        cmocka_unit_test(a_time_of_nowhere_is_not_compared),
        cmocka_unit_test(a_doubtful_time_is_not_compared),
        cmocka_unit_test(models_are_paired_by_seed_or_in_order_where_none_is_common),
        cmocka_unit_test(means_are_of_the_models_that_are_paired),
        cmocka_unit_test(a_side_without_workloads_is_compared_with_one),
        cmocka_unit_test(other_data_are_not_paired),
        cmocka_unit_test(inputs_that_all_models_answered_are_compared_if_they_are_the_same),
        cmocka_unit_test(arms_find_their_namesakes_and_the_rest_is_named),
        cmocka_unit_test(noise_is_not_taken_for_a_difference_and_two_points_are_found),
        cmocka_unit_test(a_condition_holds_only_where_the_interval_excludes_that_it_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
