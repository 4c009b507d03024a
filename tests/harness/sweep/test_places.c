/*
 * Which trial gets which place: on the CPU and on 0, 1, 2 and 4 cards, from nothing but the order
 * in which trials ask and end.
 */
#include "harness/sweep/places.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* What trials ask for, one by one: c the CPU, a any card, a digit that card. What they get, one by
 * one: c, the card, or - for those that have to wait. */
static void assert_places(int jobs, int cards, const char *wanted, const char *expected) {
    struct places places = places_new(jobs, 8, cards);
    char got[64] = "";
    for (size_t i = 0; wanted[i]; i++) {
        int want = wanted[i] == 'c'   ? PLACE_CPU
                   : wanted[i] == 'a' ? PLACE_ANY_CARD
                                      : wanted[i] - '0';
        int place = places_take(&places, want);
        const char *got_it = place == PLACE_CPU    ? "c"
                             : place == PLACE_NONE ? "-"
                                                   : &"0123456789"[place];
        got[i] = *got_it;
    }
    assert_string_equal(got, expected);
}

static void trials_spread_over_the_cards(void **state) {
    (void)state;
    assert_places(1, 1, "aaa", "0--");
    assert_places(2, 1, "aaa", "00-");
    assert_places(1, 2, "aaa", "01-");
    assert_places(2, 2, "aaaaa", "0101-");
    assert_places(4, 2, "aaaaaaaa", "01010101"); /* eight trials on two cards */
    assert_places(1, 4, "aaaaa", "0123-");
    assert_places(2, 4, "aaaaaaaaa", "01230123-");
}

static void a_number_names_that_card_alone(void **state) {
    (void)state;
    assert_places(1, 2, "11a", "1-0");
    assert_places(2, 2, "111aa", "11-00");
    assert_places(2, 4, "2a2aa", "20213");
}

static void the_cpu_has_places_of_its_own(void **state) {
    (void)state;
    assert_places(2, 1, "cacaca", "c0c0--");
    assert_places(1, 2, "aaacc", "01-c-");
    assert_places(2, 0, "accc", "-cc-");
    assert_places(0, 2, "aaaccccccccc",
                  "01-cccccccc-"); /* unasked: a core each, and one on a card */
}

static void a_place_that_is_left_is_given_again(void **state) {
    (void)state;
    struct places places = places_new(1, 8, 4);
    for (int i = 0; i < 4; i++) assert_int_equal(places_take(&places, PLACE_ANY_CARD), i);
    assert_int_equal(places_take(&places, PLACE_ANY_CARD), PLACE_NONE);
    assert_false(places_are_full(&places)); /* the CPU is free */
    assert_int_equal(places_take(&places, PLACE_CPU), PLACE_CPU);
    assert_true(places_are_full(&places));
    places_leave(&places, 2);
    assert_int_equal(places_take(&places, 1), PLACE_NONE);
    assert_int_equal(places_take(&places, PLACE_ANY_CARD), 2);
    places_leave(&places, PLACE_CPU);
    assert_int_equal(places_take(&places, PLACE_CPU), PLACE_CPU);
}

static void profiles_of_any_card_share_one(void **state) {
    (void)state;
    assert_int_equal(places_of_profile(PLACE_ANY_CARD), 0);
    assert_int_equal(places_of_profile(3), 3);
    assert_int_equal(places_of_profile(PLACE_CPU), PLACE_CPU);
}

static void a_card_that_is_not_there_is_told(void **state) {
    (void)state;
    struct places one = places_new(1, 8, 1), two = places_new(1, 8, 2), none = places_new(1, 8, 0);
    struct error error = {0};
    assert_true(places_have(&one, 0, "w/a/1", &error));
    assert_true(places_have(&one, PLACE_ANY_CARD, "w/a/1", &error));
    assert_true(places_have(&none, PLACE_CPU, "w/a/1", &error));
    assert_false(places_have(&none, PLACE_ANY_CARD, "w/a/1", &error));
    assert_false(places_have(&one, 1, "w/a/1", &error));
    assert_string_equal(error.text,
                        "w/a/1 is to run on cuda:1, and there is 1 card here, from cuda:0 "
                        "on; --device cuda takes any");
    assert_false(places_have(&two, 7, "w/a/1", &error));
    assert_non_null(strstr(error.text, "cuda:7, and there are 2 cards here"));
}

/* A batch queue gives some of a machine's cards, by numbers or by names. */
static void a_process_sees_its_card_among_those_that_its_sweep_sees(void **state) {
    (void)state;
    static const struct {
        const char *visible;
        int card;
        const char *expected;
    } cases[] = {{NULL, 0, "0"}, {NULL, 3, "3"},    {"", 1, "1"},
                 {"5", 0, "5"},  {"2,7,1", 1, "7"}, {"GPU-aa,GPU-bb", 1, "GPU-bb"}};
    char out[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        places_visible(cases[i].visible, cases[i].card, out, sizeof out);
        assert_string_equal(out, cases[i].expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_spread_over_the_cards),
        cmocka_unit_test(a_number_names_that_card_alone),
        cmocka_unit_test(the_cpu_has_places_of_its_own),
        cmocka_unit_test(a_place_that_is_left_is_given_again),
        cmocka_unit_test(profiles_of_any_card_share_one),
        cmocka_unit_test(a_card_that_is_not_there_is_told),
        cmocka_unit_test(a_process_sees_its_card_among_those_that_its_sweep_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
