/*
 * UTF-8: which bytes are a character, and that every character comes back.
 */
#include "models/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void only_well_formed_utf8_is_a_character(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\xC3\xA9", 2},
        {"\xE2\x82\xAC", 3},
        {"\xF0\x9F\x98\x80", 4},
        {"\xC0\x80", 0},     /* overlong NUL */
        {"\xE0\x80\xAF", 0}, /* overlong slash */
        {"\xF0\x80\x80\xAF", 0},
        {"\xED\xA0\x80", 0},     /* surrogate */
        {"\xF4\x90\x80\x80", 0}, /* above U+10FFFF */
        {"\x80", 0},
        {"\xFF", 0},
        {"\xE2\x82", 0}, /* cut short */
        {"\xE2\x28\xA1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_length(cases[i].bytes, strlen(cases[i].bytes)), cases[i].length);
}

static void every_code_point_survives_decoding(void **state) {
    (void)state;
    for (unsigned code = 1; code <= 0x10FFFF; code++) {
        if (code >= 0xD800 && code < 0xE000) continue; /* surrogates */
        char text[5] = {0};
        const char *next = text;
        int size = utf8_write(code, text);
        assert_int_equal(utf8_length(text, (size_t)size), size);
        assert_int_equal(utf8_next(&next), code);
        assert_ptr_equal(next, text + size);
    }
}

static void a_prefix_ends_before_the_first_byte_that_is_wrong(void **state) {
    (void)state;
    assert_int_equal(utf8_valid_prefix("a\xC3\xA9z", 4), 4);
    assert_int_equal(utf8_valid_prefix("a\xC3\xA9\xE2\x82", 5), 3); /* cut short */
    assert_int_equal(utf8_valid_prefix("\xFF", 1), 0);
    assert_int_equal(utf8_valid_prefix("", 0), 0);
}

static void characters_are_counted_and_not_bytes(void **state) {
    (void)state;
    assert_int_equal(utf8_count(""), 0);
    assert_int_equal(utf8_count("plain"), 5);
    assert_int_equal(utf8_count("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"), 5);
    assert_int_equal(utf8_count("\xFFz"), 2); /* not valid, and still counted */
}

static void a_mark_is_three_bytes_at_the_start(void **state) {
    (void)state;
    assert_int_equal(utf8_mark_size("\xEF\xBB\xBFz", 4), 3);
    assert_int_equal(utf8_mark_size("\xEF\xBB\xBF", 2), 0);
    assert_int_equal(utf8_mark_size("z\xEF\xBB\xBF", 4), 0);
    assert_int_equal(utf8_mark_size("", 0), 0);
}

static void utf_16_has_a_mark_or_a_nul_beside_its_first_letters(void **state) {
    (void)state;
    assert_string_equal(utf8_is_utf_16("\xFF\xFEz", 4), "UTF-16");
    assert_string_equal(utf8_is_utf_16("\xFE\xFF\0z", 4), "UTF-16");
    assert_string_equal(utf8_is_utf_16("z\0a\0", 4), "UTF-16LE");
    assert_string_equal(utf8_is_utf_16("\0z\0a", 4), "UTF-16BE");
    assert_null(utf8_is_utf_16("\0\0z", 3));
    assert_null(utf8_is_utf_16("az\0\0", 4));
    assert_null(utf8_is_utf_16("a\0zz", 4));
    assert_null(utf8_is_utf_16("a\0", 2));
    assert_null(utf8_is_utf_16("\xFF", 1));
    assert_null(utf8_is_utf_16("", 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_well_formed_utf8_is_a_character),
        cmocka_unit_test(every_code_point_survives_decoding),
        cmocka_unit_test(a_prefix_ends_before_the_first_byte_that_is_wrong),
        cmocka_unit_test(characters_are_counted_and_not_bytes),
        cmocka_unit_test(a_mark_is_three_bytes_at_the_start),
        cmocka_unit_test(utf_16_has_a_mark_or_a_nul_beside_its_first_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
