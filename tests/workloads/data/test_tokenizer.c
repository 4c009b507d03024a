/*
 * The tokeniser and the vocabulary that is chosen from its words.
 */
#include "tests/fuzz.h"
#include "workloads/data/split.h"
#include "models/base/utf8.h"
#include "workloads/data/tokenizer.h"
#include "workloads/data/vocabulary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* The tokens of a text joined by '|'. */
static const char *cut(enum tokenizer_kind kind, const char *text) {
    static char out[512];
    char copy[256];
    struct tokenizer t = {.kind = kind, .rest = copy};
    size_t used = 0;
    snprintf(copy, sizeof copy, "%s", text);
    out[0] = '\0';
    while (tokenizer_next(&t))
        used += (size_t)snprintf(out + used, sizeof out - used, "%s%.*s", used ? "|" : "",
                                 (int)t.size, t.token);
    return out;
}

static const char *tokens_of(const char *text) {
    return cut(TOKENIZER_WORD, text);
}

static void words_are_lower_case_and_marks_stand_alone(void **state) {
    (void)state;
    assert_string_equal(tokens_of("What is an Atom?"), "what|is|an|atom|?");
    assert_string_equal(tokens_of("  don't -- U.S.A 1,000\t"), "don|'|t|-|-|u|.|s|.|a|1|,|000");
    assert_string_equal(tokens_of("a_b\\c <unk>"), "a|_|b|\\|c|<|unk|>");
    assert_string_equal(tokens_of(" \n\t"), "");
    assert_string_equal(tokens_of(""), "");
}

static void letters_beyond_ascii_are_letters(void **state) {
    (void)state;
    assert_string_equal(tokens_of("\xc3\x89T\xc3\x89 na\xc3\xafve"),
                        "\xc3\xa9t\xc3\xa9|na\xc3\xafve");
    assert_string_equal(tokens_of("a\xc3\x97"
                                  "b"),
                        "a|\xc3\x97|b"); /* multiplication sign */
    assert_string_equal(tokens_of("\xd0\x96\xe6\xbc\xa2"), "\xd0\x96\xe6\xbc\xa2");
    assert_string_equal(tokens_of("a\xc2\xa0"
                                  "b\xe2\x80\x94"
                                  "c\xe3\x80\x80"
                                  "d"),
                        "a|b|\xe2\x80\x94|c|d"); /* no-break space, em dash, ideographic space */
    assert_string_equal(tokens_of("\xf0\x9f\x98\x80x"), "\xf0\x9f\x98\x80x");
}

static void characters_are_lower_case_and_white_space_is_one_token(void **state) {
    (void)state;
    assert_string_equal(cut(TOKENIZER_CHARACTER, "An Atom?"), "a|n| |a|t|o|m|?");
    assert_string_equal(cut(TOKENIZER_CHARACTER, " \t a\r\n \xc2\xa0-\xe3\x80\x80"
                                                 "b \n"),
                        "a| |-| |b");
    assert_string_equal(cut(TOKENIZER_CHARACTER, "\xc3\x89\xe2\x82\xac\xf0\x9f\x98\x80"),
                        "\xc3\xa9|\xe2\x82\xac|\xf0\x9f\x98\x80");
    assert_string_equal(cut(TOKENIZER_CHARACTER, "<sep>"), "<|s|e|p|>");
    assert_string_equal(cut(TOKENIZER_CHARACTER, " \n\t"), "");
    assert_string_equal(cut(TOKENIZER_CHARACTER, ""), "");
}

static void kinds_have_names(void **state) {
    (void)state;
    enum tokenizer_kind kind = TOKENIZER_WORD;
    assert_true(tokenizer_find("character", &kind));
    assert_int_equal(kind, TOKENIZER_CHARACTER);
    assert_false(tokenizer_find("bpe", &kind));
    char joined[64];
    snprintf(joined, sizeof joined, "%s|%s", tokenizer_name(TOKENIZER_WORD),
             tokenizer_name(TOKENIZER_CHARACTER));
    assert_string_equal(joined, TOKENIZER_KINDS);
}

static bool is_blank(const char *text, size_t size) {
    char copy[128];
    struct tokenizer t = {.rest = copy};
    snprintf(copy, sizeof copy, "%.*s", (int)size, text);
    return !tokenizer_next(&t);
}

/* In the order of the text, without overlap; what is between them is white space. */
static void check_cover(enum tokenizer_kind kind, const char *text) {
    char copy[128];
    size_t n = 0, size = strlen(text), blanks = 0;
    struct tokenizer t = {.kind = kind, .rest = copy};
    snprintf(copy, sizeof copy, "%s", text);
    char *end = copy;
    bool was_space = true; /* no space is the first token */
    while (tokenizer_next(&t)) {
        bool is_space = t.size == 1 && *t.token == ' ';
        assert_true(t.size > 0 && t.token >= end && t.token + t.size <= t.rest);
        assert_true(t.rest <= copy + size);
        assert_true(is_blank(text + (end - copy), (size_t)(t.token - end)));
        assert_int_equal(utf8_valid_prefix(t.token, t.size), t.size);
        if (kind == TOKENIZER_WORD) assert_null(memchr(t.token, ' ', t.size));
        if (kind == TOKENIZER_CHARACTER) {
            assert_true(t.size == 4 || utf8_valid_prefix(t.token, t.size - 1) == 0);
            assert_true(is_space || t.token == end || n == 0);
            assert_false(is_space && was_space);
        }
        end = is_space ? t.rest : t.token + t.size;
        was_space = is_space;
        blanks += is_space;
        n++;
    }
    assert_true(n == 0 || !was_space);
    assert_true(is_blank(text + (end - copy), size - (size_t)(end - copy)));
    assert_ptr_equal(t.rest, copy + size);
    assert_int_equal(strlen(copy), size);
    assert_true(kind == TOKENIZER_CHARACTER || blanks == 0);
}

static void tokens_of_any_valid_text_cover_it_once(void **state) {
    (void)state;
    static const char good[] = "What's \xc3\x89t\xc3\xa9, 3\xe2\x82\xac \xf0\x9f\x98\x80 end.";
    static const char *const words[] = {"\xc3\x97", "\xe2\x80\x83", " ", "Z", "\xc2\xa0", "?"};
    struct fuzz fuzz = {77};
    for (int i = 0; i < 20000; i++) {
        char text[128];
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text - 1);
        size = utf8_valid_prefix(text, size);
        text[size] = '\0';
        check_cover(TOKENIZER_WORD, text);
        check_cover(TOKENIZER_CHARACTER, text);
    }
}

static const char *const sentence[] = {"b", "a", "c", "b", "d", "a", "b"}; /* b3 a2 c1 d1 */

static void choose(int min_count, int limit, const char *expected) {
    struct word_table table = {0};
    struct split train;
    struct error error;
    int32_t tokens[7], map[8];
    char **words, joined[64] = "";
    int n;
    assert_int_equal(word_table_add(&table, "rare", 4), 0); /* not in the training part */
    for (int i = 0; i < 7; i++) tokens[i] = word_table_add(&table, sentence[i], 1);
    assert_true(split_new(1, 7, false, &train, &error));
    split_add(&train, tokens, 7, 0, -1, NULL);
    assert_true(vocabulary_choose(&table, &train, min_count, limit, map, &words, &n, &error));
    for (int i = 0; i < n; i++) strcat(strcat(joined, words[i]), " ");
    assert_string_equal(joined, expected);
    for (int i = 0; i < table.n; i++)
        if (map[i] != 0) assert_string_equal(words[map[i]], table.words[i]);
    assert_int_equal(map[0], 0);
    words_free(words, n);
    split_free(&train);
    word_table_free(&table);
}

static void a_vocabulary_is_ranked_by_count_then_alphabet(void **state) {
    (void)state;
    choose(1, 100, "<unk> b a c d ");
    choose(2, 100, "<unk> b a ");
    choose(1, 4, "<unk> b a c ");
    choose(9, 100, "<unk> ");
}

static void a_word_table_keeps_thousands_of_words_apart(void **state) {
    (void)state;
    struct word_table table = {0};
    char word[16];
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < 20000; i++) {
            int size = snprintf(word, sizeof word, "w%d", i);
            assert_int_equal(word_table_add(&table, word, (size_t)size), i);
        }
    assert_int_equal(table.n, 20000);
    assert_int_equal(word_table_find(&table, "w19999x", 6), 19999); /* size counts, not the end */
    assert_int_equal(word_table_find(&table, "w20000", 6), -1);
    word_table_free(&table);
    assert_int_equal(word_table_find(&table, "w1", 2), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_lower_case_and_marks_stand_alone),
        cmocka_unit_test(letters_beyond_ascii_are_letters),
        cmocka_unit_test(characters_are_lower_case_and_white_space_is_one_token),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(tokens_of_any_valid_text_cover_it_once),
        cmocka_unit_test(a_vocabulary_is_ranked_by_count_then_alphabet),
        cmocka_unit_test(a_word_table_keeps_thousands_of_words_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
