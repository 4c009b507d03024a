/*
 * The files that gnuplot reads of a figure, to the letter.
 */
#include "harness/plot/page.h"
#include "tests/harness/plot/sheet_fixture.h"

static const char *const rows[][COLUMNS] = {{"1", "w", "fixed-1", "fixed", "it's", ""},
                                            {"3", "w", "fixed-2", "fixed", "it's", ""},
                                            {NULL, "w", "none", "none", "it's", ""},
                                            {NULL, "u", NULL, NULL, "gone", "no \"data\""},
                                            {"2.5", "v", "own", "fixed", "b\nc", ""}};

static void make_sheet(struct sheet *sheet) {
    struct error error = {0};
    *sheet = (struct sheet){0};
    read_rows(sheet, NULL, rows, sizeof rows / sizeof *rows);
    assert_true(sheet_cut(sheet, &error));
}

static void a_data_file_has_a_block_for_each_series_of_each_panel(void **state) {
    (void)state;
    struct sheet sheet;
    struct text text = {0};
    make_sheet(&sheet);
    page_write_data(&sheet, "example", "-- What it shows.\n-- In words.\nSELECT -- no comment\n",
                    &text);
    assert_string_equal(
        text.data, "# Figure example. Two empty lines separate blocks: a series of a panel each.\n"
                   "# What it shows.\n# In words.\n"
                   "# x\tworkload\tarm\tseries\tpanel\treason\n"
                   "1\tw\tfixed-1\tfixed\tit's\t\n3\tw\tfixed-2\tfixed\tit's\t\n\n\n"
                   "NaN\tw\tnone\tnone\tit's\t\n\n\n"
                   "2.5\tv\town\tfixed\tb c\t\n");
    text_free(&text);
    sheet_free(&sheet);
}

static void assert_line(const struct text *text, const char *line) {
    const char *at = strstr(text->data, line);
    if (!at || at[strlen(line)] != '\n' || (at > text->data && at[-1] != '\n'))
        fail_msg("no line \"%s\" in\n%s", line, text->data);
}

static void a_prologue_says_what_is_in_which_panel_and_how_far_it_reaches(void **state) {
    (void)state;
    static const char *const lines[] = {"page = 1",
                                        "n_pages = 1",
                                        "n_panels = 3",
                                        "machine = 'a '.\"'\".'b'.\"'\".' `c`'",
                                        "left_out_workloads = 'some aren'.\"'\".'t'",
                                        "x = 1",
                                        "lowest_x = 1.0",
                                        "highest_x = 3.0",
                                        "array text_x[3] = ['1', '', '2.5']",
                                        "array low_x[3] = [1.0, NaN, 2.5]",
                                        "array high_x[3] = [3.0, NaN, 2.5]",
                                        "panel = 5",
                                        "highest_panel = NaN",
                                        "array text_panel[3] = ['it'.\"'\".'s', 'gone', 'b c']",
                                        "array text_reason[3] = ['', 'no \"data\"', '']",
                                        "array first_block[3] = [0, 2, 2]",
                                        "array last_block[3] = [1, 1, 2]",
                                        "array series_of[3] = ['fixed', 'none', 'fixed']",
                                        "n_entries = 2",
                                        "array entry[2] = ['fixed', 'none']"};
    static const char *const names[] = {"machine"}, *const values[] = {"a 'b' `c`"};
    static const struct sheet_choice all = {0};
    struct sheet sheet, facts = {0};
    struct sheet_reading reading = {.sheet = &facts, .choice = &all};
    struct text text = {0};
    make_sheet(&sheet);
    assert_true(sheet_read_row(&reading, 1, names, values));
    struct text shared = {0};
    page_write_shared(&sheet, "example", &facts, "some aren't", &shared);
    page_write_prologue(&sheet, 0, &shared, &text);
    text_free(&shared);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) assert_line(&text, lines[i]);
    text_free(&text);
    sheet_free(&sheet);
    sheet_free(&facts);
}

static void a_later_page_has_its_own_panels_and_the_ranges_of_all(void **state) {
    (void)state;
    static const char *const lines[] = {"page = 2",
                                        "n_pages = 3",
                                        "n_panels = 1",
                                        "lowest_x = 1.0",
                                        "highest_x = 3.0",
                                        "array text_panel[1] = ['gone']",
                                        "array low_x[1] = [NaN]",
                                        "array first_block[1] = [2]",
                                        "array last_block[1] = [1]",
                                        "n_entries = 0",
                                        "array entry[1]"};
    struct sheet sheet, facts = {0};
    struct text text = {0}, shared = {0};
    make_sheet(&sheet);
    sheet.panels_per_page = 1;
    page_write_shared(&sheet, "example", &facts, NULL, &shared);
    assert_line(&shared, "left_out_workloads = ''");
    page_write_prologue(&sheet, 1, &shared, &text);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) assert_line(&text, lines[i]);
    text_free(&text);
    page_write_prologue(&sheet, 2, &shared, &text);
    text_free(&shared);
    assert_line(&text, "n_entries = 1"); /* a series of the first page has its entry here too */
    assert_line(&text, "array entry[1] = ['fixed']");
    text_free(&text);
    sheet_free(&sheet);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_data_file_has_a_block_for_each_series_of_each_panel),
        cmocka_unit_test(a_prologue_says_what_is_in_which_panel_and_how_far_it_reaches),
        cmocka_unit_test(a_later_page_has_its_own_panels_and_the_ranges_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
