/*
 * The readers: what they accept, what they refuse and where, and that no bytes crash them.
 */
#include "tests/fuzz.h"
#include "tests/workloads/data/files.h"
#include "workloads/data/reader.h"
#include "workloads/data/reader_plain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static struct error error;

/* What a reader handed on: each row as "label|text|text", or "label|text||second", in fixed
 * room. */
struct heard {
    int n, line[8];
    char row[8][256];
};

static bool hear(void *owner, const struct row *row, struct error *ignored) {
    (void)ignored;
    struct heard *heard = owner;
    char line[256];
    int used = snprintf(line, sizeof line, "%.*s", (int)row->label.size, row->label.data);
    for (int i = 0; i < row->n_text + row->n_second && used < (int)sizeof line; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%s%.*s",
                         i == row->n_text ? "||" : "|", (int)row->text[i].size, row->text[i].data);
    if (heard->n < 8) {
        heard->line[heard->n] = row->at.line;
        memcpy(heard->row[heard->n], line, sizeof line);
    }
    heard->n++;
    return true;
}

static bool refuse(void *owner, const struct row *row, struct error *out) {
    (void)owner;
    return error_set_at(out, &row->at, "no");
}

/* `text` is the columns of the text, separated by blanks; "" leaves the defaults. */
static struct data_config config_of(int source, const char *label, const char *text) {
    struct data_config config;
    options_default(&data_options, &config);
    config.source = source;
    snprintf(config.label, sizeof config.label, "%s", label);
    char room[200], *rest = room, *word;
    snprintf(room, sizeof room, "%s", text);
    while ((word = strsep(&rest, " ")))
        if (*word) strcpy(config.text.name[config.text.n++], word);
    return config;
}

/* The reader may write into the file, so that it gets one of the size to the byte. */
static bool read_bytes(const char *text, size_t size, const struct data_config *config,
                       struct heard *out) {
    struct text_file file = {.data = malloc(size + 1), .size = size, .path = "x"};
    const struct row_sink sink = {.part = PART_TRAIN, .take = hear, .owner = out};
    assert_non_null(file.data);
    memcpy(file.data, text, size);
    file.data[size] = '\0';
    memset(out, 0, sizeof *out);
    memset(&error, 0, sizeof error);
    bool ok = reader_find(config->source)(&file, config, &sink, &error);
    text_file_free(&file);
    return ok;
}

static void read_rows(const char *text, struct data_config config, struct heard *out) {
    char formatted[1400];
    if (read_bytes(text, strlen(text), &config, out)) return;
    error_format(&error, formatted, sizeof formatted);
    fail_msg("%s", formatted);
}

static void expect_row(const struct heard *heard, int i, int line, const char *row) {
    assert_in_range(i, 0, heard->n - 1);
    assert_int_equal(heard->line[i], line);
    assert_string_equal(heard->row[i], row);
}

static void expect_refusal(const char *text, struct data_config config, const char *message) {
    struct heard heard;
    if (read_bytes(text, strlen(text), &config, &heard)) fail_msg("accepted: %s", text);
    char formatted[1400];
    error_format(&error, formatted, sizeof formatted);
    assert_string_equal(formatted, message);
}

static void label_text_lines_are_split_at_the_first_blank(void **state) {
    (void)state;
    struct heard heard;
    read_rows("NUM:dist How far is it ?\r\nA\tb c\nB x", config_of(SOURCE_LABEL_TEXT, "", ""),
              &heard);
    assert_int_equal(heard.n, 3);
    expect_row(&heard, 0, 1, "NUM:dist|How far is it ?");
    expect_row(&heard, 1, 2, "A|b c");
    expect_row(&heard, 2, 3, "B|x");
}

static void an_empty_label_text_line_is_refused(void **state) {
    (void)state;
    expect_refusal("A b\n\nA c\n", config_of(SOURCE_LABEL_TEXT, "", ""),
                   "x:2: empty line; expected `label text`");
}

static void csv_fields_may_hold_quotes_commas_and_line_breaks(void **state) {
    (void)state;
    struct heard heard;
    read_rows("1,\"say \"\"hi\"\"\",\"a,b\"\r\n\"2\",\"two\nlines\r\nmore\",\n3,x,y",
              config_of(SOURCE_CSV, "1", "2 3"), &heard);
    assert_int_equal(heard.n, 3);
    expect_row(&heard, 0, 1, "1|say \"hi\"|a,b");
    expect_row(&heard, 1, 2, "2|two\nlines\r\nmore|");
    expect_row(&heard, 2, 5, "3|x|y");
}

static void tsv_fields_hold_everything_but_tabs(void **state) {
    (void)state;
    struct heard heard;
    read_rows("say \"hi\", you\t1\r\n\"\t0\n", config_of(SOURCE_TSV, "2", "1"), &heard);
    assert_int_equal(heard.n, 2);
    expect_row(&heard, 0, 1, "1|say \"hi\", you");
    expect_row(&heard, 1, 2, "0|\"");
}

static void columns_are_numbers_or_names_of_the_header(void **state) {
    (void)state;
    static const char file[] = "title,text,\"class\"\na,b,news\n";
    struct data_config numbers = config_of(SOURCE_CSV, "3", "2 1");
    struct heard heard;
    read_rows(file, numbers, &heard);
    assert_int_equal(heard.n, 2); /* numbers alone do not say that there is a header */
    numbers.header = true;
    read_rows(file, numbers, &heard);
    assert_int_equal(heard.n, 1);
    expect_row(&heard, 0, 2, "news|b|a");
    read_rows(file, config_of(SOURCE_CSV, "class", "text title"), &heard);
    assert_int_equal(heard.n, 1);
    expect_row(&heard, 0, 2, "news|b|a");
    read_rows(file, config_of(SOURCE_CSV, "3", "text"), &heard);
    assert_int_equal(heard.n, 1);
    read_rows(file, config_of(SOURCE_CSV, "", ""), &heard);
    expect_row(&heard, 1, 2, "a|b");
    expect_refusal(
        file, config_of(SOURCE_CSV, "klass", "text"),
        "x:1: no column 'klass'; the header has: title, text, class; did you mean 'class'?");
    expect_refusal("text,class,text\n", config_of(SOURCE_CSV, "class", "text"),
                   "x:1: columns 1 and 3 are both 'text'; name one by its number and set header: "
                   "true");
}

static void bad_csv_is_refused_at_its_line(void **state) {
    (void)state;
    struct data_config config = config_of(SOURCE_CSV, "1", "2 3");
    expect_refusal("1,a,b\n1,\"a\nb,c\n", config,
                   "x:2: a quoted field opens here and never closes");
    expect_refusal("1,\"a\n\"x,b\n", config,
                   "x:2: text after a closing quote; write a quote inside a field as \"\"");
    expect_refusal("1,a\"b,c\n", config,
                   "x:1: a quote inside an unquoted field; quote the whole field");
    expect_refusal("1,\"a\nb\",c\n1,a\n", config, "x:3: 2 fields where the first record has 3");
    expect_refusal("1,a,b\n\n1,a,b\n", config, "x:2: empty line; expected 3 fields");
    expect_refusal("1,a\n", config, "x:1: the data section asks for column 3 of 2");
    char wide[400];
    memset(wide, ',', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    expect_refusal(wide, config, "x:1: more than 256 fields");
}

static void bad_tsv_is_refused_at_its_line(void **state) {
    (void)state;
    struct data_config config = config_of(SOURCE_TSV, "1", "2");
    expect_refusal("1\ta\n1\ta\tb\n", config, "x:2: 3 fields where the first record has 2");
    expect_refusal("1 a\n", config, "x:1: the data section asks for column 2 of 1");
}

static void a_file_of_another_kind_is_told_by_its_first_line(void **state) {
    (void)state;
    struct data_config csv = config_of(SOURCE_CSV, "1", "2"), tsv = config_of(SOURCE_TSV, "1", "2");
    expect_refusal("a;b\n", csv,
                   "x:1: the data section asks for column 2 of 1; semicolons seem to separate the "
                   "fields: save the file with commas");
    expect_refusal("a;b;c, d\ne;f;g\n", csv,
                   "x:2: 1 field where the first record has 2; semicolons seem to separate the "
                   "fields: save the file with commas");
    expect_refusal(
        "label;text\na;b\n", config_of(SOURCE_CSV, "label", "text"),
        "x:1: no column 'label'; the header has: label;text; semicolons seem to separate "
        "the fields: save the file with commas");
    expect_refusal(
        "a\tb\n", csv,
        "x:1: the data section asks for column 2 of 1; tabs seem to separate the fields: "
        "such a file is source: tsv");
    expect_refusal("a,b\n", tsv,
                   "x:1: the data section asks for column 2 of 1; commas seem to separate the "
                   "fields: such a file is source: csv");
    expect_refusal("a,b\n", config_of(SOURCE_CSV, "0", "1"),
                   "x:1: no column '0'; the header has: a, b; numbers of columns count from 1");
    struct data_config lines = config_of(SOURCE_JSONL, "", ""),
                       one = config_of(SOURCE_JSON, "", "");
    expect_refusal("[\n{\"label\":1,\"text\":2}]\n", lines,
                   "x:1:2: expected a value (the text ends here); a file that is one document is "
                   "source: json");
    expect_refusal(
        "[{\"label\":1,\"text\":2}]\n", lines,
        "x:1:1: no entry 'label' in a list of 1; entries count from 1; a file that is one "
        "document is source: json");
    expect_refusal("{\"label\":1,\"text\":2}\n{\"label\":1,\"text\":2}\n", one,
                   "x:2:1: unexpected bytes after the document; a file with a value a line is "
                   "source: jsonl");
}

static void a_sink_that_refuses_stops_the_reader(void **state) {
    (void)state;
    struct text_file file = {.data = strdup("A b\nA c\n"), .size = 8, .path = "x"};
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "", "");
    const struct row_sink sink = {.part = PART_TRAIN, .take = refuse};
    memset(&error, 0, sizeof error);
    assert_false(reader_label_text(&file, &config, &sink, &error));
    assert_string_equal(error.text, "no");
    assert_int_equal(error.at.line, 1);
    text_file_free(&file);
}

static void json_lines_are_objects_or_lists(void **state) {
    (void)state;
    static const char lines[] = "{\"label\":1,\"text\":\"a \\\"b\\\"\\n\\u00e9\",\"meta\":"
                                "{\"topic\":\"x\",\"parts\":[\"one\",\"two\"]}}\r\n"
                                "{\"text\":2.50,\"label\":true,\"meta\":{\"topic\":\"y\",\"parts\":"
                                "[\"three\",\"four\"]}}";
    struct heard heard;
    read_rows(lines, config_of(SOURCE_JSONL, "", ""), &heard);
    assert_int_equal(heard.n, 2);
    expect_row(&heard, 0, 1, "1|a \"b\"\n\xc3\xa9");
    expect_row(&heard, 1, 2, "true|2.50");
    read_rows(lines, config_of(SOURCE_JSONL, "meta.topic", "meta.parts.2 text"), &heard);
    expect_row(&heard, 0, 1, "x|two|a \"b\"\n\xc3\xa9");
    expect_row(&heard, 1, 2, "y|four|2.50");
    read_rows("[\"text\",\"a\"]\n", config_of(SOURCE_JSONL, "2", "1"), &heard);
    expect_row(&heard, 0, 1, "a|text");
}

static void a_key_may_have_a_dot(void **state) {
    (void)state;
    static const char line[] = "{\"meta.topic\":\"x\",\"meta\":{\"topic\":\"y\",\"a.b.\":\"z\"},"
                               "\"\\\\\":\"w\"}\n";
    struct heard heard;
    read_rows(line, config_of(SOURCE_JSONL, "meta\\.topic", "meta.topic meta.a\\.b\\. \\"), &heard);
    expect_row(&heard, 0, 1, "x|y|z|w");
    expect_refusal("{\"a.b\":1}\n", config_of(SOURCE_JSONL, "a.b", ""),
                   "x:1:1: no key 'a'; there is: a.b; a dot in a key is written \\.");
}

static void a_json_document_has_its_rows_at_a_path(void **state) {
    (void)state;
    static const char document[] = "{\n  \"val\": [[\"q\", \"c\"]],\n"
                                   "  \"all\": {\"train\": [\n [\"t1\", \"a\"],\n"
                                   "    [\"t2\", \"b\"]]}\n}\n";
    struct data_config config = config_of(SOURCE_JSON, "2", "1");
    struct heard heard;
    strcpy(config.train_rows, "all.train");
    read_rows(document, config, &heard);
    assert_int_equal(heard.n, 2);
    expect_row(&heard, 0, 4, "a|t1");
    expect_row(&heard, 1, 5, "b|t2");
    config.train_rows[0] = '\0';
    read_rows("[[\"t\", \"a\"]]", config, &heard);
    expect_row(&heard, 0, 1, "a|t");
    expect_refusal(document, config,
                   "x:1:1: the document must be a list of rows; train_rows says where it is");
    strcpy(config.train_rows, "all.test");
    expect_refusal(document, config, "x:3:10: no key 'test'; there is: train");
}

static void second_texts_come_after_the_first(void **state) {
    (void)state;
    struct heard heard;
    struct data_config config = config_of(SOURCE_TSV, "", "");
    config.second_text = (struct name_list){2, {"4", "3"}};
    read_rows("a\tb\tc\td\n", config, &heard);
    expect_row(&heard, 0, 1, "a|b||d|c");
    config = config_of(SOURCE_CSV, "gold", "p");
    config.second_text = (struct name_list){1, {"q"}};
    read_rows("p,q,gold\n1,2,3\n", config, &heard);
    expect_row(&heard, 0, 2, "3|1||2");
    config = config_of(SOURCE_JSONL, "gold", "p");
    config.second_text = (struct name_list){1, {"q.2"}};
    read_rows("{\"gold\":3,\"p\":\"one\",\"q\":[\"two\",\"three\"]}\n", config, &heard);
    expect_row(&heard, 0, 1, "3|one||three");
    expect_refusal("{\"gold\":3,\"p\":\"one\"}\n", config, "x:1:1: no key 'q'; there is: gold, p");
}

static void bad_json_is_refused_at_its_place(void **state) {
    (void)state;
    static const char good[] = "{\"label\":1,\"text\":\"a\"}\n";
    struct data_config config = config_of(SOURCE_JSONL, "", "");
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"{\"label\":1}", "x:2:1: no key 'text'; there is: label"},
        {"{\"label\":null,\"text\":\"a\"}",
         "x:2:10: 'label' is null; drop_empty: true leaves such rows out"},
        {"{\"label\":[1],\"text\":\"a\"}",
         "x:2:10: 'label' is a list, not one text or number; name its parts"},
        {"[1,2]", "x:2:1: no entry 'label' in a list of 2; entries count from 1"},
        {"7", "x:2:1: no 'label' in a single value"},
        {"", "x:2: empty line; expected a JSON value"},
        {"{\"label\":1,\"text\":\"a}", "x:2:22: a string is not closed (the text ends here)"},
        {"{\"label\":1,\"text\":\"a\",\"label\":2}",
         "x:2:23: duplicate key 'label'; it was first given at line 2, column 2"},
        {"{\"label\":1}}", "x:2:12: unexpected bytes after the document"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text, "%s%s\n%s", good, cases[i].line, good);
        expect_refusal(text, config, cases[i].message);
    }
}

static void files_of_one_class_have_a_text_a_line_or_are_one(void **state) {
    (void)state;
    struct heard heard;
    read_rows("one text\r\nanother", config_of(SOURCE_CLASS_FILES, "", ""), &heard);
    assert_int_equal(heard.n, 2);
    expect_row(&heard, 0, 1, "|one text\r");
    expect_row(&heard, 1, 2, "|another");
    read_rows("one text\nanother", config_of(SOURCE_CLASS_FOLDERS, "", ""), &heard);
    assert_int_equal(heard.n, 1);
    expect_row(&heard, 0, 0, "|one text\nanother");
}

static void no_bytes_crash_a_reader(void **state) {
    (void)state;
    static const char *const words[] = {"\"", "\"\"", ",",   "\n", "\r\n", "\"\n", ",\"",
                                        "\t", "\r",   "[",   "{",  "null", "]",    "\\u",
                                        ":",  "\\",   "}\n", ";",  "."};
    const struct {
        struct data_config config;
        const char *good;
        bool may_refuse;
    } cases[] = {
        {config_of(SOURCE_CSV, "1", "2 3"), "1,\"a \"\"b\"\"\",c\r\n\"2\",\"d\ne\",f\n3,,\"\"\n",
         true},
        {config_of(SOURCE_CSV, "name", "text"), "text,name\n\"a\nb\",c\nd,e\n", true},
        {config_of(SOURCE_TSV, "2", "1"), "a \"b\"\t1\r\nc\t2\n\t3\n", true},
        {config_of(SOURCE_LABEL_TEXT, "", ""), "LAB:x some text\nB\tother\r\n", true},
        {config_of(SOURCE_JSONL, "a.b.2", "text"),
         "{\"a\":{\"b\":[1,\"x\"]},\"text\":\"t\\u0041\"}\n{\"text\":1,\"a\":{\"b\":[0,2]}}\n",
         true},
        {config_of(SOURCE_JSONL, "a\\.b.1", "c\\."), "{\"a.b\":[\"x\"],\"c.\":\"t\"}\n", true},
        {config_of(SOURCE_JSON, "2", "1"), "[[\"t1\",\"a\"],\n [\"t\\n2\", 3]]\n", true},
        {config_of(SOURCE_CLASS_FILES, "", ""), "a b\nc\r\n\nd", false},
        {config_of(SOURCE_CLASS_FOLDERS, "", ""), "a b\nc\r\n\nd", false},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fuzz fuzz = {20240607};
        int refused = 0;
        for (int i = 0; i < 20000; i++) {
            char text[256];
            struct heard heard;
            size_t size = fuzz_mutate(&fuzz, cases[k].good, strlen(cases[k].good), words,
                                      sizeof words / sizeof *words, text, sizeof text);
            bool ok = read_bytes(text, size, &cases[k].config, &heard);
            assert_int_equal(ok, error.text[0] == '\0');
            assert_true(ok || error.at.line > 0);
            refused += !ok;
        }
        /* the mutations reach both outcomes */
        if (cases[k].may_refuse)
            assert_in_range(refused, 500, 19500);
        else
            assert_int_equal(refused, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(label_text_lines_are_split_at_the_first_blank),
        cmocka_unit_test(an_empty_label_text_line_is_refused),
        cmocka_unit_test(csv_fields_may_hold_quotes_commas_and_line_breaks),
        cmocka_unit_test(tsv_fields_hold_everything_but_tabs),
        cmocka_unit_test(columns_are_numbers_or_names_of_the_header),
        cmocka_unit_test(bad_csv_is_refused_at_its_line),
        cmocka_unit_test(bad_tsv_is_refused_at_its_line),
        cmocka_unit_test(a_file_of_another_kind_is_told_by_its_first_line),
        cmocka_unit_test(a_sink_that_refuses_stops_the_reader),
        cmocka_unit_test(json_lines_are_objects_or_lists),
        cmocka_unit_test(a_key_may_have_a_dot),
        cmocka_unit_test(a_json_document_has_its_rows_at_a_path),
        cmocka_unit_test(second_texts_come_after_the_first),
        cmocka_unit_test(bad_json_is_refused_at_its_place),
        cmocka_unit_test(files_of_one_class_have_a_text_a_line_or_are_one),
        cmocka_unit_test(no_bytes_crash_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
