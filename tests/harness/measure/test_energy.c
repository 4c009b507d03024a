/*
 * Energy counters of made-up machines: sums over sockets, counters that start again, and every way
 * in which there is no energy to report.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <time.h>

#include "harness/measure/energy.h"
#include "models/base/clock.h"
#include "tests/harness/measure/machine.h"

#define ZONE "/sys/class/powercap/intel-rapl:"

/* A domain with a counter that starts again after 1 J. */
static void add_domain(const char *root, const char *zone, const char *name, const char *energy) {
    char path[128], text[64];
    snprintf(path, sizeof path, ZONE "%s/name", zone);
    snprintf(text, sizeof text, "%s\n", name);
    machine_add(root, path, text);
    snprintf(path, sizeof path, ZONE "%s/max_energy_range_uj", zone);
    machine_add(root, path, "1000000\n");
    snprintf(path, sizeof path, ZONE "%s/energy_uj", zone);
    machine_add(root, path, energy);
}

static void set_energy(const char *root, const char *zone, const char *energy) {
    char path[128];
    snprintf(path, sizeof path, ZONE "%s/energy_uj", zone);
    machine_add(root, path, energy);
}

static void parts_are_sums_over_sockets_without_what_overlaps(void **state) {
    (void)state;
    struct energy energy;
    double joules[ENERGY_PARTS];
    char root[64];
    machine_open(root);
    add_domain(root, "0", "package-0", "100000\n");
    add_domain(root, "0:0", "core", "0\n"); /* part of its package */
    add_domain(root, "0:1", "dram", "500\n");
    add_domain(root, "1", "package-1", "200000\n");
    add_domain(root, "1:1", "dram", "700\n");
    add_domain(root, "2", "psys", "0\n"); /* holds both packages */
    energy_open(root, &energy);
    assert_int_equal(energy.n, 6);
    energy_start(&energy);
    set_energy(root, "0", "350000\n");
    set_energy(root, "0:0", "900000\n");
    set_energy(root, "0:1", "1500\n");
    set_energy(root, "1", "300000\n");
    set_energy(root, "1:1", "1000\n");
    set_energy(root, "2", "900000\n");
    energy_stop(&energy, joules);
    machine_close(root);
    assert_true(fabs(joules[ENERGY_PACKAGE] - 0.35) < 1e-9);
    assert_true(fabs(joules[ENERGY_DRAM] - 0.0013) < 1e-9);
}

static void counter_that_started_again_is_unwrapped(void **state) {
    (void)state;
    struct energy energy;
    double joules[ENERGY_PARTS];
    char root[64];
    machine_open(root);
    add_domain(root, "0", "package-0", "990000\n");
    energy_open(root, &energy);
    energy_start(&energy);
    set_energy(root, "0", "20000\n");
    energy_stop(&energy, joules);
    machine_close(root);
    assert_true(fabs(joules[ENERGY_PACKAGE] - 0.03) < 1e-9);
    assert_true(isnan(joules[ENERGY_DRAM]));
    assert_non_null(strstr(energy.reason[ENERGY_DRAM], "no RAPL domain 'dram'"));
}

static void what_cannot_be_read_is_unknown_with_the_fix(void **state) {
    (void)state;
    struct energy energy;
    double joules[ENERGY_PARTS];
    char root[64];
    machine_open(root);
    energy_open(root, &energy);
    assert_int_equal(energy.n, 0);
    assert_non_null(strstr(energy.reason[ENERGY_PACKAGE], "intel_rapl_msr"));
    energy_start(&energy);
    energy_stop(&energy, joules);
    assert_true(isnan(joules[ENERGY_PACKAGE]) && isnan(joules[ENERGY_DRAM]));

    add_domain(root, "0", "package-0", "100\n");
    machine_add(root, ZONE "1/name", "package-1\n"); /* its energy_uj is for root only */
    energy_open(root, &energy);
    assert_int_equal(energy.n, 2);
    assert_non_null(strstr(energy.reason[ENERGY_PACKAGE], "chmod")); /* half a sum is none */
    energy_start(&energy);
    energy_stop(&energy, joules);
    assert_true(isnan(joules[ENERGY_PACKAGE]));
    machine_close(root);
}

static void counter_that_is_no_number_or_goes_away_gives_no_energy(void **state) {
    (void)state;
    struct energy energy;
    double joules[ENERGY_PARTS];
    char root[64];
    machine_open(root);
    add_domain(root, "0", "package-0", "100\n");
    add_domain(root, "0:1", "dram", "-5\n");
    energy_open(root, &energy);
    assert_true(energy.reason[ENERGY_DRAM][0] != 0);
    energy_start(&energy);
    set_energy(root, "0", "what\n");
    energy_stop(&energy, joules);
    machine_close(root);
    assert_true(isnan(joules[ENERGY_PACKAGE]));
}

static void domain_that_tells_half_is_in_no_sum_or_makes_it_unknown(void **state) {
    (void)state;
    struct energy energy;
    double joules[ENERGY_PARTS];
    char root[64];
    machine_open(root);
    add_domain(root, "0", "package-0", "100000\n");
    machine_add(root, ZONE "1/energy_uj", "0\n"); /* of what, nobody says */
    energy_open(root, &energy);
    assert_int_equal(energy.n, 2);
    assert_string_equal(energy.reason[ENERGY_PACKAGE], "");
    energy_start(&energy);
    set_energy(root, "0", "400000\n");
    set_energy(root, "1", "900000\n");
    energy_stop(&energy, joules);
    assert_true(fabs(joules[ENERGY_PACKAGE] - 0.3) < 1e-9);

    set_energy(root, "0", "what\n"); /* as it was opened it was a number */
    energy_start(&energy);
    set_energy(root, "0", "500000\n");
    energy_stop(&energy, joules);
    assert_true(isnan(joules[ENERGY_PACKAGE]));

    machine_add(root, ZONE "1/name", "package-1\n"); /* and after how much it starts again? */
    energy_open(root, &energy);
    machine_close(root);
    assert_non_null(strstr(energy.reason[ENERGY_PACKAGE], "max_energy_range_uj is not readable"));
}

/* Rest, as energy_measure takes it: over at once, and at a machine that has spent something by its
 * end. Elsewhere nothing rests. */
static struct rest {
    const char *root; /* NULL: nothing is spent */
    double began, ended;
} rest;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): glibc's are reserved */
int nanosleep(const struct timespec *asked, struct timespec *left) {
    (void)asked;
    (void)left;
    rest.began = clock_seconds();
    if (rest.root) set_energy(rest.root, "0", "500000\n");
    rest.ended = clock_seconds();
    return 0;
}

/* A machine whose package spends 1 mJ while four inputs are processed, and nothing at rest. */
struct spender {
    const char *root;
    int calls, microjoules;
};

static int64_t process_four_inputs(void *context) {
    struct spender *s = context;
    char energy[32];
    snprintf(energy, sizeof energy, "%d\n", s->microjoules * ++s->calls);
    set_energy(s->root, "0", energy);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 5000000}, NULL);
    return 4;
}

static void energy_of_an_input_is_what_the_repeated_work_spent(void **state) {
    (void)state;
    struct energy_result row[ENERGY_PARTS] = {0};
    char root[64];
    machine_open(root);
    struct spender spender = {.root = root, .microjoules = 1000}, idler = {.root = root};
    energy_measure(root, process_four_inputs, &spender, row);
    assert_int_equal(spender.calls, 0); /* nothing to measure, so nothing runs */
    assert_non_null(strstr(row[ENERGY_PACKAGE].reason, "intel_rapl_msr"));

    add_domain(root, "0", "package-0", "0\n");
    energy_measure(root, process_four_inputs, &spender, row);
    assert_string_equal(row[ENERGY_PACKAGE].reason, "");
    assert_true(fabs(row[ENERGY_PACKAGE].joules_per_input - 250e-6) < 1e-12);
    assert_true(row[ENERGY_PACKAGE].idle_watts == 0);
    assert_true(row[ENERGY_PACKAGE].seconds >= 0.5);
    assert_true(fabs(row[ENERGY_PACKAGE].seconds_per_input * 4 * spender.calls -
                     row[ENERGY_PACKAGE].seconds) < 1e-9);
    assert_non_null(strstr(row[ENERGY_DRAM].reason, "no RAPL domain 'dram'"));

    set_energy(root, "0", "0\n");
    energy_measure(root, process_four_inputs, &idler, row);
    assert_non_null(strstr(row[ENERGY_PACKAGE].reason, "stood still"));
    machine_close(root);
}

static int64_t note_the_end_of_rest(void *context) {
    double *worked_from = context;
    if (*worked_from == 0) *worked_from = clock_seconds();
    clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 5000000}, NULL);
    return 1;
}

/* Half a joule in a moment: as many watts as the moment is short, and not as the work is long. */
static void watts_at_rest_are_over_the_seconds_of_rest(void **state) {
    (void)state;
    struct energy_result row[ENERGY_PARTS] = {0};
    double worked_from = 0;
    char root[64];
    machine_open(root);
    add_domain(root, "0", "package-0", "0\n");
    rest.root = root;
    double asked_at = clock_seconds();
    energy_measure(root, note_the_end_of_rest, &worked_from, row);
    rest.root = NULL;
    machine_close(root);
    assert_true(row[ENERGY_PACKAGE].idle_watts <= 0.5 / (rest.ended - rest.began));
    assert_true(row[ENERGY_PACKAGE].idle_watts >= 0.5 / (worked_from - asked_at));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_sums_over_sockets_without_what_overlaps),
        cmocka_unit_test(counter_that_started_again_is_unwrapped),
        cmocka_unit_test(what_cannot_be_read_is_unknown_with_the_fix),
        cmocka_unit_test(counter_that_is_no_number_or_goes_away_gives_no_energy),
        cmocka_unit_test(domain_that_tells_half_is_in_no_sum_or_makes_it_unknown),
        cmocka_unit_test(energy_of_an_input_is_what_the_repeated_work_spent),
        cmocka_unit_test(watts_at_rest_are_over_the_seconds_of_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
