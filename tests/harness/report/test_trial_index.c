/*
 * Which trial a row of the page leads to.
 */
#include "harness/report/trial_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* In an order that no search could use. */
static void fill(struct trial_index *index) {
    *index = (struct trial_index){0};
    assert_true(trial_index_add(index, "w", "fixed-8", 1, 12, false));
    assert_true(trial_index_add(index, "w", "fixed-8", 2, 4, true));
    assert_true(trial_index_add(index, "w", "budget (odd)", 1, 9, true));
    assert_true(trial_index_add(index, "v", "fixed-8", 1, 7, true));
    assert_true(trial_index_add(index, "w", "fixed-8", 1, 3, true));
    trial_index_sort(index);
}

static void a_row_with_a_seed_leads_to_that_training(void **state) {
    (void)state;
    struct trial_index index;
    fill(&index);
    int64_t one = 1, two = 2, three = 3;
    assert_int_equal(trial_index_find(&index, "w", "fixed-8", &one), 3);
    assert_int_equal(trial_index_find(&index, "w", "fixed-8", &two), 4);
    assert_int_equal(trial_index_find(&index, "w", "fixed-8", &three), 0);
    assert_int_equal(trial_index_find(&index, "v", "fixed-8", &one), 7);
    assert_int_equal(trial_index_find(&index, "x", "fixed-8", &one), 0);
    trial_index_free(&index);
}

static void a_row_without_a_seed_leads_to_the_first_training(void **state) {
    (void)state;
    struct trial_index index;
    fill(&index);
    assert_int_equal(trial_index_find(&index, "w", "fixed-8", NULL), 3);
    assert_int_equal(trial_index_find(&index, "w", "fixed", NULL), 0);
    assert_true(trial_index_has(&index, 12));
    assert_false(trial_index_has(&index, 5));
    trial_index_free(&index);
}

static void controls_lead_to_the_training_of_their_arm(void **state) {
    (void)state;
    struct trial_index index;
    fill(&index);
    int64_t one = 1;
    assert_int_equal(trial_index_find(&index, "w", "fixed-8 (static)", &one), 3);
    assert_int_equal(trial_index_find(&index, "w", "budget (odd)", &one), 9);
    assert_int_equal(trial_index_find(&index, "w", "budget (odd) (shuffled)", &one), 9);
    assert_int_equal(trial_index_find(&index, "w", "(static)", &one), 0);
    assert_int_equal(trial_index_find(&index, "w", " (static)", &one), 0);
    trial_index_free(&index);
}

static void an_empty_index_leads_nowhere(void **state) {
    (void)state;
    struct trial_index index = {0};
    trial_index_sort(&index);
    assert_int_equal(trial_index_find(&index, "w", "a", NULL), 0);
    assert_false(trial_index_has(&index, 1));
    trial_index_free(&index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_with_a_seed_leads_to_that_training),
        cmocka_unit_test(a_row_without_a_seed_leads_to_the_first_training),
        cmocka_unit_test(controls_lead_to_the_training_of_their_arm),
        cmocka_unit_test(an_empty_index_leads_nowhere),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
