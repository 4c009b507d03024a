/*
 * The time left that a sweep predicts, worked out by hand. Nothing is timed here.
 */
#include "harness/sweep/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void time_left_is_unknown_before_the_first_trial_has_ended(void **state) {
    struct progress progress;
    (void)state;
    FILE *out = tmpfile();
    progress_start(&progress, out, "training", 3, 1, 3e12);
    assert_true(progress_eta(&progress, 10) < 0);
    progress_trial(&progress, false, 1e12, 0.1, "failed"); /* tells nothing about whole ones */
    assert_true(progress_eta(&progress, 10) < 0);
    fclose(out);
}

static void equal_trials_take_equal_time_divided_by_slots(void **state) {
    struct progress progress;
    (void)state;
    FILE *out = tmpfile();
    progress_start(&progress, out, "training", 5, 2, 5e12);
    progress_trial(&progress, true, 1e12, 8, "ok");
    assert_float_equal(progress_eta(&progress, 0), 4 * 8 / 2.0, 1e-6);
    assert_float_equal(progress_eta(&progress, 2), (4 * 8 - 2) / 2.0, 1e-6);
    fclose(out);
}

/* The second of two slots has nothing to do when one trial is left, and what is skipped is neither
 * left nor done. */
static void the_last_trial_takes_as_long_as_it_takes(void **state) {
    struct progress progress;
    (void)state;
    FILE *out = tmpfile();
    progress_start(&progress, out, "training", 4, 2, 4e12);
    progress_trial(&progress, true, 1e12, 8, "ok");
    progress_skip(&progress, 1e12);
    assert_float_equal(progress_eta(&progress, 0), 2 * 8 / 2.0, 1e-6);
    progress_trial(&progress, true, 1e12, 8, "ok");
    assert_float_equal(progress_eta(&progress, 0), 8, 1e-6);
    progress_trial(&progress, true, 1e12, 8, "ok");
    assert_float_equal(progress_eta(&progress, 0), 0, 1e-6);
    assert_int_equal(progress.n_done, progress.n_total);
    fclose(out);
}

static void seconds_are_told_in_the_unit_that_suits_them(void **state) {
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {-1, "?"},        {0, "0 s"},           {99.4, "99 s"},       {99.6, "2 min"},
        {5969, "99 min"}, {5970, "1 h 39 min"}, {7200, "2 h 00 min"}, {90061, "25 h 01 min"}};
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        progress_format_seconds(cases[i].seconds, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

/* As measured: a bag of words trains in 0.2 s for 1 GFLOP, a dense arm in 20 s for 640. */
static void tiny_first_trial_does_not_predict_its_own_overhead_for_all(void **state) {
    struct progress progress;
    (void)state;
    FILE *out = tmpfile();
    progress_start(&progress, out, "training", 11, 1, 1e9 + 10 * 640e9);
    progress_trial(&progress, true, 1e9, 0.2, "ok");
    assert_true(progress_eta(&progress, 0) < 2 * 10 * 20);
    assert_true(progress_eta(&progress, 0) > 0.2 * 10 * 20);
    progress_start(&progress, out, "profiling", 11, 1, 4e6 + 10 * 2.6e9); /* 0.07 s and 0.2 s */
    progress_trial(&progress, true, 4e6, 0.07, "ok");
    assert_true(progress_eta(&progress, 0) < 2 * 10 * 0.2);
    fclose(out);
}

static void what_runs_says_how_far_it_is(void **state) {
    char text[96];
    (void)state;
    struct training_progress training = {1, 1, 3, 16, 0.4117, 0.8125, 6.2};
    progress_format_training(&training, text, sizeof text);
    assert_string_equal(text, " (epoch 3 of 16, loss 0.412, 81.2%, 6.20 heads)");
    training.candidate = 2;
    training.n_candidates = 6;
    training.validation_mean_heads = NAN;
    progress_format_training(&training, text, sizeof text);
    assert_string_equal(text, " (candidate 2 of 6, epoch 3 of 16, loss 0.412, 81.2%)");
}

/* A terminal of so many columns, and what stands behind it. */
static FILE *open_terminal(unsigned short columns, int *behind) {
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    *behind = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(*behind >= 0);
    assert_int_equal(grantpt(*behind), 0);
    assert_int_equal(unlockpt(*behind), 0);
    FILE *out = fopen(ptsname(*behind), "w");
    assert_non_null(out);
    assert_int_equal(ioctl(fileno(out), TIOCSWINSZ, &size), 0);
    return out;
}

static void expect_drawn(int behind, const char *expected) {
    char drawn[256] = "";
    ssize_t n = 0, size = (ssize_t)strlen(expected);
    while (n < size) {
        ssize_t more = read(behind, drawn + n, (size_t)(size - n));
        assert_true(more > 0);
        n += more;
    }
    assert_string_equal(drawn, expected);
}

/* Two of four equal trials are done by one slot, 8 s each; half of the third has run. */
static void a_terminal_sees_a_line_that_is_redrawn_and_never_wraps(void **state) {
    struct progress progress;
    int behind;
    (void)state;
    FILE *out = open_terminal(60, &behind);
    progress_start(&progress, out, "training", 4, 1, 4e12);
    progress_trial(&progress, true, 1e12, 8, "ok a");
    expect_drawn(behind, "\r\033[K[1/4] ok a, 8.0 s, left: 24 s\r\n");
    progress_trial(&progress, true, 1e12, 8, "ok b");
    expect_drawn(behind, "\r\033[K[2/4] ok b, 8.0 s, left: 16 s\r\n");
    progress_draw(&progress, "w/arm/3", 4);
    expect_drawn(behind, "\r\033[Ktraining [##########..........] 2/4, left: 12 s, now: w");
    fclose(out);
    close(behind);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_left_is_unknown_before_the_first_trial_has_ended),
        cmocka_unit_test(equal_trials_take_equal_time_divided_by_slots),
        cmocka_unit_test(the_last_trial_takes_as_long_as_it_takes),
        cmocka_unit_test(seconds_are_told_in_the_unit_that_suits_them),
        cmocka_unit_test(what_runs_says_how_far_it_is),
        cmocka_unit_test(a_terminal_sees_a_line_that_is_redrawn_and_never_wraps),
        cmocka_unit_test(tiny_first_trial_does_not_predict_its_own_overhead_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
