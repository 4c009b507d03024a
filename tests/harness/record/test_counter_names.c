/*
 * The names under which counts are stored: every count has one, and no two have the same.
 */
#include "harness/record/counter_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

enum { COUNTERS = (int)COUNTER_ROLES + CARD_ROLES + SOFTWARE_EVENTS };

static const char *name_of(int i) {
    if (i < COUNTER_ROLES) return counter_role_names[i];
    i -= COUNTER_ROLES;
    return i < CARD_ROLES ? card_role_names[i] : software_event_names[i - CARD_ROLES];
}

static void every_count_has_a_name_of_its_own(void **state) {
    (void)state;
    for (int i = 0; i < COUNTERS; i++) {
        assert_true(name_of(i)[0] != '\0');
        assert_true(strlen(name_of(i)) < COUNTER_NAME_SIZE);
        for (int j = 0; j < i; j++) assert_string_not_equal(name_of(i), name_of(j));
    }
}

static void only_these_names_are_built_in(void **state) {
    (void)state;
    for (int i = 0; i < COUNTERS; i++) assert_true(counter_is_built_in(name_of(i)));
    assert_false(counter_is_built_in("PAPI_TOT_CYC"));
    assert_false(counter_is_built_in("cycle"));
    assert_false(counter_is_built_in(""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count_has_a_name_of_its_own),
        cmocka_unit_test(only_these_names_are_built_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
