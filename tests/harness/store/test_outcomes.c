/*
 * What trained models answered and took, as it is read from a database: the current results or those
 * of a revision or machine, single models in the order of arms and seeds, and medians of blocks.
 */
#include "harness/store/outcomes.h"
#include "tests/harness/store/store_fixture.h"

static const double TWO[] = {0.5, 0.5};

static void read_all(struct fixture *f, const char *workload, const char *arm, const char *where,
                     struct outcomes *out) {
    *out = (struct outcomes){0};
    OK(f, outcomes_read(f->store, workload, arm, where, out, &f->error));
}

static void models_stand_by_arm_and_seed_with_what_they_took(void **state) {
    struct fixture *f = *state;
    struct outcomes out;
    int64_t w = one_workload(f, "w"), v = one_workload(f, "v");
    train(f, w, "z", "fixed", ALL, 2, TWO, 1);
    train(f, v, "z", "fixed", ONE, 1, TWO, 1);
    train(f, w, "a", "budgetformer", MIXED, 2, TWO, 2);
    read_all(f, NULL, NULL, NULL, &out);
    static const char *const names[] = {"w/z/0",          "w/z/1",          "w/a/0", "w/a/1",
                                        "w/a (static)/0", "w/a (static)/1", "v/z/0"};
    assert_int_equal(out.n_answers, 7);
    for (size_t i = 0; i < out.n_answers; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%s/%d", out.answers[i].workload, out.answers[i].arm,
                 (int)out.answers[i].seed);
        assert_string_equal(name, names[i]);
        assert_int_equal(out.answers[i].n, INPUTS);
        assert_memory_equal(out.answers[i].right, "\1\0\1\0", 4); /* labels 0 1 0 1, all said 0 */
        assert_int_equal(out.answers[i].label[1], outcomes_label("1"));
    }
    assert_int_equal(out.n_measured, 14);
    assert_int_equal(out.measured[0].measure, MEASURE_HEADS);
    assert_near(out.measured[0].value, 8);
    assert_int_equal(out.measured[1].measure, MEASURE_FLOPS);
    assert_near(out.measured[1].value, 2000); /* 8000 of 4 inputs */
    outcomes_free(&out);
    read_all(f, "w", "a (static)", NULL, &out);
    assert_int_equal(out.n_answers, 2);
    outcomes_free(&out);
    read_all(f, "w", "none", NULL, &out);
    assert_int_equal(out.n_answers + out.n_measured, 0);
    outcomes_free(&out);
}

static void times_are_medians_of_blocks_and_doubtful_with_a_warning(void **state) {
    struct fixture *f = *state;
    struct outcomes out;
    double samples[] = {5, 1, 3, 20, 40, 30, 10};
    int64_t w = one_workload(f, "w");
    train(f, w, "a", "fixed", ALL, 1, TWO, 1);
    int64_t id = profile(f, w, "a", "fixed", samples, 7, 2000, environment(f, "{\"cpu\":\"x\"}"));
    assert_int_equal(raw_sql(f->path,
                             "UPDATE profile_sample SET block = sample / 3;"
                             "INSERT INTO memory (trial_id, what, bytes, reason) SELECT id,"
                             " 'peak resident, forward, batch 32', 4096, '' FROM trial"
                             " WHERE kind = 'profile'"),
                     SQLITE_OK);
    for (int pass = 0; pass < 2; pass++) {
        if (pass) OK(f, store_warning(f->store, id, "busy", &f->error));
        read_all(f, NULL, NULL, NULL, &out);
        assert_int_equal(out.n_measured, 4);
        const struct measured *time = &out.measured[2], *memory = &out.measured[3];
        assert_int_equal(time->measure, MEASURE_LATENCY);
        assert_int_equal(time->batch_size, 32);
        assert_near(time->value, 10);
        assert_int_equal(time->n_blocks, 3);
        assert_near(time->block[0], 3);
        assert_near(time->block[1], 30);
        assert_near(time->block[2], 10);
        assert_string_equal(time->conditions, "{\"cpu\":\"x\"}");
        assert_int_equal(time->doubtful, pass);
        assert_near(time->noise_floor, 0);
        assert_int_equal(memory->measure, MEASURE_MEMORY);
        assert_int_equal(memory->batch_size, 32);
        assert_near(memory->value, 4096);
        outcomes_free(&out);
    }
}

/* The weights that validation kept, on the test split; a model without layers runs no heads. */
static void other_weights_and_splits_do_not_count(void **state) {
    struct fixture *f = *state;
    struct outcomes out;
    train(f, one_workload(f, "w"), "a", "fixed", ALL, 1, TWO, 1);
    assert_int_equal(
        raw_sql(f->path,
                "CREATE TEMP TABLE other AS SELECT * FROM evaluation;"
                "UPDATE other SET id = 8, weights = 'final', mean_heads = 2;"
                "INSERT INTO evaluation SELECT * FROM other;"
                "UPDATE other SET id = 9, weights = 'best', split = 'validation';"
                "INSERT INTO evaluation SELECT * FROM other;"
                "UPDATE evaluation SET layers = 0, mean_heads = NULL WHERE id NOT IN (8, 9)"),
        SQLITE_OK);
    read_all(f, NULL, NULL, NULL, &out);
    assert_int_equal(out.n_answers, 1);
    assert_int_equal(out.answers[0].n, INPUTS);
    assert_int_equal(out.n_measured, 2);
    assert_near(out.measured[0].value, 0);
    outcomes_free(&out);
}

/* Two arms were timed twice in two blocks each, ratios 1 and 1, 1.1 and 1.1: the larger floor is that of
 * all. Models stand by seed, in whatever order they were timed. */
static void times_have_the_larger_noise_floor_and_stand_by_seed(void **state) {
    struct fixture *f = *state;
    struct outcomes out;
    static const char *const arms[] = {"quiet", "quiet again", "loud", "loud again"};
    double samples[][2] = {{100, 100}, {100, 100}, {200, 200}, {220, 220}};
    int64_t w = one_workload(f, "w"), here = environment(f, "{}");
    for (int i = 0; i < 4; i++) {
        train(f, w, arms[i], "fixed", ALL, 1, TWO, 1);
        profile(f, w, arms[i], "fixed", samples[i], 2, 2000, here);
    }
    assert_int_equal(
        raw_sql(
            f->path,
            "UPDATE profile_sample SET block = sample;"
            "UPDATE trial SET kind = 'again', base_trial_id = (SELECT b.base_trial_id FROM trial b"
            " WHERE b.kind = 'profile' AND trial.arm = b.arm || ' again')"
            " WHERE kind = 'profile' AND arm GLOB '* again';"
            "UPDATE trial SET arm = 'one', seed = arm = 'quiet' WHERE kind = 'profile'"),
        SQLITE_OK);
    read_all(f, "w", "one", NULL, &out);
    assert_int_equal(out.n_measured, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(out.measured[i].seed, i);
        assert_near(out.measured[i].value, i ? 100 : 200);
        assert_near(out.measured[i].noise_floor, 0.1);
    }
    outcomes_free(&out);
}

/* One revision made seed 0 twice, and another made it last. */
static void of_several_by_one_revision_the_latest_counts(void **state) {
    struct fixture *f = *state;
    struct outcomes out;
    static const char *const set_aside[] = {"environment_id = 1, current = 0, key = key || '.1'",
                                            "environment_id = 1, current = 0, key = key || '.2'",
                                            "environment_id = 2"};
    static const int *const heads[] = {ALL, ONE, MIXED};
    int64_t w = one_workload(f, "w");
    environment(f, "{\"git_revision\":\"abc\"}");
    environment(f, "{\"git_revision\":\"def\"}");
    for (int i = 0; i < 3; i++) {
        char sql[128];
        train(f, w, "a", "fixed", heads[i], 1, TWO, 1);
        snprintf(sql, sizeof sql, "UPDATE trial SET %s WHERE current = 1", set_aside[i]);
        assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    }
    read_all(f, NULL, NULL, "abc", &out);
    assert_int_equal(out.n_answers, 1);
    assert_near(out.measured[0].value, 1);
    outcomes_free(&out);
}

/* Seed 0 was made again by another revision, seed 1 was not. A trial of an edited file does not
 * count. */
static void a_revision_has_what_it_made_of_what_is_planned(void **state) {
    struct fixture *f = *state;
    struct outcomes out;
    int64_t w = one_workload(f, "w");
    train(f, w, "a", "fixed", ALL, 2, TWO, 1);
    environment(f, "{\"git_revision\":\"abc123\",\"git_dirty\":0}");
    environment(f, "{\"git_revision\":\"abd456\",\"git_dirty\":1}");
    assert_int_equal(raw_sql(f->path,
                             "UPDATE environment SET machine = 'laptop' WHERE id = 2;"
                             "UPDATE trial SET environment_id = 1;"
                             "UPDATE trial SET current = 0, key = key || '.1' WHERE seed = 0;"),
                     SQLITE_OK);
    train(f, w, "a", "fixed", ONE, 1, TWO, 1);
    assert_int_equal(
        raw_sql(f->path, "UPDATE trial SET environment_id = 2 WHERE seed = 0 AND current = 1"),
        SQLITE_OK);
    static const struct {
        const char *where;
        int n;
        double heads; /* of seed 0 */
    } cases[] = {{NULL, 2, 1},  {"abc", 2, 8},     {"abd456-dirty", 1, 1},
                 {"lap", 1, 1}, {"machine", 2, 8}, {"bc", 0, 0},
                 {"%", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        read_all(f, NULL, NULL, cases[i].where, &out);
        assert_int_equal(out.n_answers, cases[i].n);
        if (cases[i].n > 0) assert_near(out.measured[0].value, cases[i].heads);
        outcomes_free(&out);
    }
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET current = 0 WHERE seed = 0"), SQLITE_OK);
    read_all(f, NULL, NULL, "abc", &out);
    assert_int_equal(out.n_answers, 1);
    outcomes_free(&out);
    OK(f, !outcomes_explain_none(f->store, NULL, NULL, "abx", &f->error));
    assert_non_null(strstr(f->error.text, "abc123 (machine)"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(models_stand_by_arm_and_seed_with_what_they_took),
        TEST(times_are_medians_of_blocks_and_doubtful_with_a_warning),
        TEST(other_weights_and_splits_do_not_count),
        TEST(times_have_the_larger_noise_floor_and_stand_by_seed),
        TEST(of_several_by_one_revision_the_latest_counts),
        TEST(a_revision_has_what_it_made_of_what_is_planned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
