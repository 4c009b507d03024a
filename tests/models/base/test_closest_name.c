/*
 * Suggestions for misspelt names.
 */
#include "models/base/closest_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void the_nearest_name_is_suggested_and_a_strange_one_is_not(void **state) {
    (void)state;
    static const char *const names[] = {"epochs", "batch", "learning_rate", "k"};
    assert_string_equal(closest_name("epoch", names, 4), "epochs");
    assert_string_equal(closest_name("eopchs", names, 4), "epochs");
    assert_string_equal(closest_name("bacth", names, 4), "batch");
    assert_string_equal(closest_name("leraning_rate", names, 4), "learning_rate");
    assert_null(closest_name("momentum", names, 4));
    assert_null(closest_name("lr", names, 4)); /* two edits make any two letters */
    assert_null(closest_name("", names, 4));
    char long_word[500];
    memset(long_word, 'e', sizeof long_word);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(closest_name(long_word, names, 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_name_is_suggested_and_a_strange_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
