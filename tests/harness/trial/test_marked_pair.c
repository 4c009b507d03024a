/*
 * Pairs of passes whose times are made up: which come first, which pairs are run again, how often,
 * and what is left.
 */
#include "harness/trial/marked_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Nanoseconds of each try, without marks and with. */
struct machine {
    double ns[MARKED_PAIR_TRIES][2];
    int begun, passes;
    bool order[2 * MARKED_PAIR_TRIES]; /* whether a pass was marked */
};

static void begin(void *context) {
    struct machine *m = context;
    assert_int_equal(m->passes, 2 * m->begun);
    m->begun++;
}

static double pass(void *context, bool marked) {
    struct machine *m = context;
    m->order[m->passes++] = marked;
    return m->ns[m->begun - 1][marked];
}

static void the_marked_pass_is_first_or_second(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct machine m = {.ns = {{100, 110}}};
        double ns[2];
        marked_pair_take(first == 1, begin, pass, &m, ns);
        assert_int_equal(m.begun, 1);
        assert_true(m.order[0] == (first == 1) && m.order[1] == (first == 0));
        assert_true(ns[0] == 100 && ns[1] == 110);
    }
}

/* 201 is more than twice 100, and 200 is not. */
static void a_pair_of_which_one_was_interrupted_is_run_again(void **state) {
    (void)state;
    struct machine m = {.ns = {{100, 201}, {500, 110}, {100, 200}, {100, 100}}};
    double ns[2];
    marked_pair_take(false, begin, pass, &m, ns);
    assert_int_equal(m.begun, 3);
    assert_int_equal(m.passes, 6);
    assert_true(ns[0] == 100 && ns[1] == 200);
}

static void after_four_tries_the_last_pair_is_kept(void **state) {
    (void)state;
    struct machine m = {.ns = {{100, 900}, {100, 800}, {100, 700}, {100, 600}}};
    double ns[2];
    marked_pair_take(false, begin, pass, &m, ns);
    assert_int_equal(m.begun, 4);
    assert_true(ns[0] == 100 && ns[1] == 600);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_marked_pass_is_first_or_second),
        cmocka_unit_test(a_pair_of_which_one_was_interrupted_is_run_again),
        cmocka_unit_test(after_four_tries_the_last_pair_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
