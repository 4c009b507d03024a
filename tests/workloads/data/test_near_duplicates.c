/*
 * Test inputs with the words of a training input: what counts, whatever the order, and which of
 * their labels training contradicts.
 */
#include "tests/workloads/data/data_sets.h"
#include "workloads/data/near_duplicates.h"

static struct near_duplicates found(const struct data_config *config) {
    struct dataset *data = load(config);
    struct near_duplicates out;
    if (!near_duplicates_find(data, &out, &error)) fail_msg("%s", error.text);
    dataset_free(data);
    return out;
}

static void the_same_words_in_any_order_are_found(void **state) {
    (void)state;
    files_write("train", "a man bites dog\nb dog bites man\na one two\nb four\na four\nb five\n");
    /* Two in the order of training or another, one contradicted, two that are new; a word twice is
     * not the word once. */
    files_write("test", "a bites man dog\nb two one\nb four\na one two two\nb dog man\n");
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "test");
    config.validation_share = 0.5; /* is searched as well */
    struct near_duplicates out = found(&config);
    assert_int_equal(out.inputs, 3);
    assert_int_equal(out.contradicted, 1);
}

static void nothing_in_common_is_none(void **state) {
    (void)state;
    files_write("train", "a x one\nb x two\na y one\nb y two\na the p q r\nb the s t u\n");
    /* The same words among test inputs alone, and some words of a training input. */
    files_write("test", "a x x\nb y y\na x y\nb y x\na the p s t\n");
    struct data_config config = config_of(SOURCE_LABEL_TEXT, "train", "test");
    config.validation_share = 0.5;
    struct near_duplicates out = found(&config);
    assert_true(out.inputs == 0 && out.contradicted == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_words_in_any_order_are_found),
        cmocka_unit_test(nothing_in_common_is_none),
    };
    return cmocka_run_group_tests(tests, files_open, files_close);
}
