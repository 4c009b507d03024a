/*
 * The doctor's page: complete, one screen, with every reason once; and its look for energy sources
 * on made-up machines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "harness/doctor.h"
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
    doctor.counter[0].available = true;
    doctor.counter[0].reason[0] = '\0';
    print_page(&doctor, false, page);
    assert_non_null(strstr(page, "1 of 11 hardware counters"));
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
    assert_int_equal(doctor_run(out, false), 0);
    fclose(out);
    assert_true(occurrences(text, "\n") <= 50);
    assert_non_null(strstr(text, "CLOCK_MONOTONIC"));
}

static void machine_without_rapl_says_what_would_help(void **state) {
    (void)state;
    struct doctor_source energy[DOCTOR_ENERGY_MAX];
    char root[64];
    machine_open(root);
    assert_int_equal(doctor_read_energy(root, energy), 1);
    machine_close(root);
    assert_false(energy[0].available);
    assert_non_null(strstr(energy[0].detail, "intel_rapl_msr"));
}

static void readable_rapl_domains_are_listed_by_name(void **state) {
    (void)state;
    struct doctor_source energy[DOCTOR_ENERGY_MAX];
    char root[64];
    machine_open(root);
    machine_add(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "12345\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "999999\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0:0/name", "dram\n");
    int n = doctor_read_energy(root, energy);
    machine_close(root);
    assert_int_equal(n, 2);
    assert_string_equal(energy[0].what, "package-0");
    assert_true(energy[0].available);
    assert_string_equal(energy[1].what, "dram");
    assert_false(energy[1].available); /* it has no energy_uj that we may read */
    assert_non_null(strstr(energy[1].detail, "chmod"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_has_a_line_and_a_shared_reason_is_told_once),
        cmocka_unit_test(different_reasons_are_all_told),
        cmocka_unit_test(verdict_counts_the_hardware_counters),
        cmocka_unit_test(colours_only_when_asked),
        cmocka_unit_test(long_reasons_wrap_within_the_screen),
        cmocka_unit_test(this_machine_fits_one_screen_and_can_profile),
        cmocka_unit_test(machine_without_rapl_says_what_would_help),
        cmocka_unit_test(readable_rapl_domains_are_listed_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
