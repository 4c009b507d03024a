/*
 * Errors: how they print, and what is put in front of them.
 */
#include "models/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void an_error_prints_as_much_of_its_place_as_is_known(void **state) {
    (void)state;
    struct error error;
    char out[64];
    struct location at = {.file = "a.yaml", .line = 3, .column = 7};
    assert_false(error_set_at(&error, &at, "bad %s", "key"));
    error_format(&error, out, sizeof out);
    assert_string_equal(out, "a.yaml:3:7: bad key");
    at.column = 0;
    error_set_at(&error, &at, "bad");
    error_format(&error, out, sizeof out);
    assert_string_equal(out, "a.yaml:3: bad");
    assert_false(error_set(&error, "bad"));
    error_format(&error, out, sizeof out);
    assert_string_equal(out, "bad");
    error_format(&error, out, 3);
    assert_string_equal(out, "ba");
}

static void a_prefix_stands_before_the_place_and_may_quote_the_error_itself(void **state) {
    (void)state;
    struct error error;
    char out[64];
    struct location at = {.file = "header", .line = 2, .column = 1};
    error_set_at(&error, &at, "inner");
    assert_false(error_prefix(&error, "outer of %s", error.text));
    error_format(&error, out, sizeof out);
    assert_string_equal(out, "outer of inner: header:2:1: inner");
    assert_string_equal(error.text, out);
    for (int i = 0; i < 200; i++) error_prefix(&error, "long prefix");
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void a_hint_stands_behind_the_text_and_leaves_the_place(void **state) {
    (void)state;
    struct error error;
    char out[64];
    struct location at = {.file = "x.csv", .line = 2};
    error_set_at(&error, &at, "bad row");
    assert_false(error_append(&error, "; see %s", "there"));
    error_format(&error, out, sizeof out);
    assert_string_equal(out, "x.csv:2: bad row; see there");
    for (int i = 0; i < 200; i++) error_append(&error, "; a long hint");
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

/* Also where there is no room for all of it: the end is left out, and no half of an escape. */
static void what_an_error_quotes_moves_no_cursor(void **state) {
    (void)state;
    struct error error;
    struct location at = {.file = "a\x1b[2J", .line = 1};
    char long_name[2000], text[1400];
    error_set_at(&error, &at, "label '%s'", "\x1b[31m\xc2\x9b");
    error_format(&error, text, sizeof text);
    assert_string_equal(text, "a\\x1b[2J:1: label '\\x1b[31m\\x9b'");
    error_append(&error, "; \x07");
    assert_non_null(strstr(error.text, "; \\x07"));
    error_prefix(&error, "\x1b]0;");
    assert_non_null(strstr(error.text, "\\x1b]0;: a\\x1b[2J"));
    assert_null(strchr(error.text, '\x1b'));
    memset(long_name, 7, sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    error_set(&error, "%s", long_name);
    assert_int_equal(strlen(error.text), sizeof error.text / 4 * 4 - 4);
    assert_null(strchr(error.text, 7));
    assert_non_null(strstr(error.text, "\\x07"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_error_quotes_moves_no_cursor),
        cmocka_unit_test(an_error_prints_as_much_of_its_place_as_is_known),
        cmocka_unit_test(a_prefix_stands_before_the_place_and_may_quote_the_error_itself),
        cmocka_unit_test(a_hint_stands_behind_the_text_and_leaves_the_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
