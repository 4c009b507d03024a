/*
 * Texts that grow, and those that cannot any more.
 */
#include "models/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void a_text_grows(void **state) {
    (void)state;
    struct text text = {0};
    for (int i = 0; i < 5000; i++) text_append(&text, "%d,", i % 10);
    text_append_bytes(&text, "abc", 2);
    assert_false(text.failed);
    assert_int_equal(text.size, 10002);
    assert_int_equal(strlen(text.data), 10002);
    assert_string_equal(text.data + 9998, "9,ab");
    text_free(&text);
    assert_null(text.data);
}

static void a_text_that_failed_stays_empty(void **state) {
    (void)state;
    struct text text = {0};
    text_append(&text, "half of it");
    text_append_bytes(&text, "", SIZE_MAX); /* there is no memory for that, so nothing is read */
    text_append(&text, "the other half");
    assert_true(text.failed);
    assert_null(text.data);
    text_free(&text);
    assert_false(text.failed);
}

static void what_a_terminal_would_obey_is_spelt_out(void **state) {
    (void)state;
    struct text text = {0};
    text_append_shown(&text, "a\x1b[31m\x07\r\x7f\xc2\x9b\u00a0\u00e9\n\tb\xc2");
    assert_string_equal(text.data, "a\\x1b[31m\\x07\\x0d\\x7f\\x9b\u00a0\u00e9\n\tb\xc2");
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_terminal_would_obey_is_spelt_out),
        cmocka_unit_test(a_text_grows),
        cmocka_unit_test(a_text_that_failed_stays_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
