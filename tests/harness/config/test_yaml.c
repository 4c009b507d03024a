/*
 * The YAML reader: what it accepts, what it refuses and where, and ten thousand damaged files.
 */
#include "harness/config/yaml.h"
#include "models/base/text.h"
#include "tests/fuzz.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static void assert_refused(const char *text, size_t size, int line, int column,
                           const char *problem) {
    struct node *root;
    struct error error = {0};
    assert_false(yaml_parse(text, size, "x.yaml", &root, &error));
    assert_null(root);
    if (!strstr(error.text, problem) || error.at.line != line || error.at.column != column)
        fail_msg("%d:%d: %s; expected %d:%d: %s", error.at.line, error.at.column, error.text, line,
                 column, problem);
    assert_string_equal(error.at.file, "x.yaml");
}

static void maps_lists_and_scalars_keep_their_places(void **state) {
    (void)state;
    static const char text[] = "\xEF\xBB\xBF# a workload\nmodel:\n  heads: [1, \"2\"]\n"
                               "  name: 'it''s'\n\xC3\xA9: >\n  two\n  lines\nempty:\n";
    struct node *root;
    struct error error = {0};
    if (!yaml_parse(text, sizeof text - 1, "x.yaml", &root, &error)) fail_msg("%s", error.text);
    assert_int_equal(root->n_children, 3);
    const struct node *model = node_find(root, "model"), *heads = node_find(model, "heads");
    assert_int_equal(model->key_at.line, 2);
    assert_int_equal(heads->kind, NODE_LIST);
    assert_int_equal(heads->at.line, 3);
    assert_int_equal(heads->at.column, 10);
    assert_string_equal(heads->at.file, "x.yaml");
    assert_false(heads->first->quoted);
    assert_true(heads->first->next->quoted);
    assert_string_equal(node_find(model, "name")->text, "it's");
    assert_string_equal(node_find(root, "\xC3\xA9")->text, "two lines\n");
    assert_true(node_find(root, "\xC3\xA9")->quoted);
    assert_string_equal(node_find(root, "empty")->text, "");
    assert_false(node_find(root, "empty")->quoted);
    node_free(root);
}

static void what_a_workload_file_does_not_need_is_refused_at_its_place(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int line, column;
        const char *problem;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key 'a'; it was first given at line 1, column 1"},
        {"a: &x 1\n", 1, 4, "anchors"},
        {"a: &x [1]\n", 1, 4, "anchors"},
        {"a: *x\n", 1, 4, "aliases"},
        {"a:\n  <<: {b: 1}\n", 2, 3, "merge keys"},
        {"a: !!int 3\n", 1, 4, "tags"},
        {"a: !mine {b: 1}\n", 1, 4, "tags"},
        {"---\na: 1\n---\nb: 1\n", 3, 1, "second document"},
        {"? [a]\n: b\n", 1, 3, "a key must be a plain text"},
        {"", 1, 1, "the file is empty"},
        {"# nothing\n", 1, 1, "the file is empty"},
        {"a:\n\tb: 2\n", 2, 1, "indent with spaces, not tabs"},
        {"a:\n  b: \"x\n", 3, 1, "quoted scalar that starts at line 2, column 6"},
        {"a: [1, 2\nb: 3\n", 2, 2, "did not find expected ',' or ']'"},
        {"a: b: c\n", 1, 5, "mapping values are not allowed"},
        {"a: 1\n b: 2\n", 2, 3, "mapping values are not allowed"},
        {"a: 1\nb: \xC3\xA9\xFF\n", 2, 5, "invalid leading UTF-8 octet"},
        {"a: \xC3(\n", 1, 5, "invalid trailing UTF-8 octet"},
        {"a: \x01\n", 1, 4, "control characters are not allowed"},
        {"a: \"x\\0y\"\n", 1, 4, "NUL"},
        {"\xFF\xFE\x61", 1, 1, "this is UTF-16, not UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].column,
                       cases[i].problem);
}

static void a_byte_order_mark_is_no_part_of_the_first_key(void **state) {
    (void)state;
    static const char text[] = "\xEF\xBB\xBFworkload: a\ndim: [\n";
    struct node *root;
    struct error error = {0};
    if (!yaml_parse(text, 15, "x.yaml", &root, &error)) fail_msg("%s", error.text);
    assert_string_equal(node_find(root, "workload")->text, "a");
    assert_int_equal(root->first->key_at.column, 1);
    node_free(root);
    assert_refused(text, sizeof text - 1, 3, 1, "did not find");
    assert_refused("\xEF\xBB\xBF", 3, 1, 1, "the file is empty");
    assert_refused("\xFF\xFEw\0:\0", 6, 1, 1, "iconv -f UTF-16 -t UTF-8");
}

static void deep_nesting_is_an_error_and_no_crash(void **state) {
    (void)state;
    enum { LEVELS = 10000 };
    struct text block = {0}, flow = {0}, keys = {0}, lines = {0}, mixed = {0}, both = {0};
    text_append(&both, "a:\n- b:\n  - c: ");
    for (int i = 0; i < LEVELS; i++) {
        text_append(&block, "- ");
        text_append(&flow, "[");
        text_append(&keys, "{a: ");
        text_append(&mixed, "{a: [");
        text_append(&both, "[{a: ");
        text_append(&lines, "%*sa:\n", i < 100 ? i : 100, "");
    }
    assert_refused(block.data, block.size, 1, 129, "deeper than 64");
    assert_refused(flow.data, flow.size, 1, 65, "deeper than 64");
    assert_refused(keys.data, keys.size, 1, 257, "deeper than 64");
    assert_refused(lines.data, lines.size, 65, 65, "deeper than 64");
    assert_refused(mixed.data, mixed.size, 1, 161, "deeper than 64");
    assert_refused(both.data, both.size, 3, 154, "deeper than 64");
    text_free(&mixed);
    text_free(&both);
    text_free(&block);
    text_free(&flow);
    text_free(&keys);
    text_free(&lines);
}

static void a_file_is_read_and_named_in_errors(void **state) {
    (void)state;
    char path[64];
    int fd = mkstemp(temporary_template(path, sizeof path));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 1\na: 2\n", 10), 10);
    close(fd);
    struct node *root;
    struct error error = {0};
    assert_false(yaml_read(path, &root, &error));
    assert_string_equal(error.at.file, path);
    assert_int_equal(error.at.line, 2);
    assert_int_equal(truncate(path, 5), 0);
    assert_true(yaml_read(path, &root, &error));
    assert_string_equal(node_find(root, "a")->text, "1");
    node_free(root);
    assert_int_equal(truncate(path, (off_t)1 << 40), 0);
    assert_false(yaml_read(path, &root, &error));
    assert_non_null(strstr(error.text, "larger than"));
    unlink(path);
    assert_false(yaml_read(path, &root, &error));
    assert_string_equal(error.text, "cannot open: No such file or directory");
    assert_false(yaml_read("/", &root, &error));
    assert_string_equal(error.text, "cannot open: it is a folder, not a file: name the file in it");
    assert_false(yaml_read("/dev/zero", &root, &error));
    assert_string_equal(error.text, "cannot open: it is not a regular file");
}

static void no_mutation_crashes_the_reader_or_fails_without_a_place(void **state) {
    (void)state;
    static const char good[] = "workload: offsets\nmodel: {layers: 1, heads: [8, \"2\"]}\narms:\n"
                               "  - name: full\n    policy: fixed\n  - name: 'one'\n    k: 1\n"
                               "note: |\n  text \xC3\xA9\n";
    static const char *const words[] = {
        "\t",          "- ",    ": ",           "\n",   "[",    "{",     "]",     "}",  "\"",
        "'",           "&a ",   "*a",           "<<",   "!!x ", "---\n", "...\n", "? ", "|",
        "%YAML 1.1\n", "\\x00", "\xEF\xBB\xBF", "\xC3", "# ",   "\r"};
    struct fuzz fuzz = {20260604};
    int accepted = 0;
    for (int i = 0; i < 10000; i++) {
        char text[320];
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text);
        char *exact = malloc(size ? size : 1); /* so that a sanitizer sees a read past the end */
        assert_non_null(exact);
        memcpy(exact, text, size);
        struct node *root = NULL;
        struct error error = {0};
        if (yaml_parse(exact, size, "f.yaml", &root, &error)) {
            accepted++;
            assert_non_null(root);
        } else {
            assert_null(root);
            assert_true(error.text[0] != '\0');
            assert_true(error.at.line >= 1 && error.at.column >= 1);
            assert_string_equal(error.at.file, "f.yaml");
        }
        node_free(root);
        free(exact);
    }
    assert_in_range(accepted, 100, 9000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_lists_and_scalars_keep_their_places),
        cmocka_unit_test(what_a_workload_file_does_not_need_is_refused_at_its_place),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_first_key),
        cmocka_unit_test(deep_nesting_is_an_error_and_no_crash),
        cmocka_unit_test(a_file_is_read_and_named_in_errors),
        cmocka_unit_test(no_mutation_crashes_the_reader_or_fails_without_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
