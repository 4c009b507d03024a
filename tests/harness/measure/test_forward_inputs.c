/*
 * Lines of numbers as inputs: what is read, what is refused with its line, and anything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "harness/measure/forward_inputs.h"
#include "tests/fuzz.h"

static const struct model_config model = {.vocab = 20, .max_len = 4};

static bool read_text(const char *text, size_t size, struct forward_inputs *out,
                      struct error *error) {
    FILE *in = fmemopen((void *)text, size, "r");
    assert_non_null(in);
    *out = (struct forward_inputs){0};
    bool ok = forward_inputs_read(in, &model, out, error);
    fclose(in);
    return ok;
}

static void a_line_is_its_number_and_its_tokens(void **state) {
    (void)state;
    static const char text[] = "7 1 2 3\n0 19\r\n12\t5 5";
    struct forward_inputs in;
    struct error error;
    assert_true(read_text(text, sizeof text - 1, &in, &error));
    assert_int_equal(in.n, 3);
    assert_int_equal(in.longest, 3);
    assert_memory_equal(in.ids, ((int32_t[]){7, 0, 12}), sizeof(int32_t[3]));
    assert_memory_equal(in.offsets, ((int32_t[]){0, 3, 4, 6}), sizeof(int32_t[4]));
    assert_memory_equal(in.tokens, ((int32_t[]){1, 2, 3, 19, 5, 5}), sizeof(int32_t[6]));
    forward_inputs_free(&in);
}

static void what_is_no_input_is_refused_with_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *says;
    } bad[] = {
        {"1 2\n3 20\n", 9, "line 2: '20' is no number from 0 to 19"},
        {"1 2\n3 -1\n", 9, "line 2: '-1' is no number from 0 to 19"},
        {"1 x2\n", 5, "line 1: 'x2' is no number"},
        {"99999999999999999999 1\n", 23, "line 1: '99999999999999999999' is no number"},
        {"1 2\n\n", 5, "line 2: an input is its number and 1 to 4 tokens, not 0"},
        {"1 2 3 4 5 6\n", 12, "line 1: an input is its number and 1 to 4 tokens, not 5"},
        {"1 2\0 3\n", 7, "line 1: a byte 0 is no number"},
        {"", 1, "line 1: a byte 0"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct forward_inputs in;
        struct error error;
        assert_false(read_text(bad[i].text, bad[i].size, &in, &error));
        if (!strstr(error.text, bad[i].says)) fail_msg("'%s' lacks '%s'", error.text, bad[i].says);
        forward_inputs_free(&in);
    }
}

static void damaged_inputs_are_read_within_bounds_or_refused_with_words(void **state) {
    (void)state;
    static const char good[] = "7 1 2 3\n0 19\n12 5 5\n3 0\n";
    static const char *const words[] = {" ", "\n", "20", "-1", "4294967296", "0x1", "1e3", "\t\t"};
    struct fuzz fuzz = {.state = 77};
    int n_read = 0;
    for (int i = 0; i < 3000; i++) {
        char text[sizeof good + 64];
        struct forward_inputs in;
        struct error error;
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text);
        if (size == 0) continue;
        bool ok = read_text(text, size, &in, &error);
        n_read += ok;
        if (!ok) assert_true(error.text[0] != '\0');
        for (int j = 0; ok && j < in.n; j++)
            assert_in_range(in.offsets[j + 1] - in.offsets[j], 1, model.max_len);
        for (int t = 0; ok && t < in.n_tokens; t++)
            assert_in_range(in.tokens[t], 0, model.vocab - 1);
        forward_inputs_free(&in);
    }
    assert_in_range(n_read, 100, 2900);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_its_number_and_its_tokens),
        cmocka_unit_test(what_is_no_input_is_refused_with_its_line),
        cmocka_unit_test(damaged_inputs_are_read_within_bounds_or_refused_with_words),
    };
    return cmocka_run_group_tests_name("forward_inputs", tests, NULL, NULL);
}
