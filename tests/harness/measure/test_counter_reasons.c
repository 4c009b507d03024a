/*
 * Why a role cannot be counted, in words that help on the machine at hand: they name the cause and
 * the fix, and no event, permission or processor that has nothing to do with it. The PAPI behind it
 * is made up (fake_counters.h).
 */
#include "tests/harness/measure/fake_counters.h"

static struct counter_result count_refused(struct fake *fake, int code) {
    for (int i = 0; fake->event[i].name; i++) fake->event[i].add_code = code;
    return count(fake, "cycles", 1, 1);
}

/* A capability of the program helps with some versions of PAPI only. */
static void permission_names_the_level_and_the_command_that_helps(void **state) {
    (void)state;
    for (int level = 3; level <= 4; level++) {
        struct fake fake = good_machine();
        char expected[64];
        fake.host.paranoid = level;
        struct counter_result result =
            count_refused(&fake, level == 3 ? COUNTER_COMPONENT_DISABLED : COUNTER_NO_PERMISSION);
        snprintf(expected, sizeof expected, "perf_event_paranoid=%d", level);
        assert_unavailable(&result, expected);
        assert_unavailable(&result, "sudo sysctl kernel.perf_event_paranoid=2");
        assert_null(strstr(result.reason, "setcap"));
        fake.host.container = true;
        result = count(&fake, "cycles", 1, 1);
        assert_unavailable(&result, "--cap-add PERFMON");
    }
}

static void permission_at_a_level_that_allows_counting_is_somebody_elses_to_give(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_result result = count_refused(&fake, COUNTER_NO_PERMISSION);
    assert_unavailable(&result, "a container or a security module forbids perf_event_open");
    assert_null(strstr(result.reason, "sysctl"));
}

static void disabled_component_is_told_in_papis_words(void **state) {
    (void)state;
    static const int codes[] = {COUNTER_COMPONENT_DISABLED, COUNTER_NO_EVENT};
    for (int i = 0; i < 2; i++) {
        struct fake fake = good_machine();
        snprintf(fake.host.disabled, sizeof fake.host.disabled,
                 "Error libpfm4 no default PMU found");
        struct counter_result result = count_refused(&fake, codes[i]);
        assert_unavailable(&result, "Error libpfm4 no default PMU found");
        assert_unavailable(&result, "a newer PAPI may know this CPU");
        assert_null(strstr(result.reason, "permission"));
    }
}

static void component_disabled_for_another_reason_promises_nothing_of_a_newer_papi(void **state) {
    (void)state;
    struct fake fake = good_machine();
    snprintf(fake.host.disabled, sizeof fake.host.disabled, "Unable to open a counter");
    struct counter_result result = count_refused(&fake, COUNTER_NO_EVENT);
    assert_unavailable(&result, "perf_event: Unable to open a counter");
    assert_null(strstr(result.reason, "newer"));
}

/* The kernel's own events do not need the PMU that PAPI does not use. */
static void disabled_component_is_no_reason_of_software_events(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_request request = {.events = {1, {"perf::CPU-MIGRATIONS"}}};
    snprintf(fake.host.disabled, sizeof fake.host.disabled, "Error libpfm4 no default PMU found");
    struct counter_result result = count_request(&fake, &request, "perf::CPU-MIGRATIONS", 1, 1);
    assert_unavailable(&result, "PAPI knows no event perf::CPU-MIGRATIONS");
}

/* Where counting is allowed to this program whatever the level, a conflict is one. */
static void conflict_is_no_lack_of_permission(void **state) {
    (void)state;
    struct fake fake = good_machine();
    fake.host.paranoid = 3;
    struct counter_result result = count_refused(&fake, COUNTER_CONFLICT);
    assert_unavailable(&result, "no counter is free");
    assert_null(strstr(result.reason, "sysctl"));
}

/* Of a component that is built and off, its own state is told and not the CPU's. */
static void component_that_is_off_is_told_by_its_name(void **state) {
    (void)state;
    static const int codes[] = {COUNTER_COMPONENT_DISABLED, COUNTER_NO_EVENT};
    for (int i = 0; i < 2; i++) {
        struct fake fake = good_machine();
        struct counter_request request = {.events = {1, {"net:::lo:rx"}}};
        add_event(&fake, "net:::lo:rx", 1)->add_code = codes[i];
        struct counter_result result = count_request(&fake, &request, "net:::lo:rx", 1, 1);
        assert_unavailable(&result, "PAPI has no event net:::lo:rx: ");
        assert_unavailable(&result, "its component net is built and enabled");
    }
}

/* The first event that failed as something else than missing is the best of them. */
static void of_several_failures_the_first_that_is_more_than_missing_is_told(void **state) {
    (void)state;
    struct fake fake = good_machine();
    event_named(&fake, "PAPI_L1_DCM")->value = 0;
    add_event(&fake, "L1D_CACHE_REFILL", 0);
    add_event(&fake, "perf::L1-DCACHE-LOAD-MISSES", 0);
    struct counter_result result = count(&fake, "l1d_misses", 1, 1);
    assert_unavailable(&result, "L1D_CACHE_REFILL was added and read 0");
}

/* Reasons that name events of another processor explain nothing. */
static void role_without_any_event_here_names_none(void **state) {
    (void)state;
    struct fake fake = good_machine();
    for (int i = 2; fake.event[i].name; i++) fake.event[i].add_code = COUNTER_NO_EVENT;
    for (int role = 2; role < N_PRESETS; role++) {
        struct counter_result result = count(&fake, counter_roles[role].name, 1, 1);
        assert_unavailable(&result, "PAPI knows no event for it on this CPU");
        for (int i = 0; i < COUNTER_SOURCES_MAX && counter_roles[role].source[i].name; i++)
            assert_null(strstr(result.reason, counter_roles[role].source[i].name));
    }
}

/* PAPI chooses its tables by the model of the CPU and may list forty presets where the kernel has
 * no PMU for them: whether they cannot be added or read nothing, none is believed. */
static void presets_without_a_pmu_of_the_kernel_are_refused(void **state) {
    (void)state;
    for (int added = 0; added < 2; added++)
        for (int role = 0; role < N_PRESETS; role++) {
            struct fake fake = good_machine();
            fake.host.pmu[0] = '\0';
            for (struct fake_event *event = fake.event; event->name; event++) {
                event->value = 0;
                event->add_code = added ? COUNTER_OK : COUNTER_NO_EVENT;
            }
            struct counter_result result = count(&fake, counter_roles[role].name, 1, 1);
            assert_unavailable(&result, added ? "read 0" : "shows no performance-monitoring unit");
        }
}

static void nmi_watchdog_is_named_when_no_counter_is_free(void **state) {
    (void)state;
    struct fake fake = good_machine();
    fake.host.nmi_watchdog = 1;
    event_named(&fake, "PAPI_TOT_CYC")->start_code = COUNTER_CONFLICT; /* added, does not count */
    struct counter_result result = count(&fake, "cycles", 1, 1);
    assert_unavailable(&result, "kernel.nmi_watchdog=0");
}

static void unknown_code_without_text_still_has_a_reason(void **state) {
    (void)state;
    struct fake fake = good_machine();
    event_named(&fake, "PAPI_TOT_CYC")->add_code = -28;
    fake.text = NULL; /* PAPI_strerror of an unknown code */
    struct counter_result result = count(&fake, "cycles", 1, 1);
    assert_unavailable(&result, "code -28");
    fake.text = "No error"; /* PAPI 7.0.0 */
    result = count(&fake, "cycles", 1, 1);
    assert_unavailable(&result, "code -28");
    assert_null(strstr(result.reason, "No error"));
}

static void library_that_does_not_start_is_the_reason_of_hardware_roles(void **state) {
    (void)state;
    struct fake fake = good_machine();
    fake.open_code = COUNTER_NO_BACKEND;
    fake.problem = "built without PAPI: install libpapi-dev and rebuild";
    struct counter_result result = count(&fake, "instructions", 1, 1);
    assert_unavailable(&result, "install libpapi-dev");
    assert_int_equal(fake.n_sets, 0); /* and nothing of it was called */
    result = count(&fake, "task_clock_ns", 1, 1);
    assert_true(result.available); /* the kernel keeps this one anyway */
    assert_true(result.value == 700.0);
}

static void version_mismatch_names_both_versions(void **state) {
    (void)state;
    char text[256] = "";
    assert_false(counter_version_problem(0x07000000, 0x07000100, text, sizeof text));
    assert_true(counter_version_problem(0x07020000, 0x07000000, text, sizeof text));
    assert_non_null(strstr(text, "PAPI 7.2"));
    assert_non_null(strstr(text, "PAPI 7.0"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permission_names_the_level_and_the_command_that_helps),
        cmocka_unit_test(permission_at_a_level_that_allows_counting_is_somebody_elses_to_give),
        cmocka_unit_test(disabled_component_is_told_in_papis_words),
        cmocka_unit_test(component_disabled_for_another_reason_promises_nothing_of_a_newer_papi),
        cmocka_unit_test(disabled_component_is_no_reason_of_software_events),
        cmocka_unit_test(conflict_is_no_lack_of_permission),
        cmocka_unit_test(component_that_is_off_is_told_by_its_name),
        cmocka_unit_test(of_several_failures_the_first_that_is_more_than_missing_is_told),
        cmocka_unit_test(role_without_any_event_here_names_none),
        cmocka_unit_test(presets_without_a_pmu_of_the_kernel_are_refused),
        cmocka_unit_test(nmi_watchdog_is_named_when_no_counter_is_free),
        cmocka_unit_test(unknown_code_without_text_still_has_a_reason),
        cmocka_unit_test(library_that_does_not_start_is_the_reason_of_hardware_roles),
        cmocka_unit_test(version_mismatch_names_both_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
