/*
 * Counting what a workload asks for: events by name, each a role of its own, and multiplexing. The
 * PAPI behind it is made up (fake_counters.h).
 */
#include "tests/harness/measure/fake_counters.h"
#include "tests/harness/measure/machine.h"

/* ---- events that a workload asks for ---- */

static void event_asked_for_is_a_role_of_its_own(void **state) {
    (void)state;
    for (int n_counters = 1; n_counters <= 16; n_counters += 5) {
        struct fake fake = good_machine();
        struct counter_request request = {.events = {2, {"PAPI_VEC_SP", "UOPS_RETIRED:ALL"}}};
        fake.n_counters = n_counters;
        add_event(&fake, "PAPI_VEC_SP", 36);
        add_event(&fake, "UOPS_RETIRED:ALL", 90);
        struct counter_result result = count_request(&fake, &request, "PAPI_VEC_SP", 3, 4);
        assert_true(result.available && result.value == 9.0);
        assert_string_equal(result.event, "PAPI_VEC_SP");
        result = count_request(&fake, &request, "UOPS_RETIRED:ALL", 3, 4);
        assert_true(result.available && result.value == 22.5);
        result = count_request(&fake, &request, "cycles", 3, 4);
        assert_true(result.available && result.value == 250.0);
    }
}

static void event_that_nothing_knows_is_a_reason_naming_it(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_request request = {.events = {1, {"PAPI_TOT_CYX"}}};
    struct counter_result result = count_request(&fake, &request, "PAPI_TOT_CYX", 1, 1);
    assert_unavailable(&result, "PAPI knows no event PAPI_TOT_CYX");
}

/* One that may have nothing to count is believed once it has read something. */
static void event_that_never_read_anything_but_zero_is_not_believed(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_request request = {.events = {1, {"DIVIDER:BUSY"}}};
    struct fake_event *event = add_event(&fake, "DIVIDER:BUSY", 0);
    struct counter_result result = count_request(&fake, &request, "DIVIDER:BUSY", 4, 1);
    assert_unavailable(&result, "never read anything but 0");
    struct counter_backend backend = backend_of(&fake);
    struct counters *counters;
    struct error error;
    assert_true(counters_open_backend(&backend, &request, &counters, &error));
    for (int i = 0; i < 4; i++) {
        event->value = i == 2 ? 8 : 0;
        counters_start(counters, 0);
        counters_stop(counters, 0);
    }
    counters_result(counters, COUNTER_ROLES, 1, &result);
    counters_close(counters);
    assert_true(result.available && result.value == 2.0);
}

static void event_of_another_component_gets_its_own_pass(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_request request = {.events = {1, {"sde:::headroom::tokens"}}};
    add_event(&fake, "sde:::headroom::tokens", 7)->component = 1;
    struct counter_result result = count_request(&fake, &request, "sde:::headroom::tokens", 2, 1);
    assert_true(result.available && result.value == 7.0);
    assert_int_equal(result.pass, 1);
}

static void only_what_was_asked_for_is_counted_on_request(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_request request = {.events = {1, {"PAPI_VEC_SP"}}, .only_events = true};
    add_event(&fake, "PAPI_VEC_SP", 36);
    struct counter_result result = count_request(&fake, &request, "cycles", 1, 1);
    assert_unavailable(&result, "not asked for");
    result = count_request(&fake, &request, "PAPI_VEC_SP", 1, 1);
    assert_true(result.available && result.value == 36.0);
}

/* What is asked for alone is believed as much as beside the roles, unless the caller knows. */
static void zero_is_believed_only_of_who_knows_what_should_be_read(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_request request = {.events = {1, {"DIVIDER:BUSY"}}, .only_events = true};
    add_event(&fake, "DIVIDER:BUSY", 0);
    struct counter_result result = count_request(&fake, &request, "DIVIDER:BUSY", 4, 1);
    assert_unavailable(&result, "never read anything but 0");
    request.believes_zero = true;
    result = count_request(&fake, &request, "DIVIDER:BUSY", 4, 1);
    assert_true(result.available && result.value == 0.0);
}

/* ---- multiplexing ---- */

/* Two counters for eleven events that take turns of 4 ms: 88 ms are two turns of each. */
static struct fake crowded_machine(double region_ms) {
    struct fake fake = good_machine();
    fake.n_counters = 2;
    fake.step.thread_cpu_ns = (int64_t)(region_ms * 1e6);
    return fake;
}

static void multiplexed_counts_share_one_pass_and_say_so(void **state) {
    (void)state;
    struct fake fake = crowded_machine(88);
    struct counter_request request = {.multiplex = true};
    for (int role = 0; role < N_PRESETS; role++) {
        struct counter_result result =
            count_request(&fake, &request, counter_roles[role].name, 3, 1);
        assert_true(result.available && result.value == (double)presets[role].value);
        assert_string_equal(result.status, "multiplexed");
        assert_int_equal(result.pass, 0);
        assert_true(isnan(result.empty)); /* scaled up, it would mean nothing */
    }
}

static void nothing_is_multiplexed_unless_asked_for(void **state) {
    (void)state;
    struct fake fake = good_machine();
    fake.n_counters = 2;
    for (int role = 0; role < COUNTER_ROLES; role++) {
        struct counter_result result = count(&fake, counter_roles[role].name, 1, 1);
        assert_string_equal(result.status, "counted");
    }
    assert_int_equal(fake.n_multiplexed, 0);
}

/* No value tells that its event had no turn: one may read small numbers, another, by the times of
 * earlier runs, several times too much. The length of the region does. */
static void region_shorter_than_the_turns_of_all_events_is_refused_with_both_lengths(void **state) {
    (void)state;
    struct fake fake = crowded_machine(87.9);
    struct counter_request request = {.multiplex = true};
    fake.starves = true;
    fake.starved = 285;
    for (int role = 0; role < N_PRESETS; role++) {
        struct counter_result result =
            count_request(&fake, &request, counter_roles[role].name, 3, 1);
        assert_unavailable(&result, "took turns in a region of 87.9 ms");
        assert_unavailable(&result, "11 events in turns of 4 ms need at least 88 ms");
    }
    fake.host.turn_ms = -1; /* the kernel does not tell: the longest default */
    struct counter_result result = count_request(&fake, &request, "cycles", 3, 1);
    assert_unavailable(&result, "turns of 10 ms need at least 220 ms");
}

static void length_of_a_turn_is_the_kernels(void **state) {
    (void)state;
    struct counter_host host;
    char root[64];
    machine_open(root);
    machine_add(root, "/sys/bus/event_source/devices/software/perf_event_mux_interval_ms", "0\n");
    counter_host_read(root, &host);
    assert_int_equal(host.turn_ms, -1);
    machine_add(root, "/sys/bus/event_source/devices/armv8_pmuv3/perf_event_mux_interval_ms",
                "8\n");
    counter_host_read(root, &host);
    assert_int_equal(host.turn_ms, 8);
    machine_close(root);
}

/* Which folder is listed first is up to the kernel: both orders of making them. */
static void of_two_pmus_that_of_the_larger_cores_is_told(void **state) {
    (void)state;
    static const char *const pmus[][2] = {{"cpu_core", "cpu_atom"},
                                          {"armv8_cortex_a72", "armv8_cortex_a53"}};
    for (int i = 0; i < 4; i++) {
        struct counter_host host;
        char root[64], path[128];
        machine_open(root);
        for (int j = 0; j < 2; j++) {
            snprintf(path, sizeof path,
                     "/sys/bus/event_source/devices/%s/perf_event_mux_interval_ms",
                     pmus[i / 2][(i + j) % 2]);
            machine_add(root, path, (i + j) % 2 ? "8\n" : "4\n");
        }
        counter_host_read(root, &host);
        machine_close(root);
        assert_string_equal(host.pmu, pmus[i / 2][0]);
        assert_int_equal(host.turn_ms, 4);
    }
}

static void software_events_need_no_turn_and_are_counted(void **state) {
    (void)state;
    struct fake fake = crowded_machine(1);
    struct counter_request request = {.multiplex = true, .events = {1, {"sde:::headroom::tokens"}}};
    add_event(&fake, "perf::PAGE-FAULTS", 9);
    add_event(&fake, "sde:::headroom::tokens", 7)->component = 1;
    struct counter_result result = count_request(&fake, &request, "page_faults", 2, 1);
    assert_true(result.available && result.value == 9.0);
    assert_string_equal(result.status, "counted");
    result = count_request(&fake, &request, "sde:::headroom::tokens", 2, 1);
    assert_true(result.available && result.value == 7.0);
    assert_string_equal(result.status, "counted");
    result = count_request(&fake, &request, "context_switches", 2, 1);
    assert_string_equal(result.status, "counted"); /* the kernel's own number */
    result = count_request(&fake, &request, "cycles", 2, 1);
    assert_unavailable(&result, "11 events in turns"); /* and page faults beside them */
}

/* Those of the kernel under their names in PAPI; a name that only begins like one is hardware's. */
static void software_events_asked_for_by_name_need_neither_turn_nor_pmu(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool hardware;
    } cases[] = {{"perf::PAGE-FAULTS", false},
                 {"perf::MINOR-FAULTS:u=1", false},
                 {"perf::PERF_COUNT_SW_CPU_CLOCK", false},
                 {"perf::CS", false},
                 {"perf::CPU-CYCLES", true},
                 {"perf::PAGE-FAULTS-NOT", true},
                 {"PAPI_VEC_SP", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fake fake = crowded_machine(1);
        struct counter_request request = {.multiplex = true, .events.n = 1};
        snprintf(request.events.name[0], NAME_SIZE, "%s", cases[i].name);
        add_event(&fake, cases[i].name, 9);
        struct counter_result result = count_request(&fake, &request, cases[i].name, 2, 1);
        assert_true(result.available == !cases[i].hardware);
        if (cases[i].hardware) assert_unavailable(&result, "took turns");
        fake = virtual_machine();
        result = count_request(&fake, &request, cases[i].name, 2, 1);
        assert_unavailable(&result, cases[i].hardware ? "this virtual machine exposes no"
                                                      : "PAPI knows no event perf::");
    }
}

static void what_fits_the_counters_takes_no_turns(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_request request = {.multiplex = true};
    struct counter_result result = count_request(&fake, &request, "cycles", 2, 1);
    assert_true(result.available && result.value == 1000.0);
    assert_string_equal(result.status, "counted");
    assert_int_equal(fake.n_multiplexed, 0);
}

/* PAPI hands out the raw 0 of an event that never had its turn. */
static void zero_of_a_multiplexed_event_is_never_believed(void **state) {
    (void)state;
    struct fake fake = crowded_machine(100);
    struct counter_request request = {.multiplex = true};
    fake.n_counters = 7;
    fake.starves = true;
    struct counter_result result = count_request(&fake, &request, "llc_misses", 2, 1);
    assert_unavailable(&result, "read 0 while multiplexed");
    result = count_request(&fake, &request, "l2_misses", 2, 1);
    assert_true(result.available && result.value == 20.0);
}

static void machine_that_cannot_multiplex_counts_in_passes(void **state) {
    (void)state;
    struct fake fake = crowded_machine(1);
    struct counter_request request = {.multiplex = true};
    fake.multiplex_code = COUNTER_NOT_SUPPORTED;
    struct counter_result result = count_request(&fake, &request, "branch_misses", 2, 1);
    assert_true(result.available && result.value == 5.0);
    assert_string_equal(result.status, "counted");
    assert_int_equal(result.pass, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(event_asked_for_is_a_role_of_its_own),
        cmocka_unit_test(event_that_nothing_knows_is_a_reason_naming_it),
        cmocka_unit_test(event_that_never_read_anything_but_zero_is_not_believed),
        cmocka_unit_test(event_of_another_component_gets_its_own_pass),
        cmocka_unit_test(only_what_was_asked_for_is_counted_on_request),
        cmocka_unit_test(zero_is_believed_only_of_who_knows_what_should_be_read),
        cmocka_unit_test(multiplexed_counts_share_one_pass_and_say_so),
        cmocka_unit_test(nothing_is_multiplexed_unless_asked_for),
        cmocka_unit_test(region_shorter_than_the_turns_of_all_events_is_refused_with_both_lengths),
        cmocka_unit_test(length_of_a_turn_is_the_kernels),
        cmocka_unit_test(of_two_pmus_that_of_the_larger_cores_is_told),
        cmocka_unit_test(software_events_need_no_turn_and_are_counted),
        cmocka_unit_test(software_events_asked_for_by_name_need_neither_turn_nor_pmu),
        cmocka_unit_test(what_fits_the_counters_takes_no_turns),
        cmocka_unit_test(zero_of_a_multiplexed_event_is_never_believed),
        cmocka_unit_test(machine_that_cannot_multiplex_counts_in_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
