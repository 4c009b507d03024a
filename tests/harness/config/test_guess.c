/*
 * What is guessed of small files, and what is asked instead. The files are written here, so that
 * every guess can be seen to be right.
 */
#include "harness/config/guess.h"
#include "models/base/utf8.h"
#include "tests/workloads/data/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <cmocka.h>

static struct guess guess;
static struct error error;

static bool try_file(const char *name, const char *label, const char *text) {
    struct guess_request request = {.file = files_path(name), .label = label};
    if (text) strcpy(request.text.name[request.text.n++], text);
    memset(&error, 0, sizeof error);
    guess_free(&guess);
    return guess_data(&request, &guess, &error);
}

static void guess_of(const char *name) {
    if (!try_file(name, NULL, NULL)) fail_msg("%s", files_message(&error));
}

static void expect(const char *key, const char *value) {
    const struct guessed *setting = guess_find(&guess, key);
    if (!setting || !setting->value.data)
        fail_msg("nothing was guessed for %s", key);
    else
        assert_string_equal(setting->value.data, value);
}

static void expect_none(const char *key) {
    const struct guessed *setting = guess_find(&guess, key);
    assert_true(!setting || !setting->value.data);
}

static void expect_why(const char *key, const char *part) {
    const struct guessed *setting = guess_find(&guess, key);
    assert_non_null(setting);
    if (!strstr(setting->why.data, part))
        fail_msg("expected '%s' in '%s'", part, setting->why.data);
}

static void expect_refusal(const char *name, const char *part) {
    assert_false(try_file(name, NULL, NULL));
    if (!strstr(files_message(&error), part))
        fail_msg("expected '%s' in '%s'", part, files_message(&error));
}

/* n rows of a format with an %d for the row and a %s for one of two classes. */
static void write_rows(const char *name, const char *first, const char *row, int n) {
    FILE *file = fopen(files_path(name), "w");
    char line[300];
    assert_non_null(file);
    fputs(first, file);
    for (int i = 0; i < n; i++) {
        const char *class = i % 2 ? "yes" : "no";
        size_t used = 0;
        for (const char *c = row; *c; c++)
            if (c[0] == '%' && c[1] == 's')
                used += (size_t)snprintf(line + used, sizeof line - used, "%s", class), c++;
            else if (c[0] == '%' && c[1] == 'd')
                used += (size_t)snprintf(line + used, sizeof line - used, "%d", i), c++;
            else
                line[used++] = *c;
        line[used] = '\0';
        fputs(line, file);
    }
    assert_int_equal(fclose(file), 0);
}

static void few_different_values_are_a_label_and_many_words_a_text(void **state) {
    (void)state;
    write_rows("a.csv", "id,ticket,action\r\n", "x%d,\"one two, three\",%s\r\n", 20);
    guess_of("a.csv");
    expect("source", "csv");
    expect("train_file", "a.csv");
    expect("label", "action");
    expect("text", "[ticket]");
    expect("test_share", "0.2");
    expect("max_len", "8"); /* four tokens */
    expect_why("max_len", "at most 4 words, half at most 4");
    expect_why("label", "2 different values ('no', 'yes')");
    expect_none("header");
    expect_none("drop_empty");
    expect_none("second_text");
    expect_none("train_limit");
    assert_string_equal(guess.file.data + strlen(files_folder), "/a.csv: 20 rows of 3 columns");
}

static void a_name_decides_between_columns_that_could_be_it(void **state) {
    (void)state;
    write_rows("a.csv", "language,Label,note,text,title\n",
               "en,%s,a longer note than the text is,the text itself,a short title %d\n", 30);
    guess_of("a.csv");
    expect("label", "Label");
    expect("text", "[title, text]");
    expect_why("text", "could be as well: 'note'");
    write_rows("a.csv", "language,label,text\n", "%s,v%d,some text\n", 30);
    guess_of("a.csv"); /* a label of 30 values in 30 rows is none */
    expect("label", "language");
}

static void names_make_a_pair(void **state) {
    (void)state;
    write_rows("a.tsv", "sentence1\tsentence2\tsentence1_parse\tgold_label\n",
               "a man %d eats\ta man sleeps\t( a ( man ( eats ) ) )\t%s\n", 20);
    guess_of("a.tsv");
    expect("source", "tsv");
    expect("text", "[sentence1]");
    expect("second_text", "[sentence2]");
    expect("label", "gold_label");
    expect("max_len", "8"); /* 4 + 1 + 3 */
}

static void a_first_record_that_recurs_or_has_numbers_is_no_header(void **state) {
    (void)state;
    write_rows("a.csv", "yes,the first text\n", "%s,text number %d\n", 20);
    guess_of("a.csv");
    expect("label", "1");
    expect("text", "[2]");
    assert_string_equal(guess.file.data + strlen(files_folder), "/a.csv: 21 rows of 2 columns");
    write_rows("a.csv", "1,the first text\n", "%s,text number %d\n", 20);
    guess_of("a.csv");
    expect("label", "1");
    assert_string_equal(guess.file.data + strlen(files_folder), "/a.csv: 21 rows of 2 columns");
}

static void a_name_that_stands_in_a_row_by_chance_is_one_still(void **state) {
    (void)state;
    write_rows("a.csv", "label,text\nno,text\n", "%s,text number %d\n", 20);
    guess_of("a.csv");
    expect("label", "label");
    assert_string_equal(guess.file.data + strlen(files_folder), "/a.csv: 21 rows of 2 columns");
    write_rows("a.csv", "tone,said\nno,said\n", "%s,text number %d\n", 1000);
    guess_of("a.csv");
    expect("label", "tone");
    write_rows("a.csv", "question,why so\n", "%s,text number %d\nquestion,and %d\n", 20);
    guess_of("a.csv");
    expect("label", "1"); /* a class, whatever it is called */
}

static void columns_without_a_name_of_their_own_have_numbers(void **state) {
    (void)state;
    write_rows("a.csv", ",text,text\n", "%s,one two three,row %d is longer than that\n", 20);
    guess_of("a.csv");
    expect("label", "1");
    expect("text", "[3]");
    expect("header", "true");
}

static void keys_of_json_lines_are_columns(void **state) {
    (void)state;
    write_rows("a.jsonl", "", "{\"meta\":{\"a.b\":\"%s\"},\"n\":%d,\"body\":\"some long text\"}\n",
               20);
    guess_of("a.jsonl");
    expect("source", "jsonl");
    expect("label", "\"meta.a\\\\.b\""); /* in YAML's quotes */
    expect("text", "[body]");
    files_write("a.jsonl", "{\"label\":1,\"text\":\"a b\"}\n[\n");
    expect_refusal("a.jsonl", "a.jsonl:2:2: ");
}

/* Only what the reader finds by the path that is written can be guessed. */
static void a_key_that_no_path_leads_to_is_no_column(void **state) {
    (void)state;
    write_rows("a.jsonl", "", "{\"\":\"%s\",\"kind\":\"%s\",\"text\":\"row number %d\"}\n", 20);
    guess_of("a.jsonl");
    expect("label", "kind");
    write_rows("a.jsonl", "",
               "{\"\":{\"b\":\"%s\"},\"a\\\\\":{\"b\":\"%s\"},"
               "\"c\\\\\":\"%s\",\"text\":\"row number %d\"}\n",
               20);
    guess_of("a.jsonl");
    expect("label", "\"c\\\\\""); /* a backslash hides a dot alone */
    assert_string_equal(strstr(guess.file.data, ": 20"), ": 20 rows of 2 keys");
    assert_false(try_file("a.jsonl", "", NULL));
    assert_non_null(strstr(error.text, "no column ''"));
}

static void a_key_that_some_rows_lack_is_not_taken(void **state) {
    (void)state;
    write_rows("a.jsonl", "{\"label\":1,\"kind\":\"yes\",\"text\":\"a b\"}\n",
               "{\"kind\":\"%s\",\"text\":\"some text %d\"}\n", 20);
    guess_of("a.jsonl");
    expect("label", "kind");
}

static void empty_rows_are_counted_and_dropped(void **state) {
    (void)state;
    write_rows("a.csv", "label,text\nyes,\n,no label\n\nno,  \n", "%s,text number %d\n", 20);
    guess_of("a.csv");
    expect("drop_empty", "true");
    expect_why("drop_empty", "rows without a label: 1, without a text: 2, empty lines: 1");
}

static void empty_rows_of_several_texts_and_files_are_counted(void **state) {
    (void)state;
    write_rows("a.csv", "\n\nlabel,title,text\nyes,,a b\nno,c d,\n", "%s,a t,text number %d\n", 20);
    guess_of("a.csv");
    expect("label", "label");
    expect_why("drop_empty", "label: 0, without a text: at most 1, empty lines: 2");
    write_rows("y_train.csv", "label,text\n", "%s,text number %d\n", 20);
    files_write("y_test.csv", "label,text\nyes,\n,no label\n\nno,a b\n");
    guess_of("y_train.csv");
    expect("test_file", "y_test.csv");
    expect("drop_empty", "true");
    expect_why("drop_empty", "empty lines: 0; such rows beside it: 3");
    files_write("a.csv", "\n\n");
    expect_refusal("a.csv", "one column alone");
}

static void files_beside_a_training_file_are_found_if_they_fit(void **state) {
    (void)state;
    write_rows("x_train.csv", "label,text\n", "%s,text number %d\n", 20);
    write_rows("x_dev.csv", "label,text\n", "%s,text number %d\n", 4);
    guess_of("x_train.csv");
    expect("test_file", "x_dev.csv"); /* no other to test on */
    expect_none("test_share");
    expect_none("validation_file");
    files_write_gzip("x_test.csv.gz", "label,text\nyes,a b\n", 19);
    guess_of("x_train.csv");
    expect("test_file", "x_test.csv");
    expect("validation_file", "x_dev.csv");
    files_write("x_dev.csv", "label,text\nperhaps,a b\n");
    guess_of("x_train.csv");
    expect_none("validation_file");
    expect_why("test_file", "x_dev.csv is beside it and not taken: its class 'perhaps' is none");
    files_write_gzip("x_test.csv.gz", "id,text\n1,a b\n", 14);
    guess_of("x_train.csv");
    expect("test_share", "0.2");
    expect_why("test_share", "x_test.csv is beside it and not taken: it has no column 'label'");
}

static void what_is_told_is_not_guessed(void **state) {
    (void)state;
    write_rows("a.csv", "language,tone,text,note\n", "en,%s,row %d,a longer note than that\n", 20);
    assert_true(try_file("a.csv", "language", "text"));
    expect("label", "language");
    expect("text", "[text]");
    assert_true(try_file("a.csv", "2", "4"));
    expect("label", "tone");
    expect("text", "[note]");
    assert_false(try_file("a.csv", "tune", NULL));
    assert_string_equal(error.text + strlen(error.text) - 55,
                        "no column 'tune', as --label says; did you mean 'tone'?");
}

static void no_column_is_label_and_text(void **state) {
    (void)state;
    write_rows("a.csv", "tone,label,text,note\n", "%s,%s it is,row %d,a longer note\n", 20);
    assert_false(try_file("a.csv", "text", "3"));
    assert_non_null(strstr(error.text, "column 'text' is named twice, as --label and --text: label "
                                       "and texts are different columns"));
    assert_true(try_file("a.csv", NULL, "label")); /* which could be the label else */
    expect("text", "[label]");
    expect("label", "tone");
    struct guess_request request = {.file = files_path("a.csv"), .text = {2, {"text", "3"}}};
    guess_free(&guess);
    assert_false(guess_data(&request, &guess, &error));
    assert_non_null(strstr(error.text, "column 'text' is named twice, as --text"));
}

static void numbers_of_columns_are_no_names_of_a_pair(void **state) {
    (void)state;
    write_rows("a.csv", "", "row number %d,a longer text it is,%s\n", 20);
    guess_of("a.csv");
    expect("label", "3");
    expect("text", "[2]");
    expect_none("second_text");
}

static void a_name_that_no_section_can_repeat_is_refused(void **state) {
    (void)state;
    static const char *const names[] = {"a\nb.csv", "a\xff.csv", "quarter\x7f.csv"};
    static const char *const shown[] = {"a\\u000ab.csv\": a workload file cannot repeat",
                                        "a\xef\xbf\xbd.csv\": ", "rename the file"};
    for (int i = 0; i < 3; i++) {
        expect_refusal(names[i], shown[i]); /* not there */
        write_rows(names[i], "label,text\n", "%s,row %d\n", 20);
        expect_refusal(names[i], shown[i]);
        assert_int_equal(symlink(names[i], files_path("link.csv")), 0);
        expect_refusal("link.csv", shown[i]);
        assert_int_equal(unlink(files_path("link.csv")), 0);
    }
    expect_refusal("quarters.csv", "no file");
    assert_null(strstr(error.text, "did you mean")); /* what is near cannot be meant */
}

static void what_cannot_be_guessed_is_asked(void **state) {
    (void)state;
    write_rows("a.csv", "tone,mood,text\n", "%s,good,row %d\n", 10);
    write_rows("b.csv", "tone,mood,text\n", "%s,bad,row %d\n", 10);
    FILE *out = fopen(files_path("a.csv"), "a");
    assert_non_null(out);
    for (int i = 0; i < 10; i++) fprintf(out, "no,bad,row %d\n", i);
    assert_int_equal(fclose(out), 0);
    expect_refusal("a.csv", "several columns could be the label; say it: --label COLUMN. There is "
                            "'tone' (2 values, 1.0 words), 'mood' (2 values, 1.0 words)");
    write_rows("a.csv", "a,b\n", "%s %d x,y\n", 20);
    expect_refusal("a.csv", "no column looks like a label");
    write_rows("a.csv", "a,b\n", "%s,%d\n", 20);
    expect_refusal("a.csv", "no column beside the label has texts");
}

static void files_that_are_no_table_say_so(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *message;
    } bad[] = {{"label,text\n", "a.csv has a header and no rows"},
               {"text\none\ntwo\n", "a.csv:1: one column alone"},
               {"label;text\na;b\n", "a.csv:1: semicolons seem to separate the columns"},
               {"LOC:x where is it ?\n", "source: label-text"},
               {"a,b\n1\n", "a.csv:2: 1 field where the first record has 2"},
               {"a,\"b\n1,2\n", "a.csv:1: a quoted field opens here and never closes"},
               {"[{\"a\": 1},\n {\"a\": 2}]\n", "; one object a line is wanted"},
               {"[\n {\"a\": 1}, {\"a\": 2}]\n", "`jq -c '.[]' OLD >NEW.jsonl` makes that"},
               {"[{\"a\": 1}, {\"a\": 2}]", "a.csv:1: this is one JSON value; one object a line"},
               {"{\n \"rows\": [{\"a\": 1}]}\n", "; one object a line is wanted"},
               {"{\"rows\": [{\"a\": 1}]}\n", "with source: json names the parts"},
               {"\xef\xbb\xbf", "a byte-order mark and no text"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        files_write("a.csv", bad[i].bytes);
        expect_refusal("a.csv", bad[i].message);
    }
    files_write("a.csv", "");
    expect_refusal("a.csv", "a.csv is empty");
    files_write_bytes("a.csv", "a,b\n\0,1\n", 8);
    expect_refusal("a.csv", "NUL byte: this is not a text file");
    expect_refusal("absent.csv", "no file");
    expect_refusal("b.csw", "/b.csv?");
}

static void an_error_of_a_later_line_is_no_document(void **state) {
    (void)state;
    files_write("a.jsonl", "{\"label\":1,\"text\":\"a b\"}\n{\"label\":1,}\n");
    expect_refusal("a.jsonl", "a.jsonl:2:12: expected a string");
    assert_null(strstr(error.text, "jq"));
}

static void a_header_may_begin_with_a_bracket(void **state) {
    (void)state;
    static const char *const headers[] = {"{label},text\n", "[label],text\n", "{,text\n",
                                          "[1] label,text\n"};
    static const char *const labels[] = {"\"{label}\"", "\"[label]\"", "\"{\"", "\"[1] label\""};
    for (int i = 0; i < 4; i++) {
        write_rows("a.csv", headers[i], "%s,row number %d\n", 20);
        guess_of("a.csv");
        expect("source", "csv");
        expect("label", labels[i]);
    }
    write_rows("a.jsonl", "", "[ %d, \"%s\", \"row number %d\"]\n", 20);
    guess_of("a.jsonl");
    expect("source", "jsonl");
    expect("label", "2");
}

static void a_mark_and_another_encoding_are_seen(void **state) {
    (void)state;
    write_rows("a.csv", "\xef\xbb\xbflabel,text\n", "%s,text number %d\n", 20);
    guess_of("a.csv");
    expect("label", "label");
    expect_none("encoding");
    write_rows("a.csv", "label,text\n", "%s,caf\xe9 number %d\n", 20);
    guess_of("a.csv");
    expect("encoding", "windows-1252");
    assert_string_equal(error.text, ""); /* of the attempt as UTF-8 */
}

static void a_file_in_another_encoding_is_not_taken(void **state) {
    (void)state;
    static const char *const texts[] = {"%s,caf\xe9 number %d\n", "%s,caf\xc3\xa9 number %d\n"};
    for (int i = 0; i < 2; i++) {
        write_rows("e_train.csv", "label,text\n", texts[i], 20);
        write_rows("e_test.csv", "label,text\n", texts[!i], 4);
        guess_of("e_train.csv");
        expect_why("test_share",
                   "e_test.csv is beside it and not taken: it is in another encoding");
        write_rows("e_test.csv", "label,text\n", "%s,text number %d\n", 4);
        guess_of("e_train.csv");
        expect("test_file", "e_test.csv"); /* ASCII is both */
    }
}

static void a_reason_is_cut_between_characters(void **state) {
    (void)state;
    write_rows("u_train.csv", "label,text\n", "%s,text number %d\n", 20);
    files_write("u_test.csv", "label,text\nx\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
                              "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3"
                              "\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9,a b\n");
    guess_of("u_train.csv");
    const struct text *why = &guess_find(&guess, "test_share")->why;
    expect_why("test_share", "its class 'x\xc3\xa9");
    assert_int_equal(utf8_valid_prefix(why->data, why->size), why->size);
}

/* A longer word in place of `train` may not fit: what is left of such a name is another file. */
static void a_name_too_long_beside_it_is_none(void **state) {
    (void)state;
    char folder[OPTION_STRING_MAX], train[OPTION_STRING_MAX], other[OPTION_STRING_MAX];
    size_t size = OPTION_STRING_MAX - 1 - strlen("/train.csvabcde");
    memset(folder, 'd', size);
    folder[size] = '\0';
    for (size_t i = 100; i < size; i += 100) folder[i] = '/';
    for (size_t i = 100; i < size; i += 100) {
        folder[i] = '\0';
        assert_int_equal(mkdir(files_path(folder), 0700), 0);
        folder[i] = '/';
    }
    assert_int_equal(mkdir(files_path(folder), 0700), 0);
    strcat(strcpy(train, folder), "/train.csvabcde");
    strcat(strcpy(other, folder), "/validation.csv");
    write_rows(train, "label,text\n", "%s,text number %d\n", 20);
    write_rows(other, "label,text\n", "%s,text number %d\n", 4);
    guess_of(train);
    expect("test_share", "0.2");
}

static void write_long_rows(const char *name, int rows, int classes, int words) {
    FILE *file = fopen(files_path(name), "w");
    assert_non_null(file);
    fputs("label,text\n", file);
    for (int i = 0; i < rows; i++) {
        fprintf(file, "c%d,", i % classes);
        for (int w = 0; w < words; w++) fputs("w ", file);
        fputs("\n", file);
    }
    assert_int_equal(fclose(file), 0);
}

static void too_many_tokens_are_limited_for_a_first_look(void **state) {
    (void)state;
    write_long_rows("a.csv", 8000, 4, 200); /* of which 128 words are kept */
    guess_of("a.csv");
    expect("max_len", "128");
    expect("train_limit", "130"); /* 30,000 * 160 / (160 + 128) / 128 = 130.2 */
    expect("test_limit", "520");  /* of 1,600 */
    expect_why("train_limit",     /* 6,400 / 130 */
               "all 6400 rows to train on, without these two lines, take about 49.2 times");
    write_long_rows("a.csv", 8000, 4, 32);
    guess_of("a.csv");
    expect("max_len", "32");
    expect("train_limit", "780"); /* 30,000 * 160 / (160 + 32) / 32 = 781.25 */
    write_long_rows("a.csv", 40, 4, 9);
    guess_of("a.csv");
    expect("max_len", "12"); /* a multiple of four */
}

static void a_limit_leaves_out_rows_and_no_class(void **state) {
    (void)state;
    write_long_rows("a.csv", 2600, 4, 200);
    guess_of("a.csv");
    expect_why("train_limit", "all 2080 rows to train on, without this line, take about 16.0");
    expect_none("test_limit");             /* 520 are tested, four times 130 */
    write_long_rows("a.csv", 202, 4, 200); /* of 162 to train on, 130 are a fifth less */
    guess_of("a.csv");
    expect_none("train_limit");
    write_long_rows("a.csv", 204, 4, 200); /* of 163, less than four fifths */
    guess_of("a.csv");
    expect("train_limit", "130");
    write_long_rows("a.csv", 8000, 800, 120);
    guess_of("a.csv");
    expect("train_limit", "4000"); /* five of each */
}

/* Any bytes: a guess or an error, and nothing worse. */
static void no_bytes_crash_the_guessing(void **state) {
    (void)state;
    static const char *const seeds[] = {"label,text\nyes,a b\nno,\"c \"\"d\"\"\"\n",
                                        "{\"label\":1,\"text\":\"a b\"}\n", "1\ta b\n2\tc d\n",
                                        "a,a,\n1,2,3\n"};
    uint32_t random = 7;
    for (int i = 0; i < 2000; i++) {
        char bytes[200];
        const char *seed = seeds[i % 4];
        size_t size = strlen(seed);
        memcpy(bytes, seed, size + 1);
        for (int k = 0; k < 3; k++) {
            random = random * 1664525 + 1013904223;
            bytes[(random >> 8) % size] = (char)(random >> 24);
        }
        files_write_bytes("f.csv", bytes, size);
        if (!try_file("f.csv", i % 3 ? NULL : "1", i % 5 ? NULL : "2"))
            assert_true(error.text[0] != '\0');
    }
}

static int close_files(void **state) {
    guess_free(&guess);
    return files_close(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_different_values_are_a_label_and_many_words_a_text),
        cmocka_unit_test(a_name_decides_between_columns_that_could_be_it),
        cmocka_unit_test(names_make_a_pair),
        cmocka_unit_test(a_first_record_that_recurs_or_has_numbers_is_no_header),
        cmocka_unit_test(a_name_that_stands_in_a_row_by_chance_is_one_still),
        cmocka_unit_test(columns_without_a_name_of_their_own_have_numbers),
        cmocka_unit_test(keys_of_json_lines_are_columns),
        cmocka_unit_test(a_key_that_no_path_leads_to_is_no_column),
        cmocka_unit_test(a_key_that_some_rows_lack_is_not_taken),
        cmocka_unit_test(empty_rows_are_counted_and_dropped),
        cmocka_unit_test(empty_rows_of_several_texts_and_files_are_counted),
        cmocka_unit_test(files_beside_a_training_file_are_found_if_they_fit),
        cmocka_unit_test(what_is_told_is_not_guessed),
        cmocka_unit_test(no_column_is_label_and_text),
        cmocka_unit_test(numbers_of_columns_are_no_names_of_a_pair),
        cmocka_unit_test(a_name_that_no_section_can_repeat_is_refused),
        cmocka_unit_test(what_cannot_be_guessed_is_asked),
        cmocka_unit_test(files_that_are_no_table_say_so),
        cmocka_unit_test(an_error_of_a_later_line_is_no_document),
        cmocka_unit_test(a_header_may_begin_with_a_bracket),
        cmocka_unit_test(a_mark_and_another_encoding_are_seen),
        cmocka_unit_test(a_file_in_another_encoding_is_not_taken),
        cmocka_unit_test(a_reason_is_cut_between_characters),
        cmocka_unit_test(a_name_too_long_beside_it_is_none),
        cmocka_unit_test(too_many_tokens_are_limited_for_a_first_look),
        cmocka_unit_test(a_limit_leaves_out_rows_and_no_class),
        cmocka_unit_test(no_bytes_crash_the_guessing),
    };
    return cmocka_run_group_tests(tests, files_open, close_files);
}
