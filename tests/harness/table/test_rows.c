/*
 * Tables as text: what programs read is what was written, to the bit, and what people read lines
 * up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/table/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *written; /* by the last table; freed by the next */
static size_t written_size;

static const char *const names[] = {"a", "b \"c\""};

/* The rows of two columns in one format. */
static const char *write_rows(enum table_format format, const struct cell *cells, size_t n) {
    struct rows rows = {0};
    struct error error = {0};
    free(written);
    FILE *out = open_memstream(&written, &written_size);
    assert_non_null(out);
    bool ok = rows_begin(&rows, format, out, 2, names, &error);
    for (size_t i = 0; ok && i < n; i++) ok = rows_add(&rows, cells + 2 * i, &error);
    if (!ok || !rows_end(&rows, &error)) fail_msg("%s", error.text);
    rows_free(&rows);
    fclose(out);
    return written;
}

#define TEXT_CELL(text)                                                                            \
    { CELL_TEXT, .bytes = (text), .size = sizeof(text) - 1 }

/* NULL, "", "NULL", 12, 12.0, "12", a text with all that quotes are for, a blob. */
static const struct cell kinds[] = {
    {.kind = CELL_NULL},        TEXT_CELL(""),
    TEXT_CELL("NULL"),          {CELL_INTEGER, .integer = 12},
    {CELL_REAL, .real = 12},    TEXT_CELL("12"),
    TEXT_CELL("a,\"b\"\r\n|ü"), {CELL_BLOB, .bytes = "\x05\xff", .size = 2},
};

static void csv_keeps_null_texts_and_numbers_apart(void **state) {
    (void)state;
    assert_string_equal(write_rows(TABLE_CSV, kinds, 4), "\"a\",\"b \"\"c\"\"\"\r\n"
                                                         ",\"\"\r\n"
                                                         "\"NULL\",12\r\n"
                                                         "12.0,\"12\"\r\n"
                                                         "\"a,\"\"b\"\"\r\n|ü\",\"05ff\"\r\n");
}

static void json_keeps_null_texts_and_numbers_apart(void **state) {
    (void)state;
    assert_string_equal(write_rows(TABLE_JSONL, kinds, 4),
                        "{\"a\": null, \"b \\\"c\\\"\": \"\"}\n"
                        "{\"a\": \"NULL\", \"b \\\"c\\\"\": 12}\n"
                        "{\"a\": 12.0, \"b \\\"c\\\"\": \"12\"}\n"
                        "{\"a\": \"a,\\\"b\\\"\\u000d\\u000a|ü\", \"b \\\"c\\\"\": \"05ff\"}\n");
    assert_string_equal(write_rows(TABLE_JSON, kinds, 2),
                        "[\n  {\"a\": null, \"b \\\"c\\\"\": \"\"},\n"
                        "  {\"a\": \"NULL\", \"b \\\"c\\\"\": 12}\n]");
    assert_string_equal(write_rows(TABLE_JSON, kinds, 0), "[]");
}

static void markdown_escapes_what_would_be_markup(void **state) {
    (void)state;
    assert_string_equal(write_rows(TABLE_MARKDOWN, kinds, 4), "| a | b \"c\" |\n"
                                                              "| --- | --- |\n"
                                                              "|  | \"\" |\n"
                                                              "| NULL | 12 |\n"
                                                              "| 12.0 | 12 |\n"
                                                              "| a,\"b\"<br>\\|ü | 05ff |\n");
    static const struct cell markup[] = {
        TEXT_CELL("<b> *a* `c` \\ ~~d~~ _e_ __f__"),
        TEXT_CELL("[g](h) &lt; &#60;"),
        /* What stands alone or in a name is none, and stays readable. */
        TEXT_CELL("time_ratio_2 f(x) [0.1, 0.2] (3)"),
        TEXT_CELL("a & b"),
    };
    assert_string_equal(write_rows(TABLE_MARKDOWN, markup, 2),
                        "| a | b \"c\" |\n"
                        "| --- | --- |\n"
                        "| \\<b> \\*a\\* \\`c\\` \\\\ \\~\\~d\\~\\~ \\_e\\_ \\_\\_f\\_\\_"
                        " | [g]\\(h) \\&lt; \\&#60; |\n"
                        "| time_ratio_2 f(x) [0.1, 0.2] (3) | a & b |\n");
}

static void bytes_that_are_no_text_become_replacement_characters(void **state) {
    (void)state;
    const struct cell cells[] = {TEXT_CELL("a\xff"
                                           "b"),
                                 TEXT_CELL("a\0b")};
    assert_string_equal(write_rows(TABLE_CSV, cells, 1),
                        "\"a\",\"b \"\"c\"\"\"\r\n\"a\uFFFDb\",\"a\uFFFDb\"\r\n");
    assert_string_equal(write_rows(TABLE_JSONL, cells, 1),
                        "{\"a\": \"a\uFFFDb\", \"b \\\"c\\\"\": \"a\uFFFDb\"}\n");
}

static void two_columns_of_one_name_are_no_object(void **state) {
    (void)state;
    static const char *const same[] = {"x", "x"};
    struct rows rows = {0};
    struct error error = {0};
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_false(rows_begin(&rows, TABLE_JSONL, out, 2, same, &error));
    assert_string_equal(error.text, "two columns are named 'x', which are keys in JSON: name one "
                                    "of them otherwise, with AS");
    rows_free(&rows);
    assert_true(rows_begin(&rows, TABLE_CSV, out, 2, same, &error));
    rows_free(&rows);
    fclose(out);
}

static void assert_same_bits(double number) {
    char text[REAL_TEXT_SIZE];
    real_write(number, text);
    double back = strtod(text, NULL);
    if (memcmp(&back, &number, sizeof back) != 0) fail_msg("%a became %s", number, text);
    if (!strpbrk(text, ".e")) fail_msg("%s looks like an integer", text);
}

static void numbers_read_back_to_the_bit(void **state) {
    (void)state;
    static const double hard[] = {0.1,
                                  0.0,
                                  -0.0,
                                  1.0 / 3,
                                  5e-324,
                                  2.2250738585072014e-308,
                                  2.2250738585072011e-308,
                                  1.7976931348623157e308,
                                  9007199254740993.0,
                                  1e15,
                                  123456789012345680.0,
                                  1e22,
                                  1e23,
                                  0.1 + 0.2,
                                  HUGE_VAL,
                                  -HUGE_VAL};
    for (size_t i = 0; i < sizeof hard / sizeof *hard; i++) assert_same_bits(hard[i]);
    uint64_t bits = 1; /* Knuth's linear congruential generator */
    for (int i = 0; i < 20000; i++) {
        bits = bits * 6364136223846793005U + 1442695040888963407U;
        double number;
        memcpy(&number, &bits, sizeof number);
        if (!isnan(number)) assert_same_bits(number);
    }
}

static void numbers_have_no_more_digits_than_they_need(void **state) {
    (void)state;
    char text[REAL_TEXT_SIZE];
    real_write(0.1, text);
    assert_string_equal(text, "0.1");
    real_write(5, text);
    assert_string_equal(text, "5.0");
    real_write(HUGE_VAL, text);
    assert_string_equal(text, "1e999");
}

static void columns_of_numbers_align_to_the_right(void **state) {
    (void)state;
    struct table table = {0};
    struct error error = {0};
    char *text = NULL;
    size_t size;
    table_append(&table, 3, (const char *const[]){"name", "n", "note"});
    table_append(&table, 3, (const char *const[]){"ü", "5", ""});
    table_append(&table, 3, (const char *const[]){"longer", "10", "x"});
    table_append(&table, 3, (const char *const[]){"z", NULL, "x"});
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_true(table_write(&table, TABLE_ALIGNED, out, &error));
    fclose(out);
    assert_string_equal(text, "name     n  note\n"
                              "ü        5\n"
                              "longer  10  x\n"
                              "z        -  x\n");
    free(text);
    table_free(&table);
}

static void a_format_is_known_by_its_name_or_refused_with_those_that_are(void **state) {
    (void)state;
    enum table_format format;
    struct error error = {0};
    assert_true(table_format_parse("jsonl", TABLE_CSV | TABLE_JSONL, &format, &error));
    assert_int_equal(format, TABLE_JSONL);
    assert_false(table_format_parse("json", TABLE_CSV | TABLE_JSONL, &format, &error));
    assert_string_equal(error.text, "--format is csv or jsonl, not 'json'; did you mean 'jsonl'?");
}

static int forget(void **state) {
    (void)state;
    free(written);
    written = NULL;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_keeps_null_texts_and_numbers_apart),
        cmocka_unit_test(json_keeps_null_texts_and_numbers_apart),
        cmocka_unit_test(markdown_escapes_what_would_be_markup),
        cmocka_unit_test(bytes_that_are_no_text_become_replacement_characters),
        cmocka_unit_test(two_columns_of_one_name_are_no_object),
        cmocka_unit_test(numbers_read_back_to_the_bit),
        cmocka_unit_test(numbers_have_no_more_digits_than_they_need),
        cmocka_unit_test(columns_of_numbers_align_to_the_right),
        cmocka_unit_test(a_format_is_known_by_its_name_or_refused_with_those_that_are),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
