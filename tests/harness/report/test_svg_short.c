/*
 * A picture of gnuplot in fewer bytes: what is left out holds anyway, and what is not understood stays.
 */
#include "harness/report/svg_short.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN "<svg width=\"90\">\n"
#define PLAIN                                                                                      \
    "<g fill=\"none\" color=\"black\" stroke=\"currentColor\" stroke-width=\"1.00\""               \
    " stroke-linecap=\"butt\" stroke-linejoin=\"miter\">\n"
#define PLAIN_SHORT "<g fill=\"none\" color=\"black\" stroke=\"currentColor\">"

static void assert_short(const char *svg, const char *expected) {
    static const char begin[] = "<svg width=\"90\" font-family=\"sans-serif\">";
    struct text text = {0};
    svg_short_append(&text, svg);
    assert_memory_equal(text.data, begin, sizeof begin - 1);
    assert_string_equal(text.data + sizeof begin - 1, expected);
    text_free(&text);
}

static void neighbours_that_say_the_same_are_one_group(void **state) {
    (void)state;
    assert_short(BEGIN PLAIN "<path d='M1,1 L1,2'/></g>\n" PLAIN
                             "<path d='M2,1 L2,2'/></g>\n</svg>",
                 PLAIN_SHORT "<path d=\"M1 1v1\"/><path d=\"M2 1v1\"/></g>\n</svg>");
    /* Those that are somewhere, or half seen, are not. */
    assert_short(
        BEGIN "<g opacity=\"0.5\"><use/><use/></g><g opacity=\"0.5\"><use/><use/></g></svg>",
        "<g opacity=\"0.5\"><use/><use/></g>\n<g opacity=\"0.5\"><use/><use/></g>\n</svg>");
}

static void what_is_inherited_is_not_said_again(void **state) {
    (void)state;
    assert_short(BEGIN "<g fill=\"none\"><g stroke=\"rgb(0, 0,  0)\" fill=\"none\"><path/>"
                       "<path stroke=\"#000000\" fill=\"red\"/></g><use/></g></svg>",
                 "<g fill=\"none\"><g stroke=\"#000\"><path/><path fill=\"red\"/></g><use/></g>\n"
                 "</svg>");
    /* The same word for another colour is another colour. */
    assert_short(BEGIN PLAIN "<use/><use color=\"red\" stroke=\"currentColor\"/></g></svg>",
                 PLAIN_SHORT "<use/><use color=\"red\" stroke=\"currentColor\"/></g>\n</svg>");
}

static void groups_that_say_or_hold_nothing_are_none(void **state) {
    (void)state;
    assert_short(BEGIN "<g id=\"plot_1\"><g fill=\"red\">\n</g><g fill=\"blue\"><text></text></g>"
                       "<rect/></g></svg>",
                 "<rect/></svg>");
}

static void a_group_of_one_element_is_that_element(void **state) {
    (void)state;
    assert_short(BEGIN
                 "<g transform=\"translate(163.19,309.58)\" fill=\"rgb(64,64,64)\""
                 " font-family=\"sans-serif\" font-size=\"13.00\"  text-anchor=\"middle\">\n"
                 "<text>75 <tspan>a  b</tspan></text>\n</g>"
                 "<g transform=\"translate(1.04,2.06) rotate(270)\"><text>up</text></g></svg>",
                 "<text x=\"163.2\" y=\"309.6\" fill=\"#404040\" font-size=\"13\""
                 " text-anchor=\"middle\">75 <tspan>a  b</tspan></text>"
                 "<text transform=\"translate(1 2.1)rotate(270)\">up</text></svg>");
    /* Both are somewhere. */
    assert_short(BEGIN "<g transform=\"translate(1,2)\"><use transform=\"scale(2.05)\"/></g></svg>",
                 "<g transform=\"translate(1 2)\"><use transform=\"scale(2.05)\"/></g>\n</svg>");
}

static void polygons_are_paths(void **state) {
    (void)state;
    assert_short(BEGIN "<polygon fill = 'rgb(213,  94,   0)' points = '1.00,9.00 5,9 5,2 '/></svg>",
                 "<path fill=\"#d55e00\" d=\"M1 9h4v-7z\"/></svg>");
}

/* A page allows no style but its own. */
static void a_filter_is_an_attribute(void **state) {
    (void)state;
    assert_short(BEGIN "<g style='filter:url(#box)'><text>a</text></g></svg>",
                 "<text filter=\"url(#box)\">a</text></svg>");
}

/* What is used is as exact as it was: it is made larger where it is used. */
static void definitions_that_are_used_stay_as_they_are(void **state) {
    (void)state;
    assert_short(BEGIN "<defs>\n<path id='f-1' stroke-width='0.205' d='M0,-1.33 L1,1'/>\n"
                       "<path id='f-2' d='M0,0'/><filter id='f-3'><feFlood/></filter>"
                       "<filter id='f-4'><feFlood/></filter></defs>"
                       "<use xlink:href='#f-1'/><use filter=\"url(#f-3)\"/></svg>",
                 "<defs><path id='f-1' stroke-width='0.205' d='M0,-1.33 L1,1'/>"
                 "<filter id='f-3'><feFlood/></filter></defs>"
                 "<use href=\"#f-1\"/><use filter=\"url(#f-3)\"/></svg>");
    assert_short(BEGIN "<defs><path id='f-1'/></defs></svg>", "</svg>");
}

static void what_is_not_understood_stays_as_it_is(void **state) {
    (void)state;
    static const char *const others[] = {
        BEGIN "<g><path/></svg>",      BEGIN "<path/></g></svg>",  BEGIN "<path d></svg>",
        BEGIN "<mask><path/></mask>",  BEGIN "<path d=\"a'\"/>",   BEGIN "<g/></svg>",
        BEGIN "<polygon points='a'/>", BEGIN "<defs><path></defs>"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct text text = {0};
        svg_short_append(&text, others[i]);
        assert_string_equal(text.data, others[i]);
        text_free(&text);
    }
    struct text deep = {0}, text = {0};
    for (int i = 0; i < 100; i++) text_append(&deep, "<g x=\"%d\"><path/>", i);
    svg_short_append(&text, deep.data);
    assert_string_equal(text.data, deep.data);
    text_free(&deep);
    text_free(&text);
}

/* Wherever a picture ends, nothing behind its end is read: a sanitizer watches. */
static void half_a_picture_does_no_harm(void **state) {
    (void)state;
    static const char svg[] = BEGIN "<defs><path id='f-1' d='M0,0'/></defs>" PLAIN
                                    "<use xlink:href='#f-1' transform='translate(1,2) scale(3)'/>"
                                    "<polygon points='1,2 3,4'/><text>a</text></g></svg>";
    for (size_t size = 0; size < sizeof svg; size++) {
        char *half = strndup(svg, size);
        assert_non_null(half);
        struct text text = {0};
        svg_short_append(&text, half);
        if (size > 0) assert_memory_equal(text.data, "<", 1);
        text_free(&text);
        free(half);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_that_say_the_same_are_one_group),
        cmocka_unit_test(what_is_inherited_is_not_said_again),
        cmocka_unit_test(groups_that_say_or_hold_nothing_are_none),
        cmocka_unit_test(a_group_of_one_element_is_that_element),
        cmocka_unit_test(polygons_are_paths),
        cmocka_unit_test(a_filter_is_an_attribute),
        cmocka_unit_test(definitions_that_are_used_stay_as_they_are),
        cmocka_unit_test(what_is_not_understood_stays_as_it_is),
        cmocka_unit_test(half_a_picture_does_no_harm),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
