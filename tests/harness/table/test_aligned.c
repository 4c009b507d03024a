/*
 * Tables and sentences on a page that is too narrow for them: laid out by hand here, at widths where one
 * thing after the other no longer fits. Nothing may be lost but what the table says it can do without,
 * and that is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/table/aligned.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static void assert_written(const struct table *table, int width, const char *expected) {
    char *written = NULL;
    size_t size;
    struct error error = {0};
    FILE *out = open_memstream(&written, &size);
    assert_non_null(out);
    assert_true(aligned_write(table, width, out, &error));
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

enum { COLUMNS = 4 };

static struct table make(const char *const rows[][COLUMNS], size_t n) {
    struct table table = {0};
    for (size_t r = 0; r < n; r++) table_append(&table, COLUMNS, rows[r]);
    assert_false(table.failed);
    return table;
}

static const char *const arms[][COLUMNS] = {
    {"workload / arm", "accuracy %", "time b1", "tried"},
    {"offsets / budgetformer-0.03 (shuffled)", "92.0 ± 1.0", "0.94", "16"},
    {"topic / fixed-1", "99.5 ± 0.5", "-", "1"},
};

/* 38 and 10, 7 and 5 characters, and three gaps of two. */
static void what_fits_stands_as_it_is(void **state) {
    (void)state;
    struct table table = make(arms, 3);
    const char *wide = "workload / arm                          accuracy %  time b1  tried\n"
                       "offsets / budgetformer-0.03 (shuffled)  92.0 ± 1.0     0.94     16\n"
                       "topic / fixed-1                         99.5 ± 0.5        -      1\n";
    assert_written(&table, INT_MAX, wide);
    assert_written(&table, 66, wide);
    table_free(&table);
}

/* Two less: "time b1" becomes two lines. At 62 it is 4 wide and a text is wrapped. */
static void names_of_numbers_break_first_and_then_texts(void **state) {
    (void)state;
    struct table table = make(arms, 3);
    assert_written(&table, 64,
                   "workload / arm                          accuracy %   time  tried\n"
                   "                                                       b1\n"
                   "offsets / budgetformer-0.03 (shuffled)  92.0 ± 1.0   0.94     16\n"
                   "topic / fixed-1                         99.5 ± 0.5      -      1\n");
    assert_written(&table, 62,
                   "workload / arm                         accuracy %  time  tried\n"
                   "                                                     b1\n"
                   "offsets / budgetformer-0.03            92.0 ± 1.0  0.94     16\n"
                   "  (shuffled)\n"
                   "topic / fixed-1                        99.5 ± 0.5     -      1\n");
    table_free(&table);
}

/* The first column is 28 wide at least: 28 + 2 + 10 + 2 + 4 = 46. */
static void columns_that_do_not_fit_follow_or_are_named(void **state) {
    (void)state;
    struct table table = make(arms, 3);
    assert_written(&table, 46,
                   "workload / arm                accuracy %  time\n"
                   "                                            b1\n"
                   "offsets / budgetformer-0.03   92.0 ± 1.0  0.94\n"
                   "  (shuffled)\n"
                   "topic / fixed-1               99.5 ± 0.5     -\n"
                   "\n"
                   "workload / arm                          tried\n"
                   "offsets / budgetformer-0.03 (shuffled)     16\n"
                   "topic / fixed-1                             1\n");
    table.n_needed = 3;
    assert_written(&table, 46,
                   "workload / arm                accuracy %  time\n"
                   "                                            b1\n"
                   "offsets / budgetformer-0.03   92.0 ± 1.0  0.94\n"
                   "  (shuffled)\n"
                   "topic / fixed-1               99.5 ± 0.5     -\n"
                   "left out for want of room: tried (--verbose)\n");
    table.n_needed = 0;
    table.n_keys = 2;
    assert_written(&table, 46,
                   "workload / arm                accuracy %  time\n"
                   "                                            b1\n"
                   "offsets / budgetformer-0.03   92.0 ± 1.0  0.94\n"
                   "  (shuffled)\n"
                   "topic / fixed-1               99.5 ± 0.5     -\n"
                   "\n"
                   "workload / arm               accuracy %  tried\n"
                   "offsets / budgetformer-0.03  92.0 ± 1.0     16\n"
                   "  (shuffled)\n"
                   "topic / fixed-1              99.5 ± 0.5      1\n");
    table_free(&table);
}

/* A sentence has 30 columns beside its row, or a line of its own below it. */
static void a_last_column_of_sentences_stands_below_where_it_would_be_narrow(void **state) {
    (void)state;
    static const char *const trials[][COLUMNS] = {
        {"id", "trial", "status", "reason"},
        {"7", "trec-coarse/fixed-8/1", "failed",
         "data/trec/train_5500.label:12: the label 'DESC' has no text behind it"},
        {"8", "topic/fixed-8/1", "ok", ""},
    };
    struct table table = make(trials, 3);
    assert_written(&table, 70,
                   "id  trial                  status  reason\n"
                   "7   trec-coarse/fixed-8/1  failed  data/trec/train_5500.label:12: the\n"
                   "                                   label 'DESC' has no text behind it\n"
                   "8   topic/fixed-8/1        ok\n");
    assert_written(&table, 50,
                   "id  trial                  status\n"
                   "    reason\n"
                   "7   trec-coarse/fixed-8/1  failed\n"
                   "    data/trec/train_5500.label:12: the label\n"
                   "    'DESC' has no text behind it\n"
                   "8   topic/fixed-8/1        ok\n");
    table_free(&table);
}

static void assert_lines(int width, const char *text, const char *expected) {
    char *written = NULL;
    size_t size;
    FILE *out = open_memstream(&written, &size);
    assert_non_null(out);
    wrap_print(out, width, 2, "%s", text);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

static void lines_break_at_blanks_and_in_words_that_are_too_long(void **state) {
    (void)state;
    assert_lines(10, "one two three", "one two\n  three\n");
    assert_lines(7, "one two", "one two\n");
    assert_lines(10, "é±ü é±ü é±ü", "é±ü é±ü\n  é±ü\n");
    assert_lines(10, "at results/r.db", "at\n  results/\n  r.db\n");
    assert_lines(6, "abcdefghijk", "abcdef\n  ghij\n  k\n");
    assert_lines(20, "a\x1b[0m", "a\\x1b[0m\n");
    assert_lines(20, "", "\n");
}

static void a_page_is_as_wide_as_columns_says_or_eighty(void **state) {
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    unsetenv("COLUMNS");
    assert_int_equal(width_of(file), 80);
    setenv("COLUMNS", "132", 1);
    assert_int_equal(width_of(file), 132);
    setenv("COLUMNS", "5", 1);
    assert_int_equal(width_of(file), 40);
    setenv("COLUMNS", "wide", 1);
    assert_int_equal(width_of(file), 80);
    fclose(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_stands_as_it_is),
        cmocka_unit_test(names_of_numbers_break_first_and_then_texts),
        cmocka_unit_test(columns_that_do_not_fit_follow_or_are_named),
        cmocka_unit_test(a_last_column_of_sentences_stands_below_where_it_would_be_narrow),
        cmocka_unit_test(lines_break_at_blanks_and_in_words_that_are_too_long),
        cmocka_unit_test(a_page_is_as_wide_as_columns_says_or_eighty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
