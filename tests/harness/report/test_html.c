/*
 * Texts that look like markup, and numbers as people read them.
 */
#include "harness/report/html.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(const char *value, size_t size, const char *expected) {
    struct text text = {0};
    html_append_bytes(&text, value, size);
    assert_string_equal(text.data ? text.data : "", expected);
    text_free(&text);
}

static void markup_is_text(void **state) {
    (void)state;
    assert_text("<script>alert('x')</script>", 27,
                "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    assert_text("\" onclick=\"a", 12, "&quot; onclick=&quot;a");
    assert_text("a & b &amp;", 11, "a &amp; b &amp;amp;");
    assert_text("\xC2\xB5 \xE2\x80\xA6", 6, "\xC2\xB5 \xE2\x80\xA6");
    struct text text = {0};
    html_append(&text, NULL);
    assert_int_equal(text.size, 0);
    text_free(&text);
}

static void controls_are_spelt_out_and_broken_bytes_marked(void **state) {
    (void)state;
    assert_text("a\x1b[2Jb", 6, "a\\x1b[2Jb");
    assert_text("a\xC2\x85"
                "b",
                4, "a\\x85b");
    assert_text("line\nnext\tend", 13, "line\nnext\tend");
    assert_text("a\xFF<\xC3", 4, "a\xEF\xBF\xBD&lt;\xEF\xBF\xBD");
    assert_text("a\0b", 3,
                "a\xEF\xBF\xBD"
                "b");
}

static void assert_number(double value, const char *expected) {
    struct text text = {0};
    html_append_number(&text, value);
    assert_string_equal(text.data, expected);
    text_free(&text);
}

static void numbers_have_five_digits_and_all_before_the_point(void **state) {
    (void)state;
    assert_number(0, "0");
    assert_number(-0.0, "0");
    assert_number(0.5, "0.5");
    assert_number(0.98624999, "0.98625");
    assert_number(0.0123456, "0.012346");
    assert_number(12.0, "12");
    assert_number(14.51234, "14.512");
    assert_number(633812.4, "633812");
    assert_number(-1234567890.0, "-1234567890");
    assert_number(99999.6, "100000");
    assert_number(1e-7, "1e-07");
    assert_number(3e20, "3e+20");
    assert_number(INFINITY, "inf");
    assert_number(-INFINITY, "-inf");
}

static void a_null_is_nothing_and_a_blob_is_hex(void **state) {
    (void)state;
    const struct cell cells[] = {{.kind = CELL_NULL},
                                 {.kind = CELL_INTEGER, .integer = INT64_MIN},
                                 {.kind = CELL_REAL, .real = 0.25},
                                 {.kind = CELL_TEXT, .bytes = "<\"b>", .size = 3},
                                 {.kind = CELL_BLOB, .bytes = "\x05\xff", .size = 2}};
    struct text text = {0};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        html_append_cell(&text, &cells[i]);
        text_append(&text, "|");
    }
    assert_string_equal(text.data, "|-9223372036854775808|0.25|&lt;\"b|05ff|");
    text_free(&text);
}

/* Of `printf abc | openssl dgst -sha256 -binary | base64`. */
static void a_hash_is_what_a_browser_works_out(void **state) {
    (void)state;
    struct text text = {0};
    html_append_hash(&text, "abc", 3);
    assert_string_equal(text.data, "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(markup_is_text),
        cmocka_unit_test(controls_are_spelt_out_and_broken_bytes_marked),
        cmocka_unit_test(numbers_have_five_digits_and_all_before_the_point),
        cmocka_unit_test(a_null_is_nothing_and_a_blob_is_hex),
        cmocka_unit_test(a_hash_is_what_a_browser_works_out),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
