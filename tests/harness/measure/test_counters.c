/*
 * Counting by role on machines that misbehave. A made-up PMU stands behind struct counter_backend:
 * it knows some events, refuses others at any step, has few counters and reads what a test tells it
 * to. Only the last tests touch the real PAPI of this machine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/harness/measure/fake_counters.h"

/* ---- no allocation between start and stop: malloc is counted ---- */

#if defined(__SANITIZE_ADDRESS__) || !defined(__GLIBC__)
enum { ALLOCATIONS_COUNTED = 0 }; /* the sanitizer has its own malloc */
static const int n_allocations;
#else
enum { ALLOCATIONS_COUNTED = 1 };
static int n_allocations;
/* NOLINTBEGIN(bugprone-reserved-identifier): as glibc spells them */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t nmemb, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
/* NOLINTEND(bugprone-reserved-identifier) */
void *malloc(size_t size) {
    n_allocations++;
    return __libc_malloc(size);
}
void *calloc(size_t nmemb, size_t size) {
    n_allocations++;
    return __libc_calloc(nmemb, size);
}
void *realloc(void *ptr, size_t size) {
    n_allocations++;
    return __libc_realloc(ptr, size);
}
#endif

static int role_named(const char *name) {
    for (int i = 0; i < COUNTER_ROLES; i++)
        if (strcmp(counter_roles[i].name, name) == 0) return i;
    fail_msg("no role %s", name);
    return -1;
}

/* ---- tests ---- */

/* Opens a machine and runs every pass `repeats` times, for those that look at several roles. */
static struct counters *count_all(const struct counter_backend *backend, int repeats) {
    struct counters *counters;
    struct error error;
    assert_true(counters_open_backend(backend, NULL, &counters, &error));
    for (int pass = 0; pass < counters_passes(counters); pass++)
        for (int i = 0; i < repeats; i++) {
            counters_start(counters, pass);
            counters_stop(counters, pass);
        }
    return counters;
}

static struct counter_result result_of(const struct counters *counters, const char *role,
                                       double inputs) {
    struct counter_result result;
    counters_result(counters, role_named(role), inputs, &result);
    return result;
}

static void counts_are_means_over_repeats_per_input(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_result result = count(&fake, "instructions", 5, 4);
    assert_true(result.available);
    assert_string_equal(result.status, "counted");
    assert_string_equal(result.event, "PAPI_TOT_INS");
    assert_string_equal(result.scope, "thread, user");
    assert_string_equal(result.reason, "");
    assert_int_equal(result.repeats, 5);
    assert_int_equal(result.pass, 0);
    assert_true(result.value == 500.0);
}

static void event_that_is_listed_but_cannot_be_added_is_null_with_no_pmu(void **state) {
    (void)state;
    struct fake fake = virtual_machine();
    struct counter_result result = count(&fake, "cycles", 3, 1);
    assert_unavailable(&result, "this virtual machine exposes no performance-monitoring unit");
    assert_string_equal(result.event, "");
}

static void software_roles_count_where_there_is_no_pmu(void **state) {
    (void)state;
    struct fake fake = virtual_machine();
    struct counter_result result = count(&fake, "page_faults", 3, 1);
    assert_true(result.available);
    assert_true(result.value == 3.0);
}

static void context_switches_come_from_the_kernel_not_from_an_event_that_reads_zero(void **state) {
    (void)state;
    struct fake fake = good_machine();
    add_event(&fake, "perf::CONTEXT-SWITCHES", 0);
    struct counter_result result = count(&fake, "context_switches", 10, 1);
    assert_true(result.available);
    assert_true(result.value == 2.0);
    assert_non_null(strstr(result.event, "getrusage"));
}

static void chain_falls_back_to_the_next_source(void **state) {
    (void)state;
    struct fake fake = good_machine();
    event_named(&fake, "PAPI_TOT_CYC")->add_code = COUNTER_NO_EVENT;
    add_event(&fake, "perf::CYCLES", 1200);
    struct counter_result result = count(&fake, "cycles", 2, 1);
    assert_true(result.available);
    assert_string_equal(result.event, "perf::CYCLES");
    assert_true(result.value == 1200.0);
}

/* A server whose PAPI has no floating-point presets: 2 x 4 native events, most beyond `n`
 * counters. */
static struct fake machine_without_fp_presets(int n_counters) {
    struct fake fake = good_machine();
    fake.n_counters = n_counters;
    for (int i = 2; i < 5; i++) fake.event[i].add_code = COUNTER_NO_EVENT;
    add_event(&fake, "FP_ARITH_INST_RETIRED:SCALAR_SINGLE", 3);
    add_event(&fake, "FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE", 10);
    add_event(&fake, "FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE", 100);
    add_event(&fake, "FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE", 1000);
    add_event(&fake, "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE", 7);
    add_event(&fake, "FP_ARITH_INST_RETIRED:128B_PACKED_DOUBLE", 0);
    add_event(&fake, "FP_ARITH_INST_RETIRED:256B_PACKED_DOUBLE", 20);
    add_event(&fake, "FP_ARITH_INST_RETIRED:512B_PACKED_DOUBLE", 30);
    return fake;
}

static void weighted_sum_of_native_events_is_spread_over_passes(void **state) {
    (void)state;
    for (int n_counters = 1; n_counters <= 32; n_counters++) {
        struct fake fake = machine_without_fp_presets(n_counters);
        double single = 3 + 4 * 10 + 8 * 100 + 16 * 1000, twice = 7 + 4 * 20 + 8 * 30;
        struct counter_backend backend = backend_of(&fake);
        struct counters *counters = count_all(&backend, 3);
        struct counter_result result = result_of(counters, "fp_single", 1);
        assert_true(result.available && result.value == single);
        result = result_of(counters, "fp_double", 1);
        assert_true(result.available && result.value == twice);
        result = result_of(counters, "fp_operations", 2);
        assert_true(result.available && result.value == (single + twice) / 2);
        assert_int_equal(result.repeats, 3);
        result =
            result_of(counters, "branch_misses", 1); /* values behind the terms stay in place */
        assert_true(result.value == 5.0);
        counters_close(counters);
        assert_int_equal(fake.n_open_sets, 0);
    }
}

static void part_of_a_sum_is_not_the_sum(void **state) {
    (void)state;
    struct fake fake = machine_without_fp_presets(16);
    event_named(&fake, "FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE")->add_code = COUNTER_NO_EVENT;
    struct counter_result result = count(&fake, "fp_single", 1, 1);
    assert_unavailable(&result, "PAPI knows no event for it on this CPU");
}

static void sum_of_events_that_all_read_zero_is_unavailable(void **state) {
    (void)state;
    struct fake fake = machine_without_fp_presets(16);
    for (int i = 0; fake.event[i].name; i++)
        if (strstr(fake.event[i].name, "DOUBLE")) fake.event[i].value = 0;
    event_named(&fake, "PAPI_DP_OPS")->add_code = COUNTER_OK;
    event_named(&fake, "PAPI_DP_OPS")->value = 0;
    struct counter_result result = count(&fake, "fp_double", 1, 1);
    assert_unavailable(&result, "read 0");
}

static void conflict_opens_another_pass_and_loses_nothing(void **state) {
    (void)state;
    for (int n_counters = 1; n_counters <= N_PRESETS; n_counters++) {
        struct fake fake = good_machine();
        fake.n_counters = n_counters;
        struct counter_backend backend = backend_of(&fake);
        struct counters *counters = count_all(&backend, 1);
        assert_int_equal(counters_passes(counters), (N_PRESETS + n_counters - 1) / n_counters);
        for (int role = 0; role < N_PRESETS; role++) {
            struct counter_result result;
            counters_result(counters, role, 1, &result);
            assert_true(result.available);
            assert_true(result.value == (double)presets[role].value);
            assert_int_equal(result.pass, role / n_counters);
        }
        counters_close(counters);
        assert_int_equal(fake.n_open_sets, 0);
    }
}

/* PAPI takes an event and the kernel then does not: found at the start, for the last role, too. */
static void conflict_that_shows_at_the_start_opens_another_pass_too(void **state) {
    (void)state;
    for (int n_counters = 1; n_counters < N_PRESETS; n_counters++) {
        struct fake fake = good_machine();
        fake.n_started = n_counters;
        struct counter_backend backend = backend_of(&fake);
        struct counters *counters = count_all(&backend, 1);
        for (int role = 0; role < N_PRESETS; role++) {
            struct counter_result result = result_of(counters, counter_roles[role].name, 1);
            assert_true(result.available);
            assert_true(result.value == (double)presets[role].value);
            assert_int_equal(result.pass, role / n_counters);
        }
        counters_close(counters);
        assert_int_equal(fake.n_open_sets, 0);
    }
}

static void zero_where_the_known_work_causes_some_is_unavailable(void **state) {
    (void)state;
    static const char *const events[] = {"PAPI_TOT_CYC", "PAPI_SP_OPS", "PAPI_BR_MSP",
                                         "PAPI_TLB_DM",  "PAPI_L2_TCM", "PAPI_L3_TCM",
                                         "PAPI_RES_STL"};
    static const char *const roles[] = {"cycles",    "fp_single",  "branch_misses", "dtlb_misses",
                                        "l2_misses", "llc_misses", "stalled_cycles"};
    for (int i = 0; i < 7; i++) {
        struct fake fake = good_machine();
        event_named(&fake, events[i])->value = 0;
        struct counter_result result = count(&fake, roles[i], 2, 1);
        assert_unavailable(&result, "read 0");
    }
}

/* Opens, lets the machine change, and counts twice: once before, once after. */
static struct counter_result count_with_change(const char *event, long long later,
                                               const char *role) {
    struct fake fake = good_machine();
    struct counter_backend backend = backend_of(&fake);
    struct counters *counters;
    struct counter_result result;
    struct error error;
    assert_true(counters_open_backend(&backend, NULL, &counters, &error));
    for (int i = 0; i < 2; i++) {
        counters_start(counters, 0);
        counters_stop(counters, 0);
        event_named(&fake, event)->value = later;
    }
    counters_result(counters, role_named(role), 1, &result);
    counters_close(counters);
    return result;
}

static void negative_count_in_one_repeat_does_not_hide_in_the_sum(void **state) {
    (void)state;
    struct counter_result result = count_with_change("PAPI_L1_DCM", -1, "l1d_misses");
    assert_unavailable(&result, "read -1");
}

static void zero_cycles_in_one_repeat_are_unavailable(void **state) {
    (void)state;
    struct counter_result result = count_with_change("PAPI_TOT_CYC", 0, "cycles");
    assert_unavailable(&result, "read 0");
}

/* What was proven to count is believed when a region causes none: a model may fit the caches. */
static void zero_of_a_proven_event_in_a_region_is_a_count(void **state) {
    (void)state;
    struct counter_result result = count_with_change("PAPI_BR_MSP", 0, "branch_misses");
    assert_true(result.available);
    assert_true(result.value == 2.5);
    result = count_with_change("PAPI_L3_TCM", 0, "llc_misses");
    assert_true(result.available);
    assert_true(result.value == 5.0);
}

static void implausible_instructions_per_cycle_flag_both_roles(void **state) {
    (void)state;
    static const long long instructions[] = {9000, 9}; /* per 1000 cycles: 9 and 0.009 */
    for (int i = 0; i < 2; i++) {
        struct fake fake = good_machine();
        event_named(&fake, "PAPI_TOT_INS")->value = instructions[i];
        struct counter_result result = count(&fake, "cycles", 2, 1);
        assert_unavailable(&result, "instructions per cycle");
        result = count(&fake, "instructions", 2, 1);
        assert_unavailable(&result, "instructions per cycle");
        result = count(&fake, "branch_misses", 2, 1);
        assert_true(result.available);
    }
}

/* Cycles of three passes of a machine that fails so, once all is open. */
static struct counter_result count_failing(int start, int stop, const char *text) {
    struct fake fake = good_machine();
    struct counter_backend backend = backend_of(&fake);
    struct counters *counters;
    struct counter_result result;
    struct error error;
    assert_true(counters_open_backend(&backend, NULL, &counters, &error));
    fake.fail_start = start;
    fake.fail_stop = stop;
    fake.text = text;
    for (int i = 0; i < 3; i++) {
        counters_start(counters, 0);
        counters_stop(counters, 0);
    }
    counters_result(counters, role_named("cycles"), 1, &result);
    counters_close(counters);
    assert_int_equal(fake.n_open_sets, 0);
    return result;
}

static void failing_start_makes_its_pass_unavailable_and_says_why(void **state) {
    (void)state;
    struct counter_result result = count_failing(COUNTER_IS_RUNNING, 0, NULL);
    assert_unavailable(&result, "another event set of this thread is counting");
}

static void failing_stop_makes_its_pass_unavailable_and_says_why(void **state) {
    (void)state;
    struct counter_result result = count_failing(0, -2, "out of breath");
    assert_unavailable(&result, "the event set: PAPI failed: out of breath (code -2)");
}

static void a_library_that_says_nothing_did_not_start(void **state) {
    (void)state;
    struct fake fake = good_machine();
    fake.open_code = COUNTER_NO_BACKEND;
    struct counter_result result = count(&fake, "cycles", 1, 1);
    assert_unavailable(&result, "the counting library did not start");
}

static void region_never_run_is_no_zero(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_result result = count(&fake, "cycles", 0, 1);
    assert_unavailable(&result, "never run");
    result = count(&fake, "cycles", 1, 0);
    assert_unavailable(&result, "no input");
}

static void kernel_that_tells_nothing_makes_roles_unavailable(void **state) {
    (void)state;
    struct fake fake = good_machine();
    fake.kernel_works = false;
    struct counter_result result = count(&fake, "context_switches", 1, 1);
    assert_unavailable(&result, "kernel");
}

static void work_in_other_threads_shows_in_the_thread_share(void **state) {
    (void)state;
    struct fake fake = good_machine(); /* 700 of 1000 ns are this thread's */
    struct counter_backend backend = backend_of(&fake);
    struct counters *counters;
    struct error error;
    assert_true(counters_open_backend(&backend, NULL, &counters, &error));
    assert_true(isnan(counters_thread_share(counters)));
    counters_start(counters, 0);
    counters_stop(counters, 0);
    assert_true(fabs(counters_thread_share(counters) - 0.7) < 1e-12);
    counters_close(counters);
}

static void what_reading_alone_counts_stands_beside_the_value(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_backend backend = backend_of(&fake);
    struct counters *counters;
    struct counter_result result;
    struct error error;
    assert_true(counters_open_backend(&backend, NULL, &counters, &error));
    fake.event[0].value += 500; /* 1000 cycles around nothing, 1500 around the region */
    counters_start(counters, 0);
    counters_stop(counters, 0);
    counters_result(counters, role_named("cycles"), 2, &result);
    counters_close(counters);
    assert_true(result.value == 750);
    assert_true(result.empty == 500);
}

/* Ten passes around nothing, of which the last counts fewest cycles and the first fewest
 * instructions. */
static void what_reading_alone_counts_is_the_least_of_ten_passes(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_backend backend = backend_of(&fake);
    struct counters *counters;
    struct counter_result cycles, instructions;
    struct error error;
    fake.event[0].drift = -1;
    fake.event[1].drift = 1;
    assert_true(counters_open_backend(&backend, NULL, &counters, &error));
    double last = (double)fake.event[0].value + 1, first = (double)fake.event[1].value - 10;
    counters_start(counters, 0);
    counters_stop(counters, 0);
    counters_result(counters, role_named("cycles"), 1, &cycles);
    counters_result(counters, role_named("instructions"), 1, &instructions);
    counters_close(counters);
    assert_true(cycles.empty == last);
    assert_true(instructions.empty == first);
}

static void start_and_stop_allocate_nothing(void **state) {
    (void)state;
    if (!ALLOCATIONS_COUNTED) {
        print_message("SKIP: the address sanitizer replaces malloc, allocations are not counted\n");
        skip();
    }
    struct counters *counters;
    struct error error;
    int before = n_allocations;
    assert_true(counters_open(NULL, &counters, &error));
    assert_true(n_allocations > before); /* the counting of allocations works */
    before = n_allocations;
    for (int pass = 0; pass < counters_passes(counters); pass++)
        for (int i = 0; i < 3; i++) {
            counters_start(counters, pass);
            counters_stop(counters, pass);
        }
    assert_int_equal(n_allocations, before);
    counters_close(counters);
}

/* ---- this machine ---- */

static double touch_pages(size_t n) {
    size_t size = n * 4096;
    volatile char *memory = malloc(size); /* above the mmap threshold: fresh pages */
    assert_non_null((void *)memory);
    for (size_t i = 0; i < size; i += 4096) memory[i] = 1;
    free((void *)memory);
    return (double)n;
}

static void page_faults_of_touched_memory_are_counted_here(void **state) {
    (void)state;
    struct counters *counters;
    struct counter_result result;
    struct error error;
    assert_true(counters_open(NULL, &counters, &error));
    counters_start(counters, 0);
    double pages = touch_pages(4000);
    counters_stop(counters, 0);
    counters_result(counters, role_named("page_faults"), 1, &result);
    counters_close(counters);
    if (!result.available) {
        print_message("SKIP: %s\n", result.reason);
        skip();
    }
    /* Huge pages and neighbouring faults change it in both directions, but never to nothing. */
    assert_true(result.value >= 1 && result.value < 4 * pages);
}

static void hundred_sleeps_are_not_zero_context_switches(void **state) {
    (void)state;
    struct counters *counters;
    struct counter_result result;
    struct error error;
    assert_true(counters_open(NULL, &counters, &error));
    counters_start(counters, 0);
    for (int i = 0; i < 100; i++) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    counters_stop(counters, 0);
    counters_result(counters, role_named("context_switches"), 1, &result);
    counters_close(counters);
    assert_true(result.available);
    /* One is over before it began where the timer rings while another has the core. */
    assert_true(result.value >= 50);
}

static void *spin(void *seconds) {
    struct timespec now;
    do {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while ((double)now.tv_sec + (double)now.tv_nsec * 1e-9 < *(double *)seconds);
    return NULL;
}

static void cpu_time_of_another_thread_is_missed_and_noticed(void **state) {
    (void)state;
    struct counters *counters;
    struct error error;
    double seconds = 0.05;
    pthread_t thread;
    assert_true(counters_open(NULL, &counters, &error));
    counters_start(counters, 0);
    assert_int_equal(pthread_create(&thread, NULL, spin, &seconds), 0);
    pthread_join(thread, NULL);
    counters_stop(counters, 0);
    assert_true(counters_thread_share(counters) < 0.9);
    counters_close(counters);
}

static void every_role_here_is_counted_or_says_why_not(void **state) {
    (void)state;
    struct counters *counters;
    struct counter_host host;
    struct error error;
    counter_host_read("", &host);
    assert_true(counters_open(NULL, &counters, &error));
    for (int role = 0; role < COUNTER_ROLES; role++) {
        struct counter_result result;
        counters_describe(counters, role, &result);
        assert_string_equal(result.role, counter_roles[role].name);
        assert_true(result.available == (result.reason[0] == '\0'));
        assert_true(result.available == (result.event[0] != '\0'));
        /* PAPI answers a query for perf::CYCLES with yes, PMU or not. */
        if (counter_roles[role].hardware && !host.pmu[0]) assert_false(result.available);
    }
    counters_close(counters);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_means_over_repeats_per_input),
        cmocka_unit_test(event_that_is_listed_but_cannot_be_added_is_null_with_no_pmu),
        cmocka_unit_test(software_roles_count_where_there_is_no_pmu),
        cmocka_unit_test(context_switches_come_from_the_kernel_not_from_an_event_that_reads_zero),
        cmocka_unit_test(chain_falls_back_to_the_next_source),
        cmocka_unit_test(weighted_sum_of_native_events_is_spread_over_passes),
        cmocka_unit_test(part_of_a_sum_is_not_the_sum),
        cmocka_unit_test(sum_of_events_that_all_read_zero_is_unavailable),
        cmocka_unit_test(conflict_opens_another_pass_and_loses_nothing),
        cmocka_unit_test(conflict_that_shows_at_the_start_opens_another_pass_too),
        cmocka_unit_test(zero_where_the_known_work_causes_some_is_unavailable),
        cmocka_unit_test(negative_count_in_one_repeat_does_not_hide_in_the_sum),
        cmocka_unit_test(zero_cycles_in_one_repeat_are_unavailable),
        cmocka_unit_test(zero_of_a_proven_event_in_a_region_is_a_count),
        cmocka_unit_test(implausible_instructions_per_cycle_flag_both_roles),
        cmocka_unit_test(failing_start_makes_its_pass_unavailable_and_says_why),
        cmocka_unit_test(failing_stop_makes_its_pass_unavailable_and_says_why),
        cmocka_unit_test(a_library_that_says_nothing_did_not_start),
        cmocka_unit_test(region_never_run_is_no_zero),
        cmocka_unit_test(kernel_that_tells_nothing_makes_roles_unavailable),
        cmocka_unit_test(work_in_other_threads_shows_in_the_thread_share),
        cmocka_unit_test(what_reading_alone_counts_stands_beside_the_value),
        cmocka_unit_test(what_reading_alone_counts_is_the_least_of_ten_passes),
        cmocka_unit_test(start_and_stop_allocate_nothing),
        cmocka_unit_test(page_faults_of_touched_memory_are_counted_here),
        cmocka_unit_test(hundred_sleeps_are_not_zero_context_switches),
        cmocka_unit_test(cpu_time_of_another_thread_is_missed_and_noticed),
        cmocka_unit_test(every_role_here_is_counted_or_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
