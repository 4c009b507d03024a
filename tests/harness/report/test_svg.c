/*
 * A picture of gnuplot becomes a part of a page, and one that holds more than a picture is refused.
 */
#include "harness/report/svg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BEGIN                                                                                      \
    "<?xml version=\"1.0\"?>\n<svg \n width=\"900\" height=\"555\"\n viewBox=\"0 0 900 555\"\n"    \
    " xmlns=\"http://www.w3.org/2000/svg\"\n>\n<title>headroom</title>\n<desc>by GNUPLOT</desc>\n"

static void assert_part(const char *svg, const char *expected) {
    struct text text = {0};
    struct error error = {0};
    if (!svg_append(&text, "f", svg, &error)) fail_msg("%s", error.text);
    const char *content = strstr(text.data, ">\n");
    assert_non_null(content);
    assert_string_equal(content + 2, expected);
    text_free(&text);
}

static void assert_refused(const char *svg, const char *reason) {
    struct text text = {0};
    struct error error = {0};
    assert_false(svg_append(&text, "f", svg, &error));
    assert_non_null(strstr(error.text, reason));
    text_free(&text);
}

static void it_is_one_image_with_a_name_and_no_height(void **state) {
    (void)state;
    struct text text = {0};
    struct error error = {0};
    assert_true(svg_append(&text, "f", BEGIN "</svg>", &error));
    assert_string_equal(
        text.data, "<svg role=\"img\" aria-labelledby=\"f-title\" aria-describedby=\"f-note\""
                   " width=\"900\" viewBox=\"0 0 900 555\" xmlns=\"http://www.w3.org/2000/svg\""
                   " xmlns:xlink=\"http://www.w3.org/1999/xlink\">\n\n\n\n</svg>");
    text_free(&text);
}

static void ids_and_what_refers_to_them_are_its_own(void **state) {
    (void)state;
    assert_part(BEGIN "<path id='gpPt1' d='M0,0'/><use xlink:href='#gpPt1' fill=\"url(#dots)\"/>"
                      "<g id=\"plot_1\"><rect/></g></svg>",
                "\n\n\n<path id='f-gpPt1' d='M0,0'/><use xlink:href='#f-gpPt1'"
                " fill=\"url(#f-dots)\"/><g id=\"f-plot_1\"><rect/></g></svg>");
}

/* A workload may be called anything. */
static void a_text_that_looks_like_an_id_stays_as_it_is(void **state) {
    (void)state;
    assert_part(BEGIN "<text>a id='b' href='#c' &lt;script&gt; onload=x</text></svg>",
                "\n\n\n<text>a id='b' href='#c' &lt;script&gt; onload=x</text></svg>");
}

static void lines_of_the_script_are_left_out(void **state) {
    (void)state;
    assert_part(BEGIN "<g fill=\"none\"><title>data index b using (x)</title>\n<rect/></g></svg>",
                "\n\n\n<g fill=\"none\">\n<rect/></g></svg>");
}

static void what_runs_or_leads_away_is_refused(void **state) {
    (void)state;
    static const char *const parts[] = {"<script>x</script>",      "<SCRIPT/>",
                                        "<rect onload=\"x\"/>",    "<g\tONCLICK='x'></g>",
                                        "<a href='x'><rect/></a>", "<foreignObject/>",
                                        "<image href='x'/>",       "<style>x</style>",
                                        "<set attributeName='x'/>"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct text svg = {0};
        text_append(&svg, BEGIN "%s</svg>", parts[i]);
        assert_refused(svg.data, "more than a picture");
        text_free(&svg);
    }
}

static void half_a_picture_is_refused(void **state) {
    (void)state;
    assert_refused("", "no whole SVG");
    assert_refused("<html>", "no whole SVG");
    assert_refused(BEGIN "<g>", "no whole SVG");
    assert_refused("<svg><rect/></svg>", "no size");
    assert_refused(BEGIN "<text></svg", "no whole SVG");
}

static void the_title_is_what_is_written_large(void **state) {
    (void)state;
    struct text text = {0};
    svg_append_title(&text,
                     BEGIN "<g font-size=\"13.00\"><text>0.5</text></g>\n<g font-size=\"20.00\""
                           " text-anchor=\"middle\">\n\t<text>What &amp; why?</text></g></svg>");
    assert_string_equal(text.data, "What &amp; why?");
    text_free(&text);
    svg_append_title(&text, BEGIN "</svg>");
    assert_int_equal(text.size, 0);
    text_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_one_image_with_a_name_and_no_height),
        cmocka_unit_test(ids_and_what_refers_to_them_are_its_own),
        cmocka_unit_test(a_text_that_looks_like_an_id_stays_as_it_is),
        cmocka_unit_test(lines_of_the_script_are_left_out),
        cmocka_unit_test(what_runs_or_leads_away_is_refused),
        cmocka_unit_test(half_a_picture_is_refused),
        cmocka_unit_test(the_title_is_what_is_written_large),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
