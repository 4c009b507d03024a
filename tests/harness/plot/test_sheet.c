/*
 * Rows as panels, blocks and pages.
 */
#include "tests/harness/plot/sheet_fixture.h"

#include <math.h>

static const char *const rows[][COLUMNS] = {
    {"1", "w", "fixed-1", "fixed", "first", ""},  {"3", "w", "fixed-2", "fixed", "first", ""},
    {NULL, "w", "none", "none", "first", ""},     {"-2.5", "v", "fixed-1", "fixed", "second", ""},
    {NULL, "u", NULL, NULL, "third", "skipped"},  {"7", "t", "moh", "moh", "fourth", ""},
    {NULL, NULL, NULL, NULL, NULL, "nothing yet"}};
enum { ROWS = sizeof rows / sizeof *rows };

static void panels_and_series_are_runs_of_rows(void **state) {
    (void)state;
    struct sheet sheet = {0};
    struct error error = {0};
    read_rows(&sheet, NULL, rows, ROWS);
    assert_true(sheet_cut(&sheet, &error));
    assert_int_equal(sheet.n_panels, 4);
    assert_int_equal(sheet.n_blocks, 4);
    assert_int_equal(sheet.blocks[0].n, 2);
    assert_int_equal(sheet.blocks[1].first, 2);
    assert_int_equal(sheet.panels[0].rows.n, 3);
    assert_int_equal(sheet.panels[0].n_blocks, 2);
    assert_int_equal(sheet.panels[1].first_block, 2); /* another `fixed`, of another panel */
    assert_int_equal(sheet.panels[2].n_blocks, 0);
    assert_int_equal(sheet.panels[3].first_block, 3);
    assert_int_equal(sheet_pages(&sheet), 1);
    sheet_free(&sheet);
}

static void a_range_is_of_finite_numbers_only(void **state) {
    (void)state;
    struct sheet sheet = {0};
    double low, high;
    read_rows(&sheet, NULL, rows, ROWS);
    sheet_range(&sheet, (struct sheet_rows){0, ROWS}, sheet_column(&sheet, "x"), &low, &high);
    assert_true(low == -2.5 && high == 7);
    sheet_range(&sheet, (struct sheet_rows){2, 1}, sheet_column(&sheet, "x"), &low, &high);
    assert_true(isnan(low) && isnan(high));
    sheet_range(&sheet, (struct sheet_rows){0, ROWS}, sheet_column(&sheet, "arm"), &low, &high);
    assert_true(isnan(low));
    assert_int_equal(sheet_column(&sheet, "absent"), -1);
    assert_null(sheet_cell(&sheet, 0, -1));
    sheet_free(&sheet);
}

static void a_choice_keeps_its_rows_and_those_of_no_workload(void **state) {
    (void)state;
    struct error error = {0};
    regex_t filter;
    assert_int_equal(regcomp(&filter, "^w/fixed|moh$", REG_EXTENDED | REG_NOSUB), 0);
    const struct {
        struct sheet_choice choice;
        size_t n_rows;
    } cases[] = {{{.workload = "w"}, 4},
                 {{.filter = &filter}, 4},
                 {{"w", &filter}, 3},
                 {{.workload = "absent"}, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sheet sheet = {0};
        read_rows(&sheet, &cases[i].choice, rows, ROWS);
        assert_true(sheet_cut(&sheet, &error));
        assert_int_equal(sheet.n_rows, cases[i].n_rows);
        assert_int_equal(sheet.n_rows + sheet.n_dropped, ROWS);
        sheet_free(&sheet);
    }
    regfree(&filter);
}

static void without_points_there_is_no_page_but_a_reason(void **state) {
    (void)state;
    struct sheet sheet = {0};
    struct error error = {0};
    read_rows(&sheet, NULL, rows + 4, 1);
    read_rows(&sheet, NULL, rows + 6, 1);
    assert_true(sheet_cut(&sheet, &error));
    assert_int_equal(sheet_pages(&sheet), 0);
    assert_string_equal(sheet_reason(&sheet), "skipped");
    sheet_free(&sheet);
    assert_true(sheet_cut(&sheet, &error)); /* no row at all */
    assert_int_equal(sheet_pages(&sheet), 0);
    assert_null(sheet_reason(&sheet));
    sheet_free(&sheet);
}

static void seven_panels_are_two_pages_unless_a_column_says_how_many(void **state) {
    (void)state;
    static const char *const names[] = {"series", "panel", "panels_per_page"};
    static const struct sheet_choice all = {0};
    const char *const per_page[] = {NULL, "0", "7", "2"};
    const size_t pages[] = {2, 2, 1, 4};
    for (int i = 0; i < 4; i++) {
        struct sheet sheet = {0};
        struct sheet_reading reading = {.sheet = &sheet, .choice = &all};
        struct error error = {0};
        for (int p = 0; p < 7; p++) {
            const char panel[] = {(char)('a' + p), '\0'};
            const char *const row[] = {"s", panel, per_page[i]};
            assert_true(sheet_read_row(&reading, 3, names, row));
        }
        assert_true(sheet_cut(&sheet, &error));
        assert_int_equal(sheet_pages(&sheet), pages[i]);
        assert_int_equal(sheet.n_blocks, 7); /* of one series, but each of a panel of its own */
        sheet_free(&sheet);
    }
}

static void columns_need_names_that_gnuplot_can_use(void **state) {
    (void)state;
    static const struct sheet_choice all = {0};
    const struct {
        const char *names[3], *said;
    } cases[] = {{{"panel", "series", "count(*)"}, "the column 'count(*)' needs a name"},
                 {{"panel", "series", "1st"}, "the column '1st' needs a name"},
                 {{"panel", "series", "x = `touch ran`"}, "needs a name"},
                 {{"panel", "series", "panel"}, "two columns 'panel'"},
                 {{"panel", "x", "y"}, "no column 'series'"},
                 {{"x", "series", "y"}, "no column 'panel'"}};
    const char *const row[] = {"1", "2", "3"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sheet sheet = {0};
        struct sheet_reading reading = {.sheet = &sheet, .choice = &all};
        struct error error = {0};
        assert_true(sheet_read_row(&reading, 3, cases[i].names, row));
        assert_false(sheet_cut(&sheet, &error));
        assert_non_null(strstr(error.text, cases[i].said));
        sheet_free(&sheet);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panels_and_series_are_runs_of_rows),
        cmocka_unit_test(a_range_is_of_finite_numbers_only),
        cmocka_unit_test(a_choice_keeps_its_rows_and_those_of_no_workload),
        cmocka_unit_test(without_points_there_is_no_page_but_a_reason),
        cmocka_unit_test(seven_panels_are_two_pages_unless_a_column_says_how_many),
        cmocka_unit_test(columns_need_names_that_gnuplot_can_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
