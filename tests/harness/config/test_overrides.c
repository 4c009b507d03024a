/*
 * Overrides of the command line: what they change is what a file that says so would have, whatever
 * is wrong with them is told with the option's name, and the file's own rules hold.
 */
#include "harness/config/experiment.h"
#include "tests/harness/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static const char base[] = "model: {layers: 1, dim: 16, heads: 4}\n"
                           "train: {epochs: 2, batch: 16}\n";
static const char file[] = "extends: base.yaml\n"
                           "workload: small\n"
                           "data: {source: topic}\n"
                           "arms:\n"
                           "  - {arm: all, policy: fixed, heads: 4}\n"
                           "  - {arm: ours-0.1, policy: budgetformer, cost: 0.1}\n"
                           "  - {arm: ours-0.1.5, policy: budgetformer, cost: 0.2}\n"
                           "  - {arm: c=1, policy: budgetformer, cost: 1}\n"
                           "  - {arm: ours-0, policy: budgetformer, cost: 0.3}\n"
                           "full: {train: {epochs: 9}}\n";

struct fixture {
    struct scratch scratch;
    char path[256];
    struct experiment e;
    struct overrides overrides;
    struct error error;
};

static int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f || !scratch_make(&f->scratch) || !scratch_write(&f->scratch, "base.yaml", base) ||
        !scratch_write(&f->scratch, "small.yaml", file))
        return -1;
    scratch_path(&f->scratch, "small.yaml", f->path, sizeof f->path);
    return 0;
}

static int remove_fixture(void **state) {
    struct fixture *f = *state;
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static bool read_with(struct fixture *f, bool full, const char *set) {
    f->overrides.n_set = 0;
    return overrides_add(&f->overrides, set, &f->error) &&
           experiment_read_tree(f->path, full, &f->overrides, &f->e, NULL, &f->error);
}

static void must_read(struct fixture *f, bool full, const char *set) {
    if (!read_with(f, full, set)) fail_msg("%s: %s", set, f->error.text);
}

/* What is said of an override, without the file's name in front of it. */
static void refused(struct fixture *f, const char *set, const char *said) {
    char text[1400], wanted[1400];
    if (read_with(f, false, set)) fail_msg("%s was accepted", set);
    error_format(&f->error, text, sizeof text);
    snprintf(wanted, sizeof wanted, "%s: %s", f->path, said);
    assert_string_equal(text, wanted);
}

static const struct arm *arm(const struct fixture *f, int i) {
    return &f->e.arms[i];
}

static void setting_is_above_the_file_what_it_extends_and_full(void **state) {
    struct fixture *f = *state;
    must_read(f, false, "train.epochs=3");
    assert_int_equal(f->e.train.epochs, 3);
    assert_int_equal(f->e.train.batch, 16);
    must_read(f, true, "train.epochs=3");
    assert_int_equal(f->e.train.epochs, 3);
    must_read(f, true, "profile.seeds=0"); /* a section that no file has */
    assert_int_equal(f->e.profile.seeds, 0);
    assert_int_equal(f->e.train.epochs, 9);
    must_read(f, false, "train={epochs: 4, batch: 8}");
    assert_int_equal(f->e.train.epochs, 4);
    assert_int_equal(f->e.train.batch, 8);
    must_read(f, false, "workload=other");
    assert_string_equal(f->e.name, "other");
}

static void the_last_of_two_settings_wins(void **state) {
    struct fixture *f = *state;
    assert_true(overrides_add(&f->overrides, "train.epochs=3", &f->error));
    assert_true(overrides_add(&f->overrides, "train.epochs=5", &f->error));
    assert_true(experiment_read_tree(f->path, false, &f->overrides, &f->e, NULL, &f->error));
    assert_int_equal(f->e.train.epochs, 5);
}

/* The key of a trial is made from this text. */
static void trial_is_that_of_a_file_that_says_so(void **state) {
    struct fixture *f = *state;
    struct text set = {0}, written = {0};
    must_read(f, false, "train.epochs=3");
    experiment_write_trial_json(&f->e, arm(f, 1), 1, true, &set);
    assert_true(scratch_write(&f->scratch, "base.yaml",
                              "model: {layers: 1, dim: 16, heads: 4}\n"
                              "train: {epochs: 3, batch: 16}\n"));
    assert_true(experiment_read(f->path, false, &f->e, &f->error));
    experiment_write_trial_json(&f->e, arm(f, 1), 1, true, &written);
    assert_string_equal(set.data, written.data);
    text_free(&set);
    text_free(&written);
}

static void one_arm_is_found_by_its_name_whatever_is_in_it(void **state) {
    struct fixture *f = *state;
    struct text text = {0};
    must_read(f, false, "arms.ours-0.1.cost=0.7");
    experiment_write_trial_json(&f->e, arm(f, 1), 1, false, &text);
    assert_non_null(strstr(text.data, "\"cost\":0.7"));
    text_free(&text);
    experiment_write_trial_json(&f->e, arm(f, 2), 1, false, &text);
    assert_non_null(strstr(text.data, "\"cost\":0.2"));
    text_free(&text);
    must_read(f, false, "arms.ours-0.1.5.cost=0.7");
    experiment_write_trial_json(&f->e, arm(f, 2), 1, false, &text);
    assert_non_null(strstr(text.data, "\"cost\":0.7"));
    text_free(&text);
    must_read(f, false, "arms.ours-0.cost=0.7");
    experiment_write_trial_json(&f->e, arm(f, 4), 1, false, &text);
    assert_non_null(strstr(text.data, "\"cost\":0.7"));
    text_free(&text);
    must_read(f, false, "arms.c=1.cost=0.7");
    experiment_write_trial_json(&f->e, arm(f, 3), 1, false, &text);
    assert_non_null(strstr(text.data, "\"cost\":0.7"));
    text_free(&text);
    must_read(f, false, "arms=[{arm: one, policy: none}]");
    assert_int_equal(f->e.n_arms, 1);
}

static void null_gives_a_setting_its_default_again(void **state) {
    struct fixture *f = *state;
    struct train_config train;
    options_default(&train_options, &train);
    must_read(f, false, "train.epochs=~");
    assert_int_equal(f->e.train.epochs, train.epochs);
    refused(f, "train.epoch=~",
            "--set train.epoch: ~ removes an inherited key, and no 'epoch' is inherited; did you "
            "mean 'epochs'?");
}

static void mistakes_are_told_with_the_option(void **state) {
    struct fixture *f = *state;
    refused(f, "train.epoch=3",
            "--set train.epoch: unknown key 'epoch' in train; did you mean 'epochs'?");
    refused(f, "trian.epochs=3",
            "--set trian.epochs: unknown key 'trian' in workload file; did you mean 'train'?");
    refused(f, "train.epochs=many",
            "--set train.epochs: epochs in train is 'many'; it must be a whole number between 1 "
            "and 10000");
    refused(f, "train.epochs.x=3",
            "--set train.epochs.x: 'epochs' is a value and has no settings below it");
    refused(f, "arms.al.heads=3", "--set arms.al.heads: no arm 'al'; did you mean 'all'?");
    refused(f, "arms.nobody.heads=3", "--set arms.nobody.heads: no arm 'nobody'");
    refused(f, "arms.all=3", "--set arms.all: which setting of the arm? --set arms.all.KEY=VALUE");
    refused(f, "arms.c=1.cost", "--set arms.c=1.cost: has no =VALUE");
    refused(f, "seeds=[2, 2]", "--set seeds: seed 2 is listed twice");
    refused(f, "extends=other.yaml",
            "--set extends: 'extends' is applied before this is; set the key that it leads to");
    refused(f, "full.train.epochs=3",
            "--set full.train.epochs: 'full' is applied before this is; set the key that it leads "
            "to");
    assert_false(read_with(f, false, "train.epochs=*x"));
    assert_string_equal(f->error.at.file, "--set train.epochs");
}

static void what_is_no_setting_is_refused_before_any_file(void **state) {
    struct fixture *f = *state;
    static const char *const wrong[] = {"",    "train",     "train.epochs", "train.epochs=", "=3",
                                        ".=3", ".epochs=3", "train.=3",     "a..b=3",        "."};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(overrides_add(&f->overrides, wrong[i], &f->error));
    assert_int_equal(f->overrides.n_set, 0);
    for (int i = 0; i < OVERRIDES_MAX; i++)
        assert_true(overrides_add(&f->overrides, "train.epochs=3", &f->error));
    assert_false(overrides_add(&f->overrides, "train.epochs=3", &f->error));
}

static void seeds_are_ranges_and_numbers(void **state) {
    struct fixture *f = *state;
    static const char *const wrong[] = {"",      "a",  "1,",  ",1",          "3-1", "1-",
                                        "1-2-3", "-1", "1 2", "99999999999", "+1",  "1-65"};
    static const int all[] = {1, 3, 7, 8, 9};
    struct int_list seeds;
    assert_true(overrides_read_seeds("1,3,7-9", &f->overrides.seeds, &f->error));
    assert_true(experiment_read_tree(f->path, false, &f->overrides, &f->e, NULL, &f->error));
    assert_int_equal(f->e.seeds.n, 5);
    assert_memory_equal(f->e.seeds.value, all, sizeof all);
    assert_true(overrides_read_seeds("1-64", &seeds, &f->error));
    assert_int_equal(seeds.n, 64);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (overrides_read_seeds(wrong[i], &seeds, &f->error)) fail_msg("'%s'", wrong[i]);
    assert_true(overrides_read_seeds("1,1", &f->overrides.seeds, &f->error));
    assert_false(experiment_read_tree(f->path, false, &f->overrides, &f->e, NULL, &f->error));
    assert_non_null(strstr(f->error.text, "--seeds: seed 1 is listed twice"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(setting_is_above_the_file_what_it_extends_and_full),
        TEST(the_last_of_two_settings_wins),
        TEST(trial_is_that_of_a_file_that_says_so),
        TEST(one_arm_is_found_by_its_name_whatever_is_in_it),
        TEST(null_gives_a_setting_its_default_again),
        TEST(mistakes_are_told_with_the_option),
        TEST(what_is_no_setting_is_refused_before_any_file),
        TEST(seeds_are_ranges_and_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
