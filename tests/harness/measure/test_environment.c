/*
 * The environment as read here and as read from made-up machines: what is known, what is unknown
 * and says so, and what makes two environments the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "harness/measure/environment.h"
#include "tests/harness/measure/machine.h"
#include "models/base/json.h"

static void read_bare_metal(struct environment *out) {
    char root[64];
    machine_open(root);
    machine_add(root, "/proc/cpuinfo",
                "processor\t: 0\nmodel name\t: Example CPU 9000\nmicrocode\t: 0xab\n"
                "flags\t\t: fpu sse2 avx\n");
    machine_add(root, "/proc/meminfo", "MemTotal:       1000 kB\n");
    machine_add(root, "/proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-3,8\n");
    machine_add(root, "/proc/self/cgroup", "0::/job\n");
    machine_add(root, "/sys/fs/cgroup/job/cpu.max", "150000 100000\n");
    machine_add(root, "/proc/loadavg", "0.50 0.40 0.30 1/100 5\n");
    machine_add(root, "/proc/sys/kernel/perf_event_paranoid", "-1\n");
    machine_add(root, "/sys/bus/event_source/devices/software", NULL);
    machine_add(root, "/sys/bus/event_source/devices/cpu", NULL);
    machine_add(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    machine_add(root, "/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
    machine_add(root, "/sys/devices/system/cpu/smt/active", "1\n");
    machine_add(root, "/etc/os-release", "NAME=\"Example\"\nPRETTY_NAME=\"Example OS 1\"\n");
    environment_read_root(root, "3.45.1", out);
    machine_close(root);
}

static void read_empty_machine(struct environment *out) {
    char root[64];
    machine_open(root);
    environment_read_root(root, "3.45.1", out);
    machine_close(root);
}

static void bare_metal_is_read_field_by_field(void **state) {
    (void)state;
    struct environment e;
    read_bare_metal(&e);
    assert_string_equal(e.cpu_model, "Example CPU 9000");
    assert_string_equal(e.microcode, "0xab");
    assert_string_equal(e.affinity, "0-3,8");
    assert_true(e.cpu_quota == 1.5);
    assert_string_equal(e.governor, "performance");
    assert_int_equal(e.turbo, STATE_OFF); /* no_turbo is 1 */
    assert_int_equal(e.smt, STATE_ON);
    assert_string_equal(e.hypervisor, "none");
    assert_int_equal(e.container, STATE_OFF);
    assert_string_equal(e.pmu, "cpu");
    assert_string_equal(e.perf_event_paranoid, "-1");
    assert_int_equal(e.memory_bytes, 1000 * 1024);
    assert_string_equal(e.distribution, "Example OS 1");
    assert_true(e.load_average == 0.5);
}

static void boost_file_means_turbo_on_other_drivers(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum tristate turbo;
    } cases[] = {{"1\n", STATE_ON}, {"0\n", STATE_OFF}};
    for (int i = 0; i < 2; i++) {
        struct environment e;
        char root[64];
        machine_open(root);
        machine_add(root, "/sys/devices/system/cpu/cpufreq/boost", cases[i].text);
        environment_read_root(root, "3.45.1", &e);
        machine_close(root);
        assert_int_equal(e.turbo, cases[i].turbo);
        assert_null(environment_why_unknown(&e, "turbo"));
    }
}

static void guest_and_container_are_recognised(void **state) {
    (void)state;
    struct environment e;
    char root[64];
    machine_open(root);
    machine_add(root, "/proc/cpuinfo", "flags\t\t: fpu sse2 hypervisor avx\n");
    machine_add(root, "/.dockerenv", "");
    machine_add(root, "/sys/bus/event_source/devices/software", NULL);
    environment_read_root(root, "3.45.1", &e);
    machine_close(root);
    assert_string_not_equal(e.hypervisor, "");
    assert_string_not_equal(e.hypervisor, "none");
    assert_int_equal(e.container, STATE_ON);
    assert_string_equal(e.pmu, "none");
}

/* Arm tells numbers, and the name of the board where a processor's is expected. */
static void arm_core_is_named_by_its_numbers_and_never_after_its_board(void **state) {
    (void)state;
    static const struct {
        const char *cpuinfo, *model;
    } cases[] = {
        {"processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd07\n", "Arm Cortex-A57"},
        {"processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n", "Arm Neoverse N1"},
        {"processor\t: 0\nCPU implementer\t: 0x99\nCPU part\t: 0x07\n",
         "CPU part 0x007 of implementer 0x99"},
        {"processor\t: 0\nCPU implementer\t: 0x99\nCPU part\t: 0xd07\n",
         "CPU part 0xd07 of implementer 0x99"}, /* parts are those of their designer */
        {"processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: none\n", ""},
        {"processor\t: 0\nCPU part\t: 0xd07\n", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct environment e;
        char root[64];
        machine_open(root);
        machine_add(root, "/proc/cpuinfo", cases[i].cpuinfo);
        machine_add(root, "/sys/firmware/devicetree/base/model", "Example Board 3\n");
        environment_read_root(root, "3.45.1", &e);
        machine_close(root);
        assert_string_equal(e.cpu_model, cases[i].model);
        assert_true(!environment_why_unknown(&e, "cpu_model") == !!cases[i].model[0]);
    }
}

static void unreadable_is_unknown_with_a_reason_and_not_off(void **state) {
    (void)state;
    static const char *const fields[] = {
        "cpu_model",    "microcode",  "governor",     "affinity",     "turbo",
        "smt",          "hypervisor", "memory_bytes", "distribution", "perf_event_paranoid",
        "load_average", "cpu_quota"};
    struct environment e;
    read_empty_machine(&e);
    assert_int_equal(e.turbo, STATE_UNKNOWN);
    assert_int_equal(e.smt, STATE_UNKNOWN);
    assert_int_equal(e.memory_bytes, -1);
    assert_true(isnan(e.load_average));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *reason = environment_why_unknown(&e, fields[i]);
        if (!reason || !reason[0]) fail_msg("%s is unknown without a reason", fields[i]);
    }
}

static void every_unknown_field_and_no_known_one_has_a_reason_here(void **state) {
    (void)state;
    struct environment e;
    struct text json = {0};
    struct error error;
    struct node *root;
    environment_read("3.45.1", &e);
    environment_write_json(&e, &json);
    assert_false(json.failed);
    assert_true(json_parse(json.data, json.size, "environment", &root, &error));
    for (int i = 0; i < environment_n_fields; i++) {
        const char *name = environment_fields[i].name;
        const struct node *value = node_find(root, name);
        assert_non_null(value);
        bool null = !value->quoted && strcmp(value->text, "null") == 0;
        const struct node *reason = node_find(node_find(root, "unknown"), name);
        if (null != (reason != NULL)) fail_msg("%s: null and reason disagree", name);
    }
    node_free(root);
    text_free(&json);
}

static void text_with_quotes_survives_json(void **state) {
    (void)state;
    struct environment e;
    struct text json = {0};
    struct error error;
    struct node *root;
    read_bare_metal(&e);
    snprintf(e.compiler_flags, sizeof e.compiler_flags, "-DX=\"a\\b\" -O2");
    environment_write_json(&e, &json);
    assert_true(json_parse(json.data, json.size, "environment", &root, &error));
    assert_string_equal(node_find(root, "compiler_flags")->text, e.compiler_flags);
    assert_string_equal(node_find(root, "perf_event_paranoid")->text, "-1");
    assert_string_equal(node_find(root, "turbo")->text, "false");
    node_free(root);
    text_free(&json);
}

static void hash_depends_on_every_field_that_does_not_change_by_the_minute(void **state) {
    (void)state;
    struct environment e;
    char original[ENVIRONMENT_HASH_SIZE], changed[ENVIRONMENT_HASH_SIZE];
    read_bare_metal(&e);
    environment_hash(&e, original);
    assert_int_equal(strlen(original), 16);
    for (int i = 0; i < environment_n_fields; i++) {
        struct environment other = e;
        ((unsigned char *)&other)[environment_fields[i].offset] ^= 1;
        environment_hash(&other, changed);
        bool same = strcmp(original, changed) == 0;
        const char *name = environment_fields[i].name;
        bool fleeting = strcmp(name, "load_average") == 0 || strcmp(name, "card_sm_mhz") == 0 ||
                        strcmp(name, "card_memory_mhz") == 0;
        if (same != fleeting)
            fail_msg("%s: %s", environment_fields[i].name, same ? "not hashed" : "hashed");
    }
}

/* Of a trial on the CPU the card is no part; where it was asked for it is known, or says
 * why not. */
static void a_card_is_read_where_it_computes(void **state) {
    (void)state;
    struct environment e;
    environment_read("3.45.1", &e);
    assert_string_equal(e.card, "");
    assert_string_equal(environment_why_unknown(&e, "card"), "the CPU computes");
    environment_read_card("", &e);
    const char *why = environment_why_unknown(&e, "card");
    assert_true(e.card[0] ? !why : why && why[0] && strcmp(why, "the CPU computes") != 0);
    assert_true(!e.card[0] == !e.cuda[0]);
}

static void reading_twice_gives_the_same_hash(void **state) {
    (void)state;
    struct environment first, second;
    char a[ENVIRONMENT_HASH_SIZE], b[ENVIRONMENT_HASH_SIZE];
    environment_read("3.45.1", &first);
    environment_read("3.45.1", &second);
    environment_hash(&first, a);
    environment_hash(&second, b);
    assert_string_equal(a, b);
}

static void build_tells_a_sanitizer_and_a_debug_build(void **state) {
    (void)state;
    struct environment e;
    environment_read("3.45.1", &e);
    const char *expected = "release";
#ifndef __OPTIMIZE__
    expected = "debug";
#endif
#ifdef __SANITIZE_ADDRESS__
    expected = "sanitizer";
#endif
    if (strstr(e.compiler_flags, "-fsanitize")) expected = "sanitizer";
    assert_string_equal(e.build, expected);
}

static void blas_and_libraries_are_named(void **state) {
    (void)state;
    struct environment e;
    environment_read("3.45.1", &e);
    assert_string_not_equal(e.blas_config, "");
    assert_string_not_equal(e.blas_core, "");
    assert_true(e.blas_threads >= 1);
    assert_string_equal(e.sqlite_version, "3.45.1");
    environment_read("", &e);
    assert_non_null(environment_why_unknown(&e, "sqlite_version"));
    assert_true(e.cores >= 1 && e.cores_allowed >= 1);
    assert_true(e.papi_version[0] || environment_why_unknown(&e, "papi_version"));
}

static void summary_is_one_line_that_names_the_machine(void **state) {
    (void)state;
    struct environment e;
    char line[512];
    read_bare_metal(&e);
    environment_summary(&e, line, sizeof line);
    assert_non_null(strstr(line, "Example CPU 9000, "));
    assert_non_null(strstr(line, "Example OS 1"));
    assert_null(strstr(line, "guest"));
    assert_null(strchr(line, '\n'));
    e.cores = 1;
    environment_summary(&e, line, sizeof line);
    assert_non_null(strstr(line, ", 1 core, "));
    e.cores = 2;
    environment_summary(&e, line, sizeof line);
    assert_non_null(strstr(line, ", 2 cores, "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bare_metal_is_read_field_by_field),
        cmocka_unit_test(boost_file_means_turbo_on_other_drivers),
        cmocka_unit_test(guest_and_container_are_recognised),
        cmocka_unit_test(arm_core_is_named_by_its_numbers_and_never_after_its_board),
        cmocka_unit_test(unreadable_is_unknown_with_a_reason_and_not_off),
        cmocka_unit_test(every_unknown_field_and_no_known_one_has_a_reason_here),
        cmocka_unit_test(text_with_quotes_survives_json),
        cmocka_unit_test(hash_depends_on_every_field_that_does_not_change_by_the_minute),
        cmocka_unit_test(a_card_is_read_where_it_computes),
        cmocka_unit_test(reading_twice_gives_the_same_hash),
        cmocka_unit_test(build_tells_a_sanitizer_and_a_debug_build),
        cmocka_unit_test(blas_and_libraries_are_named),
        cmocka_unit_test(summary_is_one_line_that_names_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
