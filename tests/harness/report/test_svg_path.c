/*
 * Paths and places of a picture to a tenth, each worked out by hand.
 */
#include "harness/report/svg_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_path(const char *path, const char *expected) {
    struct text text = {0};
    text_append(&text, "|");
    assert_true(svg_path_append(&text, path, strlen(path)));
    assert_string_equal(text.data + 1, expected);
    text_free(&text);
}

static void lines_go_by_how_far_and_along_an_axis_where_they_can(void **state) {
    (void)state;
    assert_path("M163.19,280.00 L163.19,90.01  ", "M163.2 280v-190");
    assert_path("M10,20 L15.5,20 L13,24 L12,22.26 M1,1 L0.5,1.04",
                "M10 20h5.5l-2.5 4-1-1.7M1 1h-.5");
    assert_path("579.43,531.43 603.94,531.43 603.94,513.57", "M579.4 531.4h24.5v-17.8");
}

/* 0.04 a step: single differences would all be 0. */
static void no_error_adds_up(void **state) {
    (void)state;
    assert_path("M0,0 L0.04,1 L0.08,2 L0.12,3 L0.16,4", "M0 0v1l.1 1v1l.1 1");
}

static void what_is_closed_needs_no_last_line_and_what_only_moves_draws_nothing(void **state) {
    (void)state;
    assert_path("M1,1 L1,4 L5,4 L5,1 L1,1 Z", "M1 1v3h4v-3z");
    assert_path("M1,1 L1,4 Z L3,1", "M1 1v3zM1 1h2");
    assert_path("M95.00,465.01 L95.00,725.00 M434.99,465.01 M95.00,465.01", "M95 465v260");
}

static void anything_else_is_left_to_the_caller(void **state) {
    (void)state;
    static const char *const others[] = {
        "M1,1 C2,2 3,3 4,4", "M1", "M1,x", "M1e3,4", "M1,1 l2,2", "M1..2,3 L4", "M9999999999,1"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct text text = {0};
        text_append(&text, "before");
        assert_false(svg_path_append(&text, others[i], strlen(others[i])));
        assert_string_equal(text.data, "before");
        text_free(&text);
    }
}

static void places_are_numbers_with_a_space_between(void **state) {
    (void)state;
    struct text text = {0};
    assert_true(svg_path_append_numbers(&text, "163.19,-309.96  0.00", 20));
    assert_string_equal(text.data, "163.2 -310 0");
    assert_false(svg_path_append_numbers(&text, "1,100%", 6));
    assert_string_equal(text.data, "163.2 -310 0");
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_go_by_how_far_and_along_an_axis_where_they_can),
        cmocka_unit_test(no_error_adds_up),
        cmocka_unit_test(what_is_closed_needs_no_last_line_and_what_only_moves_draws_nothing),
        cmocka_unit_test(anything_else_is_left_to_the_caller),
        cmocka_unit_test(places_are_numbers_with_a_space_between),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
