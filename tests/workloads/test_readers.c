/*
 * The two readers: what they accept, what they refuse and where, and that no bytes crash them.
 */
#include "tests/fuzz.h"
#include "tests/workloads/files.h"
#include "workloads/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct error error;
static const struct csv_format title_and_text = {1, {2, {2, 3}}, false};

/* A file in memory; the readers may write into it. */
static struct text_file text_of(const char *text, size_t size) {
    struct text_file file = {.data = malloc(size + 1), .size = size, .path = "x"};
    memcpy(file.data, text, size);
    file.data[size] = '\0';
    return file;
}

static bool read_text(const char *text, const struct csv_format *format, struct rows *out) {
    struct text_file file = text_of(text, strlen(text));
    memset(&error, 0, sizeof error);
    bool ok =
        format ? reader_csv(&file, format, out, &error) : reader_label_text(&file, out, &error);
    text_file_free(&file);
    return ok;
}

static void expect_row(const struct rows *rows, int i, int line, const char *label,
                       const char *text) {
    assert_in_range(i, 0, rows->n - 1);
    assert_int_equal(rows->row[i].line, line);
    assert_string_equal(rows->pool + rows->row[i].label, label);
    assert_string_equal(rows->pool + rows->row[i].text, text);
}

static void expect_refusal(const char *text, const struct csv_format *format, const char *message) {
    struct rows rows;
    if (read_text(text, format, &rows)) fail_msg("accepted: %s", text);
    char formatted[1400];
    error_format(&error, formatted, sizeof formatted);
    assert_string_equal(formatted, message);
    assert_int_equal(rows.n, 0);
    assert_null(rows.pool);
}

static void label_text_lines_are_split_at_the_first_blank(void **state) {
    (void)state;
    struct rows rows;
    assert_true(read_text("NUM:dist How far is it ?\r\nA\tb c\nB x", NULL, &rows));
    assert_int_equal(rows.n, 3);
    expect_row(&rows, 0, 1, "NUM:dist", " How far is it ?");
    expect_row(&rows, 1, 2, "A", "\tb c");
    expect_row(&rows, 2, 3, "B", " x");
    rows_free(&rows);
}

static void bad_label_text_lines_are_refused(void **state) {
    (void)state;
    expect_refusal("A b\n\nA c\n", NULL, "x:2: empty line; expected `label text`");
    expect_refusal("A b\n no label\n", NULL, "x:2: the label is empty");
}

static void csv_fields_may_hold_quotes_commas_and_line_breaks(void **state) {
    (void)state;
    struct rows rows;
    assert_true(read_text("1,\"say \"\"hi\"\"\",\"a,b\"\r\n\"2\",\"two\nlines\r\nmore\",\n3,x,y",
                          &title_and_text, &rows));
    assert_int_equal(rows.n, 3);
    expect_row(&rows, 0, 1, "1", "say \"hi\" a,b");
    expect_row(&rows, 1, 2, "2", "two\nlines\r\nmore ");
    expect_row(&rows, 2, 5, "3", "x y");
    rows_free(&rows);
}

static void csv_columns_and_header_are_as_configured(void **state) {
    (void)state;
    const struct csv_format format = {3, {3, {2, 1, 2}}, true};
    struct rows rows;
    assert_true(read_text("title,text,class\na,b,news\n", &format, &rows));
    assert_int_equal(rows.n, 1);
    expect_row(&rows, 0, 2, "news", "b a b");
    rows_free(&rows);
}

static void bad_csv_is_refused_at_its_line(void **state) {
    (void)state;
    const struct csv_format *format = &title_and_text;
    expect_refusal("1,a,b\n1,\"a\nb,c\n", format,
                   "x:2: a quoted field opens here and never closes");
    expect_refusal("1,\"a\n\"x,b\n", format,
                   "x:2: text after a closing quote; write a quote inside a field as \"\"");
    expect_refusal("1,a\"b,c\n", format,
                   "x:1: a quote inside an unquoted field; quote the whole field");
    expect_refusal("1,\"a\nb\",c\n1,a\n", format, "x:3: 2 fields where the first record has 3");
    expect_refusal("1,a,b\n\n1,a,b\n", format, "x:2: 1 field where the first record has 3");
    expect_refusal("1,a\n", format, "x:1: the data section asks for column 3 of 2");
    expect_refusal("1,a,b\n,a,b\n", format, "x:2: the label is empty");
    char wide[400];
    memset(wide, ',', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    expect_refusal(wide, format, "x:1: more than 256 fields");
}

static void no_bytes_crash_a_reader(void **state) {
    (void)state;
    static const char good[] =
        "1,\"a \"\"b\"\"\",c\r\n\"2\",\"d\ne\",f\nLAB:x some text\n3,,\"\"\n";
    static const char *const words[] = {"\"", "\"\"", ",", "\n", "\r\n", "\"\n", ",\"", " ", "\r"};
    struct fuzz fuzz = {20240607};
    int refused = 0;
    for (int i = 0; i < 20000; i++) {
        char text[256];
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text);
        for (int csv = 0; csv < 2; csv++) {
            struct text_file file = text_of(text, size);
            struct rows rows;
            memset(&error, 0, sizeof error);
            bool ok = csv ? reader_csv(&file, &title_and_text, &rows, &error)
                          : reader_label_text(&file, &rows, &error);
            text_file_free(&file);
            assert_int_equal(ok, error.text[0] == '\0');
            assert_true(ok || error.at.line > 0);
            refused += !ok;
            rows_free(&rows);
        }
    }
    assert_in_range(refused, 5000, 39000); /* the mutations reach both outcomes */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label_text_lines_are_split_at_the_first_blank),
        cmocka_unit_test(bad_label_text_lines_are_refused),
        cmocka_unit_test(csv_fields_may_hold_quotes_commas_and_line_breaks),
        cmocka_unit_test(csv_columns_and_header_are_as_configured),
        cmocka_unit_test(bad_csv_is_refused_at_its_line),
        cmocka_unit_test(no_bytes_crash_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
