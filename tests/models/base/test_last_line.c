/*
 * The last line of files as programs leave them.
 */
#include "models/base/last_line.h"
#include "tests/workloads/data/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void the_last_line_that_says_something_is_found(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"one\ntwo\n", "two"},
        {"one\ntwo", "two"},
        {"one\n\n \t\r\n", "one"},
        {"only", "only"},
        {"one\na\tb\033[0m\n", "a b [0m"},
        {"\n \n", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[32];
        files_write("log", cases[i][0]);
        last_line_read(files_path("log"), line, sizeof line);
        assert_string_equal(line, cases[i][1]);
    }
}

static void a_long_line_is_cut_to_the_room(void **state) {
    (void)state;
    char line[8], text[5001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    strcpy(text + 4990, "\nthe end\n");
    files_write("log", text);
    last_line_read(files_path("log"), line, sizeof line);
    assert_string_equal(line, "the end");
    files_write("log", "first\nsecond line");
    last_line_read(files_path("log"), line, sizeof line);
    assert_string_equal(line, "second ");
}

static void a_file_that_is_not_there_says_nothing(void **state) {
    (void)state;
    char line[8] = "before";
    last_line_read(files_path("nowhere"), line, sizeof line);
    assert_string_equal(line, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_line_that_says_something_is_found),
        cmocka_unit_test(a_long_line_is_cut_to_the_room),
        cmocka_unit_test(a_file_that_is_not_there_says_nothing),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
