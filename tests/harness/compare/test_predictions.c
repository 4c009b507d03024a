/*
 * Files of predictions: lines in any order and of any size, ids that are numbers or texts, times in
 * stretches, and any bytes read or refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/compare/side.h"
#include "tests/fuzz.h"
#include "tests/harness/scratch.h"

#include <math.h>

static bool read_text(const char *text, struct outcomes *out, struct error *error) {
    struct scratch scratch;
    char path[160];
    assert_true(scratch_make(&scratch));
    assert_true(scratch_write(&scratch, "p.jsonl", text));
    bool ok = predictions_read(scratch_path(&scratch, "p.jsonl", path, sizeof path), out, error);
    scratch_remove(&scratch);
    return ok;
}

static void answers_stand_by_workload_seed_and_input(void **state) {
    (void)state;
    struct outcomes out = {0};
    struct error error = {0};
    if (!read_text(
            "{\"workload\": \"v\", \"seed\": 2, \"input\": 10, \"label\": 1, \"predicted\": 1}\n"
            "{\"workload\": \"v\", \"seed\": 2, \"input\": \"9\", \"label\": 1, \"predicted\": \"1\"}\n"
            "{\"workload\": \"v\", \"seed\": -1, \"input\": \"b\", \"label\": \"x\", \"predicted\": \"y\"}\n"
            "{\"seed\": 5, \"workload\": \"u\", \"input\": 1.5, \"label\": 0, \"predicted\": 2, \"more\": []}\n"
            "{\"workload\": \"v\", \"seed\": 2, \"input\": \"a\", \"label\": 1, \"predicted\": 0}",
            &out, &error))
        fail_msg("%s", error.text);
    assert_int_equal(out.n_answers, 3);
    assert_int_equal(out.n_measured, 0);
    assert_string_equal(out.answers[0].workload, "u");
    assert_string_equal(out.answers[0].id[0], "1.5");
    assert_int_equal(out.answers[1].seed, -1);
    assert_int_equal(out.answers[1].right[0], 0);
    assert_int_equal(out.answers[2].seed, 2);
    assert_int_equal(out.answers[2].n, 3); /* shorter ids first, so numbers are in order */
    assert_string_equal(out.answers[2].id[0], "9");
    assert_string_equal(out.answers[2].id[1], "a");
    assert_string_equal(out.answers[2].id[2], "10");
    assert_int_equal(out.answers[2].right[0], 1);
    assert_int_equal(out.answers[2].right[1], 0);
    assert_int_equal(out.answers[2].label[0], out.answers[2].label[2]);
    outcomes_free(&out);
}

/* 23 times, 100 to 122 in the order of the file although inputs are not: the median is 111, the ten
 * stretches begin at 0, 2, 4, 6, 9, 11, 13, 16, 18, 20. */
static void times_are_cut_into_stretches_of_the_file(void **state) {
    (void)state;
    struct text text = {0};
    struct outcomes out = {0};
    struct error error = {0};
    for (int i = 0; i < 23; i++)
        text_append(&text, "{\"input\": %d, \"label\": 1, \"predicted\": 1, \"latency_ns\": %d}\n",
                    (i * 7) % 23, 100 + i);
    text_append(&text, "{\"input\": 23, \"label\": 1, \"predicted\": 1, \"latency_ns\": null}\n");
    if (!read_text(text.data, &out, &error)) fail_msg("%s", error.text);
    text_free(&text);
    assert_int_equal(out.n_measured, 1);
    assert_int_equal(out.answers[0].n, 24);
    assert_true(out.measured[0].value == 111);
    assert_int_equal(out.measured[0].n_blocks, 10);
    assert_true(out.measured[0].block[0] == 100.5); /* 0 and 1 */
    assert_true(out.measured[0].block[3] == 107);   /* 6, 7, 8 */
    assert_true(out.measured[0].block[9] == 121);   /* 20, 21, 22 */
    outcomes_free(&out);
}

static void wrong_lines_are_named(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"\n", "p.jsonl:1: empty line"},
        {"{\"input\": 1", "p.jsonl:1:"},
        {"7", "a line must be an object"},
        {"{\"input\": [1], \"label\": 1, \"predicted\": 1}",
         ":1:11: 'input' must be a text or a number"},
        {"{\"input\": 1, \"label\": true, \"predicted\": 1}", "'label' is true"},
        {"{\"input\": 1, \"predicted\": 1}", "no 'label'"},
        {"{\"input\": 1, \"label\": 1, \"predicted\": 1, \"seed\": \"1\"}", "'seed' must be"},
        {"{\"input\": 1, \"label\": 1, \"predicted\": 1, \"seed\": 99999999999999999999}",
         "'seed' must be"},
        {"{\"input\": 1, \"label\": 1, \"predicted\": 1, \"latency_ns\": 0}",
         "'latency_ns' must be"},
        {"{\"input\": 1, \"label\": 1, \"predicted\": 1, \"workload\": {}}", "'workload' must be"},
        {"{\"input\": 1, \"label\": 1, \"predicted\": 1, \"workload\": \"a\\nb\"}",
         ":1:54: 'workload' must be a name without line breaks"},
        {"{\"input\": 1, \"input\": 1, \"label\": 1, \"predicted\": 1}", "p.jsonl:1:"},
        {"{\"input\": 0, \"label\": 1, \"predicted\": 1}\n"
         "{\"input\": 7, \"label\": 1, \"predicted\": 1}\n"
         "{\"input\": 7, \"label\": 1, \"predicted\": 1, \"seed\": 3}\n"
         "{\"input\": 7, \"label\": 1, \"predicted\": 1}\n",
         "p.jsonl:4: input '7' of seed 0 is answered twice, first in line 2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcomes out = {0};
        struct error error = {0};
        char text[sizeof error.text + 300];
        assert_false(read_text(cases[i][0], &out, &error));
        error_format(&error, text, sizeof text);
        if (!strstr(text, cases[i][1])) fail_msg("'%s' is not in: %s", cases[i][1], text);
        outcomes_free(&out);
    }
}

static void any_bytes_are_read_or_refused(void **state) {
    (void)state;
    static const char good[] =
        "{\"seed\": 1, \"input\": 7, \"label\": \"x\", \"predicted\": \"y\", \"latency_ns\": 5}\n"
        "{\"seed\": 1, \"input\": 8, \"label\": \"x\", \"predicted\": \"x\", \"workload\": \"w\"}\n";
    static const char *const words[] = {"\"input\"", "null",  "{",     "}", "\n",
                                        ",",         "1e400", "\"x\"", "8"};
    struct fuzz fuzz = {20261127};
    struct scratch scratch;
    char path[160], text[512];
    int accepted = 0;
    assert_true(scratch_make(&scratch));
    scratch_path(&scratch, "f.jsonl", path, sizeof path);
    for (int i = 0; i < 4000; i++) {
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text);
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, size, file), size);
        fclose(file);
        struct outcomes out = {0};
        struct error error = {0};
        bool ok = predictions_read(path, &out, &error);
        accepted += ok;
        assert_true(ok ? out.n_answers > 0 : error.text[0] != '\0');
        outcomes_free(&out);
    }
    scratch_remove(&scratch);
    assert_in_range(accepted, 50, 3000); /* both ways are exercised */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_stand_by_workload_seed_and_input),
        cmocka_unit_test(times_are_cut_into_stretches_of_the_file),
        cmocka_unit_test(wrong_lines_are_named),
        cmocka_unit_test(any_bytes_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
