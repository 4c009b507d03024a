/*
 * Headroom's own counts as PAPI events: what is read back is what was counted, or a reason. The
 * last test reads them through this machine's PAPI, as any other tool in the process would.
 */
#include "harness/measure/software_events.h"
#include "tests/harness/measure/fake_counters.h"

#ifdef HAVE_SDE
static const bool exported = true;
#else
static const bool exported = false;
#endif

static const struct software_counts region = {{1LL << 40, 12, 96, 0}};

/* Three regions seen through a made-up PAPI in which each event reads `offset` too much. */
static struct counter_result read_through_fake(long long offset, enum software_event event) {
    struct fake fake = good_machine();
    struct counter_backend backend = backend_of(&fake);
    struct software_events *events;
    struct counter_result result;
    struct error error;
    char name[SOFTWARE_EVENTS][NAME_SIZE];
    for (int i = 0; i < SOFTWARE_EVENTS; i++) {
        software_event_papi_name((enum software_event)i, name[i]);
        add_event(&fake, name[i], region.count[i] + offset);
    }
    assert_true(software_events_open_backend(&backend, &events, &error));
    for (int i = 0; i < 3; i++) {
        software_events_start(events);
        software_events_stop(events, &region);
    }
    software_events_result(events, event, 4, &result);
    software_events_close(events);
    assert_int_equal(fake.n_open_sets, 0);
    return result;
}

static void what_was_counted_is_read_back_even_if_it_is_zero(void **state) {
    (void)state;
    for (int i = 0; i < SOFTWARE_EVENTS; i++) {
        struct counter_result result = read_through_fake(0, (enum software_event)i);
        assert_true(result.available);
        assert_true(result.value == (double)region.count[i] / 4);
        assert_string_equal(result.role, software_event_names[i]);
        assert_int_equal(result.repeats, 3);
    }
}

static void reading_other_than_what_was_counted_is_unavailable(void **state) {
    (void)state;
    for (int i = 0; i < SOFTWARE_EVENTS; i++) {
        struct counter_result result = read_through_fake(1, (enum software_event)i);
        assert_unavailable(&result, exported ? "were counted" : "libsde");
    }
}

static void component_that_is_disabled_is_a_reason(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_backend backend = backend_of(&fake);
    struct software_events *events;
    struct counter_result result;
    struct error error;
    char name[NAME_SIZE];
    software_event_papi_name(EVENT_TOKENS, name);
    add_event(&fake, name, 1)->add_code = COUNTER_COMPONENT_DISABLED;
    assert_true(software_events_open_backend(&backend, &events, &error));
    software_events_start(events);
    software_events_stop(events, &region);
    software_events_result(events, EVENT_TOKENS, 1, &result);
    software_events_close(events);
    assert_unavailable(&result, exported ? "component sde" : "libsde");
}

static void papi_here_reads_what_was_counted(void **state) {
    (void)state;
    for (int round = 1; round <= 2; round++) { /* the second finds the events exported already */
        struct software_events *events;
        struct error error;
        assert_true(software_events_open(&events, &error));
        for (int i = 0; i < 5; i++) {
            software_events_start(events);
            software_events_stop(events, &region);
        }
        for (int i = 0; i < SOFTWARE_EVENTS; i++) {
            struct counter_result result;
            software_events_result(events, (enum software_event)i, round, &result);
            if (!result.available) {
                print_message("SKIP: %s\n", result.reason);
                software_events_close(events);
                skip();
            }
            assert_true(result.value == (double)region.count[i] / round);
            assert_string_equal(result.status, "counted");
        }
        software_events_close(events);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_counted_is_read_back_even_if_it_is_zero),
        cmocka_unit_test(reading_other_than_what_was_counted_is_unavailable),
        cmocka_unit_test(component_that_is_disabled_is_a_reason),
        cmocka_unit_test(papi_here_reads_what_was_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
