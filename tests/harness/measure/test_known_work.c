/*
 * The work that events are proven by does what its ranges say, so far as this machine can tell
 * without a PMU: what the kernel accounts lies in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include "harness/measure/known_work.h"

static void ranges_of_all_roles_exclude_zero(void **state) {
    (void)state;
    for (int role = 0; role < COUNTER_ROLES; role++) {
        struct known_range range = known_work_range((enum counter_role_id)role, 1000000);
        assert_true(range.least > 0);
        assert_true(range.most > range.least);
    }
}

/* Half of the operations are in either precision. */
static void both_precisions_are_together_all_operations(void **state) {
    (void)state;
    struct known_range all = known_work_range(ROLE_FP_OPERATIONS, 0);
    struct known_range single = known_work_range(ROLE_FP_SINGLE, 0);
    struct known_range twice = known_work_range(ROLE_FP_DOUBLE, 0);
    assert_true(all.least == single.least + twice.least);
    assert_true(all.most == single.most + twice.most);
}

/* Where a page is 64 KiB, or sixteen share an entry of the TLB, walks may be as rare as faults. */
static void pages_larger_than_4_kib_are_within_the_ranges(void **state) {
    (void)state;
    enum { LARGE_PAGES = (1 << 20) / (64 << 10) };
    assert_true(known_work_range(ROLE_DTLB_MISSES, 1000000).least <= LARGE_PAGES);
    assert_true(known_work_range(ROLE_PAGE_FAULTS, 1000000).least <= LARGE_PAGES);
}

/* Load cannot add to voluntary switches. It can take away the only one, where somebody else has
 * the core between the setting of the timer and the going to sleep: some attempts. */
static void kernel_accounts_what_the_ranges_say(void **state) {
    (void)state;
    struct known_range switches = known_work_range(ROLE_CONTEXT_SWITCHES, 1);
    int64_t n_switches = 0;
    for (int attempt = 0; attempt < 20 && n_switches < switches.least; attempt++) {
        struct rusage before, after;
        getrusage(RUSAGE_THREAD, &before);
        int64_t cpu_ns = known_work_run();
        getrusage(RUSAGE_THREAD, &after);
        struct known_range faults = known_work_range(ROLE_PAGE_FAULTS, cpu_ns);
        int64_t n_faults = after.ru_minflt - before.ru_minflt;
        n_switches = after.ru_nvcsw - before.ru_nvcsw;
        assert_true(cpu_ns > 0);
        assert_true(n_faults >= faults.least && n_faults <= faults.most);
    }
    assert_true(n_switches >= switches.least && n_switches <= switches.most);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_of_all_roles_exclude_zero),
        cmocka_unit_test(both_precisions_are_together_all_operations),
        cmocka_unit_test(pages_larger_than_4_kib_are_within_the_ranges),
        cmocka_unit_test(kernel_accounts_what_the_ranges_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
