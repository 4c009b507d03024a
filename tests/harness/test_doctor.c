/*
 * The doctor's page: complete, one screen, with every reason once; the same for programs; and what
 * it finds on made-up machines whose counters fail in every way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "harness/doctor.h"
#include "tests/harness/fake_counters.h"
#include "tests/harness/machine.h"

enum { PAGE_SIZE = 16384 };

/* What the doctor prints about `doctor`. */
static void print_page(const struct doctor *doctor, bool colour, char page[PAGE_SIZE]) {
    memset(page, 0, PAGE_SIZE);
    FILE *out = fmemopen(page, PAGE_SIZE - 1, "w");
    assert_non_null(out);
    doctor_print(doctor, out, colour);
    fclose(out);
}

static int occurrences(const char *text, const char *part) {
    int n = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part)) n++;
    return n;
}

/* A report in which the hardware roles are unavailable for one reason and the others count. */
static struct doctor made_up(void) {
    struct doctor doctor = {.n_passes = 1, .n_energy = 1};
    doctor.environment.cores = 4;
    doctor.clock = (struct doctor_source){"latency", true, "a clock"};
    doctor.memory[0] = (struct doctor_source){"peak resident", true, "VmHWM"};
    doctor.memory[1] = (struct doctor_source){"peak per phase", false, "not writable"};
    doctor.energy[0] = (struct doctor_source){"energy", false, "no domain"};
    for (int role = 0; role < COUNTER_ROLES; role++) {
        struct counter_result *result = &doctor.counter[role];
        *result = (struct counter_result){.available = !counter_roles[role].hardware, .value = NAN};
        snprintf(result->role, sizeof result->role, "%s", counter_roles[role].name);
        snprintf(result->event, sizeof result->event, "%s", result->available ? "an::EVENT" : "");
        snprintf(result->reason, sizeof result->reason, "%s",
                 result->available ? "" : "broken: mend it");
    }
    return doctor;
}

static void every_role_has_a_line_and_a_shared_reason_is_told_once(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char page[PAGE_SIZE];
    print_page(&doctor, false, page);
    for (int role = 0; role < COUNTER_ROLES; role++) {
        char line[64];
        snprintf(line, sizeof line, "\n  %s ", counter_roles[role].name);
        assert_int_equal(occurrences(page, line), 1);
    }
    assert_int_equal(occurrences(page, "broken: mend it"), 1);
    assert_int_equal(occurrences(page, "an::EVENT"), 3);
    assert_non_null(strstr(page, "not writable"));
    assert_non_null(strstr(page, "no domain"));
}

static void different_reasons_are_all_told(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    snprintf(doctor.counter[2].reason, sizeof doctor.counter[2].reason, "another reason");
    char page[PAGE_SIZE];
    print_page(&doctor, false, page);
    assert_int_equal(occurrences(page, "broken: mend it"), 1);
    assert_int_equal(occurrences(page, "another reason"), 1);
}

static void verdict_counts_the_hardware_counters(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char page[PAGE_SIZE];
    print_page(&doctor, false, page);
    assert_non_null(strstr(page, "hardware counters are stored as NULL"));
    assert_non_null(strstr(page, "Untested on hardware: hardware counters and RAPL energy"));
    doctor.counter[0].available = true;
    doctor.counter[0].reason[0] = '\0';
    print_page(&doctor, false, page);
    assert_non_null(strstr(page, "1 of 11 hardware counters"));
    assert_non_null(strstr(page, "Untested on hardware: hardware counters and RAPL energy"));
    doctor.clock.available = false;
    assert_false(doctor_can_profile(&doctor));
    print_page(&doctor, false, page);
    assert_non_null(strstr(page, "not possible"));
}

static void colours_only_when_asked(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char plain[PAGE_SIZE], coloured[PAGE_SIZE];
    print_page(&doctor, false, plain);
    print_page(&doctor, true, coloured);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(coloured, "\033[32myes"));
    assert_non_null(strstr(coloured, "\033[33mno"));
}

static void long_reasons_wrap_within_the_screen(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    for (int i = 0; i < 240; i++) doctor.counter[0].reason[i] = i % 8 == 7 ? ' ' : 'x';
    doctor.counter[0].reason[240] = '\0';
    char page[PAGE_SIZE];
    print_page(&doctor, false, page);
    for (char *line = strtok(page, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) <= 100);
}

static void this_machine_fits_one_screen_and_can_profile(void **state) {
    (void)state;
    char text[PAGE_SIZE] = "";
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    assert_non_null(out);
    assert_int_equal(doctor_run(out, false, false), 0);
    fclose(out);
    assert_true(occurrences(text, "\n") <= 50);
    assert_non_null(strstr(text, "CLOCK_MONOTONIC"));
}

static const char *detail_of(const struct doctor *doctor, const char *role) {
    for (int i = 0; i < COUNTER_ROLES; i++)
        if (strcmp(doctor->counter[i].role, role) == 0)
            return doctor->counter[i].available ? doctor->counter[i].event
                                                : doctor->counter[i].reason;
    fail_msg("no role %s", role);
    return "";
}

/* The doctor's findings about a made-up machine without files, programs or RAPL. */
static void examine(struct fake *fake, struct doctor *out) {
    struct counter_backend backend = backend_of(fake);
    char root[64];
    machine_open(root);
    doctor_read_machine(&backend, root, "", out);
    machine_close(root);
}

static void injected_failures_are_told_with_their_fix_and_profiling_goes_on(void **state) {
    (void)state;
    struct doctor doctor;
    struct fake denied = good_machine(), missing = good_machine(), zero = good_machine();
    struct fake crowded = good_machine(), guest = virtual_machine();
    for (int i = 0; denied.event[i].name; i++) denied.event[i].add_code = COUNTER_NO_PERMISSION;
    denied.host.paranoid = 4;
    examine(&denied, &doctor);
    assert_non_null(strstr(detail_of(&doctor, "cycles"), "perf_event_paranoid"));
    assert_true(doctor_can_profile(&doctor));

    missing.open_code = COUNTER_NO_BACKEND;
    missing.problem = "no component: built without PAPI";
    examine(&missing, &doctor);
    assert_non_null(strstr(detail_of(&doctor, "cycles"), "no component"));
    assert_true(doctor_can_profile(&doctor));

    for (int i = 0; zero.event[i].name; i++) zero.event[i].value = 0;
    examine(&zero, &doctor);
    for (int i = 0; i < COUNTER_ROLES; i++)
        if (counter_roles[i].hardware && counter_roles[i].zero != ZERO_IS_FINE &&
            doctor.counter[i].available)
            fail_msg("%s counts nothing with %s", doctor.counter[i].role, doctor.counter[i].event);
    assert_true(detail_of(&doctor, "cycles")[0] != '\0');
    assert_true(doctor_can_profile(&doctor));

    crowded.n_counters = 2; /* conflicting events go to passes of their own */
    examine(&crowded, &doctor);
    assert_true(doctor.n_passes > 1);
    assert_string_equal(detail_of(&doctor, "cycles"), "PAPI_TOT_CYC");
    assert_string_equal(detail_of(&doctor, "branch_misses"), "PAPI_BR_MSP");

    examine(&guest, &doctor);
    assert_non_null(strstr(detail_of(&doctor, "cycles"), "PMU"));
    assert_true(doctor_can_profile(&doctor));
}

static void energy_and_simulators_are_looked_for_where_they_would_be(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_backend backend = backend_of(&fake);
    struct doctor doctor;
    char root[64], folders[160], program[128];
    machine_open(root);
    doctor_read_machine(&backend, root, "", &doctor);
    assert_int_equal(doctor.n_energy, 1);
    assert_false(doctor.energy[0].available);
    assert_non_null(strstr(doctor.energy[0].detail, "intel_rapl_msr"));
    assert_false(doctor.simulator.available);
    assert_non_null(strstr(doctor.simulator.detail, "apt-get install valgrind"));

    machine_add(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "12345\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "999999\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0:0/name", "dram\n");
    machine_add(root, "/bin/valgrind", "");
    snprintf(program, sizeof program, "%s/bin/valgrind", root);
    chmod(program, 0755);
    snprintf(folders, sizeof folders, "/nonexistent:%s/bin", root);
    doctor_read_machine(&backend, root, folders, &doctor);
    machine_close(root);
    assert_int_equal(doctor.n_energy, 2);
    assert_string_equal(doctor.energy[0].what, "package-0");
    assert_true(doctor.energy[0].available);
    assert_string_equal(doctor.energy[1].what, "dram");
    assert_false(doctor.energy[1].available); /* it has no energy_uj that we may read */
    assert_non_null(strstr(doctor.energy[1].detail, "chmod"));
    assert_false(doctor.simulator.available); /* it has no portable build to run */
    assert_non_null(strstr(doctor.simulator.detail, "make headroom-v3"));
}

static void own_events_are_available_only_where_papi_reads_what_was_exported(void **state) {
    (void)state;
    struct doctor doctor;
    struct fake without = good_machine(), with = good_machine(), off_by_one = good_machine();
    char name[SOFTWARE_EVENTS][NAME_SIZE];
    for (int i = 0; i < SOFTWARE_EVENTS; i++) {
        software_event_papi_name((enum software_event)i, name[i]);
        add_event(&with, name[i], 1);
        add_event(&off_by_one, name[i], i == EVENT_TOKENS ? 2 : 1);
    }
    examine(&with, &doctor);
    assert_true(doctor.software_events.available);

    examine(&off_by_one, &doctor);
    assert_false(doctor.software_events.available);
    examine(&without, &doctor);
    assert_false(doctor.software_events.available);
#ifdef HAVE_SDE
    assert_non_null(strstr(doctor.software_events.detail, "papi_component_avail"));
#else
    assert_non_null(strstr(doctor.software_events.detail, "libpapi-dev"));
#endif
}

static void json_says_what_the_page_says(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    struct text json = {0};
    struct error error;
    struct node *root;
    snprintf(doctor.counter[0].reason, sizeof doctor.counter[0].reason, "a \"quoted\" reason");
    doctor_write_json(&doctor, &json);
    assert_true(json_parse(json.data, json.size, "doctor", &root, &error));
    assert_string_equal(node_find(root, "can_profile")->text, "true");
    const struct node *sources = node_find(root, "sources");
    assert_non_null(strstr(json.data, "{\"kind\": \"counter\", \"what\": \"cycles\", "
                                      "\"available\": false, "
                                      "\"detail\": \"a \\\"quoted\\\" reason\", "
                                      "\"untested_on_hardware\": true}"));
    assert_non_null(strstr(json.data, "\"what\": \"task_clock_ns\", \"available\": true, "
                                      "\"detail\": \"an::EVENT\", "
                                      "\"untested_on_hardware\": false}"));
    assert_int_equal(sources->n_children, 1 + DOCTOR_MEMORY + 1 + 1 + COUNTER_ROLES + 1);
    assert_non_null(node_find(root, "environment"));
    node_free(root);
    text_free(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_has_a_line_and_a_shared_reason_is_told_once),
        cmocka_unit_test(different_reasons_are_all_told),
        cmocka_unit_test(verdict_counts_the_hardware_counters),
        cmocka_unit_test(colours_only_when_asked),
        cmocka_unit_test(long_reasons_wrap_within_the_screen),
        cmocka_unit_test(this_machine_fits_one_screen_and_can_profile),
        cmocka_unit_test(injected_failures_are_told_with_their_fix_and_profiling_goes_on),
        cmocka_unit_test(energy_and_simulators_are_looked_for_where_they_would_be),
        cmocka_unit_test(own_events_are_available_only_where_papi_reads_what_was_exported),
        cmocka_unit_test(json_says_what_the_page_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
