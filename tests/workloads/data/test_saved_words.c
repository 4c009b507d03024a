/*
 * A tokeniser read back from JSON cuts texts as the training data was cut, and every way its JSON
 * can be wrong is an error that says what.
 */
#include "tests/fuzz.h"
#include "workloads/data/saved_words.h"
#include "models/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char good[] =
    "{\"kind\":\"word\",\"words\":[\"<unk>\",\"how\",\"far\",\"?\",\"\xC3\xBC"
    "ber\"],\"max_len\":4}";

static void texts_become_tokens_of_the_saved_words(void **state) {
    (void)state;
    struct saved_words words;
    struct saved_text text;
    struct error error;
    int32_t tokens[16];
    char a[] = "How FAR, \xC3\x9C"
               "ber?",
         b[] = "far far far far far far", c[] = " \t", d[] = "<unk>";
    if (!saved_words_read(good, &words, &error)) fail_msg("%s", error.text);
    assert_int_equal(words.max_len, 4);
    assert_true(saved_words_tokenise(&words, a, NULL, tokens, 8, &text, &error));
    static const int32_t want[] = {1, 2, 0, 4, 3};
    assert_int_equal(text.n, 5);
    assert_memory_equal(tokens, want, sizeof want);
    assert_int_equal(text.n_unknown, 1); /* the comma */
    assert_int_equal(text.n_cut, 0);
    assert_true(saved_words_tokenise(&words, b, NULL, tokens, 4, &text, &error));
    assert_int_equal(text.n, 4);
    assert_int_equal(text.n_cut, 2);
    assert_false(saved_words_tokenise(&words, c, NULL, tokens, 4, &text, &error));
    assert_non_null(strstr(error.text, "without a word"));
    assert_true(saved_words_tokenise(&words, d, NULL, tokens, 4, &text, &error));
    assert_int_equal(text.n_unknown, 3); /* three marks and letters, never the token <unk> */
    saved_words_free(&words);
}

static void characters_are_read_by_a_tokenizer_of_characters(void **state) {
    (void)state;
    struct saved_words words;
    struct saved_text text;
    struct error error;
    int32_t tokens[16];
    char a[] = " Ab \t b?", b[] = "\n";
    if (!saved_words_read("{\"kind\":\"character\",\"words\":[\"<unk>\",\"b\",\" \",\"a\"],"
                          "\"max_len\":8}",
                          &words, &error))
        fail_msg("%s", error.text);
    assert_true(saved_words_tokenise(&words, a, NULL, tokens, 8, &text, &error));
    static const int32_t want[] = {3, 1, 2, 1, 0};
    assert_int_equal(text.n, 5);
    assert_memory_equal(tokens, want, sizeof want);
    assert_int_equal(text.n_unknown, 1);
    assert_false(saved_words_tokenise(&words, b, NULL, tokens, 8, &text, &error));
    assert_non_null(strstr(error.text, "without a character"));
    saved_words_free(&words);
}

/* The same cut as in training: test_dataset holds that one to text_pair_cut. */
static void pairs_need_two_texts_and_both_are_cut(void **state) {
    (void)state;
    struct saved_words words;
    struct saved_text text;
    struct error error;
    int32_t tokens[12];
    char a[] = "a b c d e", b[] = "e d zzz", c[] = "a", d[] = "?", e[] = "<sep>", f[] = " ";
    if (!saved_words_read("{\"kind\":\"word\",\"words\":[\"<unk>\",\"<sep>\",\"a\",\"b\",\"c\","
                          "\"d\",\"e\"],\"max_len\":6}",
                          &words, &error))
        fail_msg("%s", error.text);
    assert_int_equal(words.separator, 1);
    assert_true(saved_words_tokenise(&words, a, b, tokens, 6, &text, &error));
    static const int32_t want[] = {2, 3, 4, 1, 6, 5};
    assert_int_equal(text.n, 6);
    assert_memory_equal(tokens, want, sizeof want);
    assert_int_equal(text.n_cut, 3);
    assert_int_equal(text.n_unknown, 0);
    assert_true(saved_words_tokenise(&words, c, d, tokens, 6, &text, &error));
    assert_true(text.n == 3 && text.n_cut == 0 && text.n_unknown == 1);
    assert_true(tokens[0] == 2 && tokens[1] == 1 && tokens[2] == 0);
    assert_true(saved_words_tokenise(&words, c, e, tokens, 6, &text, &error));
    assert_true(text.n == 5 && text.n_unknown == 3); /* never the separator */
    assert_false(saved_words_tokenise(&words, c, NULL, tokens, 6, &text, &error));
    assert_non_null(strstr(error.text, "reads pairs of texts; give the second one"));
    assert_false(saved_words_tokenise(&words, c, f, tokens, 6, &text, &error));
    assert_non_null(strstr(error.text, "second text without a word"));
    saved_words_free(&words);
    if (!saved_words_read(good, &words, &error)) fail_msg("%s", error.text);
    assert_int_equal(words.separator, 0);
    assert_false(saved_words_tokenise(&words, c, d, tokens, 6, &text, &error));
    assert_non_null(strstr(error.text, "reads single texts; leave the second one out"));
    saved_words_free(&words);
}

/* Whatever the texts, no more than the room is used and every token is one of the words. */
static void no_text_exceeds_its_room(void **state) {
    (void)state;
    static const char first[] = "a b \xc3\x9c? <sep> c", last[] = "d\xe3\x80\x80"
                                                                  "e";
    static const char *const pieces[] = {" ", "a", "\xc3\x9c", "<sep>", "\t", "?"};
    static const char *const kinds[] = {"word", "character"};
    struct fuzz fuzz = {11};
    for (int i = 0; i < 20000; i++) {
        int room = 1 + (int)fuzz_below(&fuzz, 8);
        char json[160], a[96], b[96];
        int32_t tokens[2 * 8];
        struct saved_words words;
        struct saved_text text;
        struct error error;
        snprintf(json, sizeof json,
                 "{\"kind\":\"%s\",\"words\":[\"<unk>\",\"a\",\" \"%s],\"max_len\":8}",
                 kinds[i % 2], i % 3 ? ",\"<sep>\"" : "");
        if (!saved_words_read(json, &words, &error)) fail_msg("%s", error.text);
        size_t size = fuzz_mutate(&fuzz, first, sizeof first - 1, pieces, 6, a, sizeof a - 1);
        a[utf8_valid_prefix(a, size)] = '\0';
        size = fuzz_mutate(&fuzz, last, sizeof last - 1, pieces, 6, b, sizeof b - 1);
        b[utf8_valid_prefix(b, size)] = '\0';
        memset(tokens, 0x55, sizeof tokens);
        if (saved_words_tokenise(&words, a, words.separator ? b : NULL, tokens, room, &text,
                                 &error)) {
            int n_separators = 0;
            assert_in_range(text.n, 1, room);
            for (int t = 0; t < text.n; t++) {
                assert_in_range(tokens[t], 0, words.words.n - 1);
                n_separators += words.separator && tokens[t] == words.separator;
            }
            assert_int_equal(n_separators, words.separator ? 1 : 0);
            for (int t = 2 * room; t < 16; t++) assert_int_equal(tokens[t], 0x55555555);
        }
        saved_words_free(&words);
    }
}

static void generated_tokens_cannot_read_a_text(void **state) {
    (void)state;
    struct saved_words words;
    struct saved_text text;
    struct error error;
    int32_t tokens[8];
    char t[] = "t0 t1";
    assert_true(saved_words_read("{\"kind\":\"word\",\"words\":[\"t0\",\"t1\"],\"max_len\":4}",
                                 &words, &error));
    assert_false(saved_words_tokenise(&words, t, NULL, tokens, 4, &text, &error));
    assert_non_null(strstr(error.text, "generated tokens ('t0'"));
    saved_words_free(&words);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"[]", "expected an object"},
        {"{\"kind\":\"bpe\",\"words\":[\"a\"],\"max_len\":1}", "word|character, not 'bpe'"},
        {"{\"kind\":[],\"words\":[\"a\"],\"max_len\":1}", "kind"},
        {"{\"words\":[\"a\"],\"max_len\":1}", "kind"},
        {"{\"kind\":\"word\",\"words\":[\"a\"]}", "max_len"},
        {"{\"kind\":\"word\",\"words\":[\"a\"],\"max_len\":0}", "max_len"},
        {"{\"kind\":\"word\",\"words\":[\"a\"],\"max_len\":1e3}", "max_len"},
        {"{\"kind\":\"word\",\"words\":[\"a\"],\"max_len\":99999999999}", "max_len"},
        {"{\"kind\":\"word\",\"words\":[],\"max_len\":1}", "list of texts"},
        {"{\"kind\":\"word\",\"max_len\":1}", "list of texts"},
        {"{\"kind\":\"word\",\"words\":[\"a\",7],\"max_len\":1}", "entry 1 is not a text"},
        {"{\"kind\":\"word\",\"words\":[\"a\",\"b\",\"a\"],\"max_len\":1}",
         "entries 0 and 2 are both 'a'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct saved_words words;
        struct error error;
        if (saved_words_read(cases[i][0], &words, &error)) fail_msg("accepted: %s", cases[i][0]);
        if (!strstr(error.text, cases[i][1]))
            fail_msg("'%s' does not say '%s'", error.text, cases[i][1]);
    }
}

/* Any damage is an error or a tokeniser, never a crash or a leak (run under the sanitizers). */
static void damaged_json_is_refused_or_read(void **state) {
    (void)state;
    static const char *const words[] = {"\"", "[", "]", "{", "0", "-1", "\"words\"", "null", ","};
    struct fuzz fuzz = {5};
    for (int i = 0; i < 20000; i++) {
        char text[256];
        struct saved_words saved;
        struct error error;
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text - 1);
        text[size] = '\0';
        if (saved_words_read(text, &saved, &error)) saved_words_free(&saved);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_tokens_of_the_saved_words),
        cmocka_unit_test(characters_are_read_by_a_tokenizer_of_characters),
        cmocka_unit_test(pairs_need_two_texts_and_both_are_cut),
        cmocka_unit_test(no_text_exceeds_its_room),
        cmocka_unit_test(generated_tokens_cannot_read_a_text),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(damaged_json_is_refused_or_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
