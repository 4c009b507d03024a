/*
 * Cutting two texts to a common length, against the rule carried out one token at a time.
 */
#include "workloads/data/text_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void the_longer_text_loses_tokens_first(void **state) {
    (void)state;
    for (int max_len = TEXT_PAIR_LENGTH_MIN; max_len < 12; max_len++)
        for (int first = 1; first < 14; first++)
            for (int second = 1; second < 14; second++) {
                int a = first, b = second;
                while (a + 1 + b > max_len)
                    if (a > b)
                        a--;
                    else
                        b--;
                struct text_pair_kept kept = text_pair_cut(first, second, max_len);
                assert_int_equal(kept.first, a);
                assert_int_equal(kept.second, b);
                assert_true(a > 0 && b > 0);
            }
}

/* Not asked for by a data section, but a checkpoint from elsewhere may be that short. */
static void no_length_is_exceeded(void **state) {
    (void)state;
    for (int max_len = 1; max_len < TEXT_PAIR_LENGTH_MIN; max_len++) {
        struct text_pair_kept kept = text_pair_cut(5, 7, max_len);
        assert_true(kept.first >= 0 && kept.second >= 0 && kept.first + 1 + kept.second <= max_len);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longer_text_loses_tokens_first),
        cmocka_unit_test(no_length_is_exceeded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
