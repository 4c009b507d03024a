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

#include "harness/measure/doctor.h"
#include "harness/measure/software_events.h"
#include "tests/harness/measure/fake_counters.h"
#include "tests/harness/measure/machine.h"
#include "models/base/json.h"

enum { PAGE_SIZE = 16384, SCREEN = 34 };

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

/* Undoes the wrapping, so that a sentence can be looked for. */
static void join_lines(char *page) {
    char *to = page;
    for (const char *from = page; *from; from++) {
        char plain = *from;
        if (plain == '\n') plain = ' ';
        if (plain != ' ' || to == page || to[-1] != ' ') *to++ = plain;
    }
    *to = '\0';
}

static void add(struct doctor *doctor, const char *what, bool available, const char *detail) {
    struct doctor_source *source = &doctor->source[doctor->n_sources++];
    *source = (struct doctor_source){
        .kind = "a kind", .available = available, .untested = strcmp(what, "cycles") == 0};
    snprintf(source->what, sizeof source->what, "%s", what);
    snprintf(source->detail, sizeof source->detail, "%s", detail);
}

/* Findings in which the hardware roles are unavailable for one reason and the others count. */
static struct doctor made_up(void) {
    struct doctor doctor = {.can_profile = true, .n_passes = 1, .quota = {NAN, -1, -1}};
    doctor.environment.cores = 4;
    add(&doctor, "latency", true, "a clock");
    for (int role = 0; role < COUNTER_ROLES; role++)
        add(&doctor, counter_roles[role].name, !counter_roles[role].hardware,
            counter_roles[role].hardware ? "broken: mend it" : "an::EVENT");
    add(&doctor, "peak per phase", false, "not writable");
    return doctor;
}

static void generic_kernels_are_warned_of_with_the_fix(void **state) {
    (void)state;
    static const struct {
        const char *core, *by, *better, *words;
    } cases[] = {
        {"Prescott", "user", "Haswell", "flags allow Haswell; OPENBLAS_CORETYPE says so: unset it"},
        {"Prescott", "Headroom", "SkylakeX", "flags allow SkylakeX; install a newer one"},
        {"armv8", "OpenBLAS", NULL, "runs armv8, for processors that it does not know; install"},
        {"Prescott", "OpenBLAS", NULL, NULL}, /* that is what this processor can */
        {"Haswell", "user", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct doctor doctor = made_up();
        char page[PAGE_SIZE];
        snprintf(doctor.environment.blas_core, sizeof doctor.environment.blas_core, "%s",
                 cases[i].core);
        snprintf(doctor.environment.blas_core_chosen_by,
                 sizeof doctor.environment.blas_core_chosen_by, "%s", cases[i].by);
        doctor.better_kernels = cases[i].better;
        print_page(&doctor, false, page);
        join_lines(page);
        if (!cases[i].words != !strstr(page, "generic kernels:") ||
            (cases[i].words && !strstr(page, cases[i].words)))
            fail_msg("%s by %s: %s", cases[i].core, cases[i].by, page);
    }
}

static void a_quota_is_told_with_its_fix_and_no_quota_is_not(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char page[PAGE_SIZE];
    doctor.quota = (struct cpu_quota){0.5, 101, 98};
    print_page(&doctor, false, page);
    join_lines(page);
    assert_non_null(strstr(page, "CPU quota: 0.50 cores, throttled in 98 of 101 periods so far; "
                                 "times need 1 at least: raise it"));
    doctor.quota = (struct cpu_quota){4, 101, 0};
    print_page(&doctor, false, page);
    assert_non_null(strstr(page, "CPU quota: 4.00 cores\n"));
    doctor.quota = (struct cpu_quota){NAN, -1, -1};
    print_page(&doctor, false, page);
    assert_null(strstr(page, "quota"));
}

static void cards_are_described_or_it_says_why_there_is_none(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char page[PAGE_SIZE];
    struct text json = {0};
    strcpy(doctor.no_card, "built without CUDA; mend it");
    print_page(&doctor, false, page);
    assert_non_null(strstr(page, "\nNo card: built without CUDA; mend it\n"));
    doctor.n_cards = 2;
    doctor.card[1] = (struct device_card){.name = "TEST CARD",
                                          .capability = 86,
                                          .memory_bytes = (int64_t)24 << 30,
                                          .runtime = 11080,
                                          .driver = 13010};
    strcpy(doctor.driver, "580.65");
    strcpy(doctor.card_state[1], "SM now 345 of 1980 MHz; ECC on");
    print_page(&doctor, false, page);
    join_lines(page);
    assert_non_null(
        strstr(page, "Card cuda:1 TEST CARD, compute capability 8.6, 24.0 GiB; built with CUDA "
                     "11.8, the driver 580.65 knows up to 13.1; SM now 345 of 1980 MHz; ECC on"));
    assert_null(strstr(page, "No card"));
    doctor_write_json(&doctor, &json);
    assert_non_null(strstr(json.data, "{\"name\": \"TEST CARD\", \"compute_capability\": \"8.6\""));
    assert_non_null(strstr(json.data, "\"state\": \"SM now 345 of 1980 MHz; ECC on\"}"));
    assert_non_null(strstr(json.data, "\"state\": \"\"}")); /* the other's is not known */
    text_free(&json);
}

static void every_source_is_named_and_a_shared_reason_is_told_once(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char page[PAGE_SIZE];
    print_page(&doctor, false, page);
    const char *missing = strstr(page, "Not measured here");
    assert_non_null(missing);
    for (int i = 0; i < doctor.n_sources; i++) {
        const char *at = strstr(page, doctor.source[i].what);
        assert_non_null(at);
        assert_true((at < missing) == doctor.source[i].available);
    }
    assert_int_equal(occurrences(page, "broken: mend it"), 1);
    assert_null(strstr(page, "nor do")); /* said of other events, and there are none */
    assert_int_equal(occurrences(page, "an::EVENT"), 3);
    assert_int_equal(occurrences(page, "not writable"), 1);
}

static void different_reasons_are_all_told(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    snprintf(doctor.source[2].detail, sizeof doctor.source[2].detail, "another reason");
    char page[PAGE_SIZE];
    print_page(&doctor, false, page);
    assert_int_equal(occurrences(page, "broken: mend it"), 1);
    assert_int_equal(occurrences(page, "another reason"), 1);
}

static void where_all_is_measured_nothing_is_said_to_be_missing(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    for (int i = 0; i < doctor.n_sources; i++) doctor.source[i].available = true;
    char page[PAGE_SIZE];
    print_page(&doctor, false, page);
    assert_null(strstr(page, "Not measured"));
}

static void verdict_comes_first_and_counts_the_hardware_counters(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char page[PAGE_SIZE];
    print_page(&doctor, false, page);
    const char *verdict = strstr(page, "Profiling works here, without hardware counters");
    assert_true(verdict && verdict < strstr(page, "Measured here"));
    assert_non_null(strstr(page, "Untested on hardware: hardware counters and RAPL energy"));
    doctor.n_hardware = 1;
    print_page(&doctor, false, page);
    assert_non_null(strstr(page, "1 of 11 hardware counters"));
    assert_non_null(strstr(page, "Untested on hardware: hardware counters and RAPL energy"));
    doctor.can_profile = false;
    print_page(&doctor, false, page);
    assert_non_null(strstr(page, "not possible"));
}

static void disks_and_bounds_of_memory_are_told(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char page[PAGE_SIZE];
    struct text json = {0};
    print_page(&doctor, false, page); /* no folders, and nothing known of them */
    assert_null(strstr(page, "disk:"));
    assert_non_null(strstr(page, "--memory: by RLIMIT_DATA; no control group"));
    doctor.temporary = (struct space){"/tmp", (int64_t)3 << 29, -1, 0};
    doctor.cache = (struct space){"/c", -1, 2, 5 << 19};
    snprintf(doctor.memory_group, sizeof doctor.memory_group, "/groups/headroom-1-0");
    print_page(&doctor, false, page);
    join_lines(page);
    assert_non_null(strstr(page, "disk: temporary files in /tmp, 1.5 GiB free; cached data sets in "
                                 "/c, 2 with 2.5 MiB "));
    assert_non_null(strstr(page, "by a control group of each trial, as /groups/headroom-1-0 "));
    doctor_write_json(&doctor, &json);
    assert_non_null(strstr(json.data,
                           "\"temporary\": {\"folder\": \"/tmp\", \"free_bytes\": "
                           "1610612736}, \"cache\": {\"folder\": \"/c\", \"n_files\": 2, "
                           "\"bytes\": 2621440}, \"memory_group\": \"/groups/"));
    text_free(&json);
}

static void colours_only_when_asked(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    char plain[PAGE_SIZE], coloured[PAGE_SIZE];
    print_page(&doctor, false, plain);
    print_page(&doctor, true, coloured);
    assert_null(strchr(plain, '\033'));
    assert_non_null(strstr(coloured, "\033[32m  latency"));
    assert_non_null(strstr(coloured, "\033[33m  cycles"));
}

static void long_reasons_wrap_within_the_screen(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    for (int i = 0; i < 240; i++) doctor.source[1].detail[i] = i % 8 == 7 ? ' ' : 'x';
    doctor.source[1].detail[240] = '\0';
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
    assert_int_equal(doctor_run("3.45.1", out, false, false), 0);
    fclose(out);
    assert_true(occurrences(text, "\n") <= SCREEN);
    assert_non_null(strstr(text, "CLOCK_MONOTONIC"));
}

static const struct doctor_source *source_named(const struct doctor *doctor, const char *what) {
    for (int i = 0; i < doctor->n_sources; i++)
        if (strcmp(doctor->source[i].what, what) == 0) return &doctor->source[i];
    fail_msg("no source %s", what);
    return NULL;
}

static const char *detail_of(const struct doctor *doctor, const char *what) {
    return source_named(doctor, what)->detail;
}

/* The doctor's findings about a made-up machine without programs or RAPL. */
static void examine(struct fake *fake, struct doctor *out) {
    struct counter_backend backend = backend_of(fake);
    char root[64];
    machine_open(root);
    machine_add(root, "/proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-3\n");
    machine_add(root, "/proc/sys/kernel/perf_event_paranoid", "2\n");
    machine_add(root, "/sys/devices/system/cpu/smt/active", "1\n");
    machine_add(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
    machine_add(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    doctor_read_machine(&backend, root, "", "3.45.1", out);
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
    assert_true(doctor.can_profile);

    missing.open_code = COUNTER_NO_BACKEND;
    missing.problem = "no component: built without PAPI";
    examine(&missing, &doctor);
    assert_non_null(strstr(detail_of(&doctor, "cycles"), "no component"));
    assert_true(doctor.can_profile);

    for (int i = 0; zero.event[i].name; i++) zero.event[i].value = 0;
    examine(&zero, &doctor);
    for (int i = 0; i < COUNTER_ROLES; i++)
        if (counter_roles[i].hardware && counter_roles[i].zero != ZERO_IS_FINE)
            assert_false(source_named(&doctor, counter_roles[i].name)->available);
    assert_true(detail_of(&doctor, "cycles")[0] != '\0');
    assert_true(doctor.can_profile);

    crowded.n_counters = 2; /* conflicting events go to passes of their own */
    examine(&crowded, &doctor);
    assert_true(doctor.n_passes > 1);
    assert_string_equal(detail_of(&doctor, "cycles"), "PAPI_TOT_CYC");
    assert_string_equal(detail_of(&doctor, "branch_misses"), "PAPI_BR_MSP");

    examine(&guest, &doctor);
    assert_non_null(strstr(detail_of(&doctor, "cycles"), "PMU"));
    assert_true(doctor.can_profile);
}

static void settings_that_make_times_unsteady_are_told_with_their_fix(void **state) {
    (void)state;
    struct doctor doctor;
    struct fake machine = good_machine();
    char page[PAGE_SIZE];
    examine(&machine, &doctor);
    print_page(&doctor, false, page);
    assert_null(strstr(page, "for steadier times"));
    snprintf(doctor.environment.governor, sizeof doctor.environment.governor, "powersave");
    doctor.environment.turbo = STATE_ON;
    print_page(&doctor, false, page);
    join_lines(page);
    assert_non_null(strstr(page, "for steadier times: sudo cpupower frequency-set -g performance"));
    assert_non_null(strstr(page, "for steadier times: echo 1 | sudo tee "));
}

/* As on an Arm core: two roles count, the others have no event here or one that never counts. */
static void machine_with_few_counters_fits_one_screen_and_tells_each_reason_once(void **state) {
    (void)state;
    struct doctor doctor;
    struct fake few = good_machine();
    char page[PAGE_SIZE];
    for (int i = 2; i < N_PRESETS; i++) few.event[i].add_code = i < 6 ? COUNTER_NO_EVENT : 0;
    for (int i = 6; i < N_PRESETS; i++) few.event[i].value = 0;
    examine(&few, &doctor);
    print_page(&doctor, false, page);
    assert_true(occurrences(page, "\n") < SCREEN); /* the command adds a line */
    join_lines(page);
    assert_int_equal(occurrences(page, "knows no event for it"), 1);
    assert_int_equal(occurrences(page, "was added and read 0"), 1);
    assert_non_null(strstr(page, "dtlb_misses, stalled_cycles: PAPI_L2_TCM was added"));
    assert_non_null(strstr(page, "; nor do PAPI_L3_TCM, PAPI_BR_MSP, PAPI_TLB_DM, PAPI_RES_STL"));
    assert_non_null(
        strstr(page, "fp_operations, fp_single, fp_double, l1d_misses: PAPI knows no event"));
    assert_non_null(strstr(page, "--verify"));
}

static void machine_where_everything_counts_fits_one_screen(void **state) {
    (void)state;
    struct doctor doctor;
    struct fake good = good_machine();
    char page[PAGE_SIZE];
    examine(&good, &doctor);
    doctor.environment.blas_threads = 1; /* the program restarts itself with one */
    snprintf(doctor.environment.build, sizeof doctor.environment.build, "release");
    for (int i = 0; i < doctor.n_sources; i++) /* as where PAPI reads them: not made up here */
        if (strcmp(doctor.source[i].kind, "software events") == 0) {
            doctor.source[i].available = true;
            snprintf(doctor.source[i].detail, sizeof doctor.source[i].detail, "as PAPI events");
        }
    print_page(&doctor, false, page);
    assert_true(occurrences(page, "\n") < SCREEN);
}

static void energy_and_simulators_are_looked_for_where_they_would_be(void **state) {
    (void)state;
    struct fake fake = good_machine();
    struct counter_backend backend = backend_of(&fake);
    struct doctor doctor;
    char root[64], folders[160], program[128];
    machine_open(root);
    doctor_read_machine(&backend, root, "", "3.45.1", &doctor);
    assert_false(source_named(&doctor, "energy")->available);
    assert_true(source_named(&doctor, "energy")->untested);
    assert_true(source_named(&doctor, "cycles")->untested);
    assert_false(source_named(&doctor, "page_faults")->untested);
    assert_non_null(strstr(detail_of(&doctor, "energy"), "intel_rapl_msr"));
    assert_false(source_named(&doctor, "simulated counts")->available);
    assert_non_null(strstr(detail_of(&doctor, "simulated counts"), "apt-get install valgrind"));

    machine_add(root, "/sys/class/powercap/intel-rapl:0/name", "package-0\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0/energy_uj", "12345\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0/max_energy_range_uj", "999999\n");
    machine_add(root, "/sys/class/powercap/intel-rapl:0:0/name", "dram\n");
    machine_add(root, "/bin/valgrind", "");
    snprintf(program, sizeof program, "%s/bin/valgrind", root);
    chmod(program, 0755);
    snprintf(folders, sizeof folders, "/nonexistent:%s/bin", root);
    doctor_read_machine(&backend, root, folders, "3.45.1", &doctor);
    machine_close(root);
    assert_true(source_named(&doctor, "package-0")->available);
    assert_false(source_named(&doctor, "dram")->available); /* no energy_uj that we may read */
    assert_non_null(strstr(detail_of(&doctor, "dram"), "chmod"));
    assert_false(source_named(&doctor, "simulated counts")->available); /* no portable build */
    assert_non_null(strstr(detail_of(&doctor, "simulated counts"), "make headroom-v3"));
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
    assert_true(source_named(&doctor, "sde:::headroom")->available);

    examine(&off_by_one, &doctor);
    assert_false(source_named(&doctor, "sde:::headroom")->available);
    examine(&without, &doctor);
    assert_false(source_named(&doctor, "sde:::headroom")->available);
#ifdef HAVE_SDE
    assert_non_null(strstr(detail_of(&doctor, "sde:::headroom"), "papi_component_avail"));
#else
    assert_non_null(strstr(detail_of(&doctor, "sde:::headroom"), "libpapi-dev"));
#endif
}

static void json_says_what_the_page_says(void **state) {
    (void)state;
    struct doctor doctor = made_up();
    struct text json = {0};
    struct error error;
    struct node *root;
    snprintf(doctor.source[1].detail, sizeof doctor.source[1].detail, "a \"quoted\" reason");
    doctor_write_json(&doctor, &json);
    assert_true(json_parse(json.data, json.size, "doctor", &root, &error));
    assert_string_equal(node_find(root, "can_profile")->text, "true");
    assert_int_equal(node_find(root, "sources")->n_children, doctor.n_sources);
    assert_non_null(strstr(json.data, "{\"kind\": \"a kind\", \"what\": \"cycles\", "
                                      "\"available\": false, "
                                      "\"detail\": \"a \\\"quoted\\\" reason\", "
                                      "\"untested_on_hardware\": true}"));
    assert_non_null(strstr(json.data,
                           "\"what\": \"task_clock_ns\", \"available\": true, "
                           "\"detail\": \"an::EVENT\", \"untested_on_hardware\": false}"));
    assert_non_null(node_find(root, "environment"));
    node_free(root);
    text_free(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_source_is_named_and_a_shared_reason_is_told_once),
        cmocka_unit_test(generic_kernels_are_warned_of_with_the_fix),
        cmocka_unit_test(a_quota_is_told_with_its_fix_and_no_quota_is_not),
        cmocka_unit_test(cards_are_described_or_it_says_why_there_is_none),
        cmocka_unit_test(different_reasons_are_all_told),
        cmocka_unit_test(where_all_is_measured_nothing_is_said_to_be_missing),
        cmocka_unit_test(verdict_comes_first_and_counts_the_hardware_counters),
        cmocka_unit_test(disks_and_bounds_of_memory_are_told),
        cmocka_unit_test(colours_only_when_asked),
        cmocka_unit_test(long_reasons_wrap_within_the_screen),
        cmocka_unit_test(this_machine_fits_one_screen_and_can_profile),
        cmocka_unit_test(injected_failures_are_told_with_their_fix_and_profiling_goes_on),
        cmocka_unit_test(settings_that_make_times_unsteady_are_told_with_their_fix),
        cmocka_unit_test(machine_with_few_counters_fits_one_screen_and_tells_each_reason_once),
        cmocka_unit_test(machine_where_everything_counts_fits_one_screen),
        cmocka_unit_test(energy_and_simulators_are_looked_for_where_they_would_be),
        cmocka_unit_test(own_events_are_available_only_where_papi_reads_what_was_exported),
        cmocka_unit_test(json_says_what_the_page_says),
    };
    setenv("COLUMNS", "100", 1); /* the screen, which has as many lines as SCREEN says */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
