/*
 * Names that look like something to gnuplot, as strings of a script and as fields of a data file.
 */
#include "harness/plot/gnuplot_text.h"
#include "models/base/utf8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_written(void write(struct text *, const char *), const char *value,
                           const char *expected) {
    struct text text = {0};
    write(&text, value);
    assert_false(text.failed);
    assert_string_equal(text.data ? text.data : "", expected);
    text_free(&text);
}

static void a_literal_is_in_single_quotes_and_joins_those_inside(void **state) {
    (void)state;
    assert_written(gnuplot_literal, "it's", "'it'.\"'\".'s'");
    assert_written(gnuplot_literal, "'; system(\"x\") #", "''.\"'\".'; system(\"x\") #'");
    assert_written(gnuplot_literal, "''", "''.\"'\".''.\"'\".''");
    assert_written(gnuplot_literal, "`touch x` $(x) \\n \"q\" @a %s {/Symbol a}",
                   "'`touch x` $(x) \\n \"q\" @a %s {/Symbol a}'");
    assert_written(gnuplot_literal, "ends in a backslash\\", "'ends in a backslash\\'");
    assert_written(gnuplot_literal, "", "''");
    assert_written(gnuplot_literal, NULL, "''");
}

static void a_field_has_octal_codes_for_what_gnuplot_reads_in_fields(void **state) {
    (void)state;
    assert_written(gnuplot_field, "\"quoted\" \\n", "\\0042quoted\\0042 \\0134n");
    assert_written(gnuplot_field, "it's `x` # %s", "it's `x` # %s");
    assert_written(gnuplot_field, "0.125", "0.125");
    assert_written(gnuplot_field, "", "");
    assert_written(gnuplot_field, NULL, "NaN");
}

static void what_would_break_a_line_or_an_svg_is_a_blank(void **state) {
    (void)state;
    void (*const writers[])(struct text *, const char *) = {gnuplot_literal, gnuplot_field};
    for (int i = 0; i < 2; i++) {
        struct text text = {0};
        writers[i](&text, "a\nb\tc\rd\001e\177f\xC2\x85g\xE2\x80\xA8h\xEF\xBF\xBEi");
        assert_non_null(strstr(text.data, "a b c d e f g h i"));
        text_free(&text);
    }
    assert_written(gnuplot_field, "\xC2\xB5s \xF0\x9F\x8E\xB2", "\xC2\xB5s \xF0\x9F\x8E\xB2");
}

static void bytes_that_are_not_utf8_become_the_replacement_character(void **state) {
    (void)state;
    assert_written(gnuplot_field,
                   "a\xFF"
                   "b\xC2",
                   "a\xEF\xBF\xBD"
                   "b\xEF\xBF\xBD");
    assert_written(gnuplot_field, "\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void a_long_text_ends_in_dots_after_whole_characters(void **state) {
    (void)state;
    char value[2 * GNUPLOT_TEXT_MAX + 10];
    for (int i = 0; i < GNUPLOT_TEXT_MAX + 3; i++) memcpy(value + 2 * i, "\xC2\xB5", 2);
    value[2 * (GNUPLOT_TEXT_MAX + 3)] = '\0';
    struct text text = {0};
    gnuplot_field(&text, value);
    assert_int_equal(text.size, 2 * GNUPLOT_TEXT_MAX + 3);
    assert_string_equal(text.data + text.size - 5, "\xC2\xB5...");
    text_free(&text);
}

static void a_real_is_never_a_whole_number_to_gnuplot(void **state) {
    (void)state;
    const struct {
        double value;
        const char *expected;
    } cases[] = {{1, "1.0"},        {-3, "-3.0"}, {0.1, "0.1"},      {2.5e-7, "2.5e-07"},
                 {1e300, "1e+300"}, {NAN, "NaN"}, {INFINITY, "NaN"}, {123456789, "123456789.0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = {0};
        gnuplot_real(&text, cases[i].value);
        assert_string_equal(text.data, cases[i].expected);
        text_free(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_is_in_single_quotes_and_joins_those_inside),
        cmocka_unit_test(a_field_has_octal_codes_for_what_gnuplot_reads_in_fields),
        cmocka_unit_test(what_would_break_a_line_or_an_svg_is_a_blank),
        cmocka_unit_test(bytes_that_are_not_utf8_become_the_replacement_character),
        cmocka_unit_test(a_long_text_ends_in_dots_after_whole_characters),
        cmocka_unit_test(a_real_is_never_a_whole_number_to_gnuplot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
