/*
 * Sizes of batches and of arenas: what is too much is an error and never a small number.
 */
#include "models/base/arena.h"
#include "models/base/product.h"
#include "models/batch_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <limits.h>
#include <string.h>
#include <cmocka.h>

static void products_are_exact_or_refused(void **state) {
    (void)state;
    int64_t out;
    assert_true(product_of(4096, 4096, 1 << 24, &out));
    assert_int_equal(out, 1 << 24);
    assert_false(product_of(4096, 4097, 1 << 24, &out));
    assert_false(product_of(INT64_MAX, 2, INT64_MAX, &out));
    assert_true(product_bytes(8, 3, 4) == 20);
    assert_true(product_bytes(8, SIZE_MAX / 2, 4) == SIZE_MAX);
    assert_true(product_bytes(8, SIZE_MAX, 1) == SIZE_MAX);
}

static void a_batch_has_no_more_tokens_than_an_index_can_reach(void **state) {
    (void)state;
    static const int wrong[][2] = {
        {4096, 1 << 20}, {4096, 4097}, {INT_MAX, INT_MAX}, {1 << 16, 1 << 16}};
    struct trainer_limits limits;
    struct error error;
    assert_true(batch_limits(4096, 4096, &limits, &error));
    assert_int_equal(limits.tokens, 1 << 24);
    assert_int_equal(limits.samples, 4096);
    assert_int_equal(limits.length, 4096);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_false(batch_limits(wrong[i][0], wrong[i][1], &limits, &error));
        assert_non_null(strstr(error.text, "use smaller batches"));
    }
}

static void an_arena_that_is_counted_too_large_is_not_reserved(void **state) {
    (void)state;
    struct arena arena = {.purpose = "tests"};
    struct error error;
    assert_null(arena_take(&arena, SIZE_MAX / 8, 16, ARENA_LINE));
    assert_null(arena_take(&arena, 1, 1, ARENA_PAGE)); /* adds nothing that wraps around */
    assert_false(arena_reserve(&arena, &error));
    assert_non_null(strstr(error.text, "tests: more memory than there can be"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_exact_or_refused),
        cmocka_unit_test(a_batch_has_no_more_tokens_than_an_index_can_reach),
        cmocka_unit_test(an_arena_that_is_counted_too_large_is_not_reserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
