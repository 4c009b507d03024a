/*
 * Holding counters against known work: what reads too much or too little is wrong, what does not
 * count is not, and both are said of the right role. The PAPI behind it is made up; what the kernel
 * accounts is real.
 */
#include "tests/harness/measure/fake_counters.h"

#include <stdlib.h>

#include "harness/measure/verify.h"
#include "models/base/json.h"

/* A machine whose events read what the known work causes. */
static struct fake right_machine(void) {
    struct fake fake = good_machine();
    for (int role = 0; role < N_PRESETS; role++) {
        struct known_range range = known_work_range((enum counter_role_id)role, 0);
        fake.event[role].value = range.least + (range.most - range.least) / 4;
    }
    return fake;
}

/* Time of CPU, faults and switches as they are. On a busy machine one run in thousands has them besides what
 * the work causes, which is no fault of who counts: that run is made again. */
static void verify(struct fake *fake, struct verified out[COUNTER_ROLES]) {
    struct counter_backend backend = backend_of(fake);
    struct error error;
    bool undisturbed = false;
    backend.kernel = counter_backend_papi.kernel;
    for (int tries = 0; !undisturbed && tries < 3; tries++) {
        assert_true(verify_counters(&backend, out, &error));
        assert_int_equal(fake->n_open_sets, 0);
        undisturbed = true;
        for (int role = N_PRESETS; role < COUNTER_ROLES; role++)
            undisturbed &= out[role].verdict == VERDICT_AS_EXPECTED;
    }
    assert_true(undisturbed);
}

static void counts_that_fit_the_work_pass(void **state) {
    (void)state;
    for (int n_counters = 1; n_counters <= 16; n_counters += 5) {
        struct fake fake = right_machine();
        struct verified verified[COUNTER_ROLES];
        struct error error;
        fake.n_counters = n_counters;
        verify(&fake, verified);
        for (int role = 0; role < COUNTER_ROLES; role++)
            assert_int_equal(verified[role].verdict, VERDICT_AS_EXPECTED);
        assert_true(verify_passed(verified, &error));
    }
}

static void count_outside_its_range_is_wrong_and_named_alone(void **state) {
    (void)state;
    for (int role = ROLE_FP_OPERATIONS; role < N_PRESETS; role++)
        for (int much = 0; much < 2; much++) {
            struct fake fake = right_machine();
            struct verified verified[COUNTER_ROLES];
            struct known_range range = known_work_range((enum counter_role_id)role, 0);
            struct error error;
            fake.event[role].value = much ? range.most + 1 : range.least - 1;
            verify(&fake, verified);
            for (int i = 0; i < COUNTER_ROLES; i++)
                assert_int_equal(verified[i].verdict,
                                 i == role ? VERDICT_WRONG : VERDICT_AS_EXPECTED);
            assert_false(verify_passed(verified, &error));
            assert_ptr_equal(strstr(error.text, counter_roles[role].name), error.text);
            assert_null(strstr(error.text, "cycles, "));
        }
}

/* Twenty instructions per cycle: no number is printed that a profile would refuse. */
static void implausible_pair_is_wrong_in_both(void **state) {
    (void)state;
    struct fake fake = right_machine();
    struct verified verified[COUNTER_ROLES];
    struct error error;
    fake.event[ROLE_CYCLES].value = fake.event[ROLE_INSTRUCTIONS].value / 20;
    verify(&fake, verified);
    assert_int_equal(verified[ROLE_CYCLES].verdict, VERDICT_WRONG);
    assert_int_equal(verified[ROLE_INSTRUCTIONS].verdict, VERDICT_WRONG);
    assert_false(verified[ROLE_CYCLES].read.available);
    assert_false(verify_passed(verified, &error));
    assert_non_null(strstr(error.text, "cycles, instructions: "));
}

/* What is printed, a row a line, with one blank between columns. */
static char *print(const struct verified *verified) {
    struct error error;
    char *page, *to;
    size_t size;
    FILE *out = open_memstream(&page, &size);
    assert_int_equal(setenv("COLUMNS", "200", 1), 0);
    assert_true(verify_print(verified, out, &error));
    fclose(out);
    to = page;
    for (const char *c = page; *c; c++)
        if (c[0] != ' ' || c[1] != ' ') *to++ = *c;
    *to = '\0';
    return page;
}

/* A role that counted while it was proven, and then not: wrong, and the page says why. */
static void count_without_a_value_has_its_reason(void **state) {
    (void)state;
    static const char reason[] = "20 instructions per cycle is outside 0.01..8: one of the two "
                                 "counts is wrong";
    struct fake fake = right_machine();
    struct verified verified[COUNTER_ROLES];
    struct text json = {0};
    char *page, line[256];
    fake.event[ROLE_CYCLES].value = fake.event[ROLE_INSTRUCTIONS].value / 20;
    verify(&fake, verified);
    page = print(verified);
    snprintf(line, sizeof line, "- WRONG %s\n", reason);
    assert_non_null(strstr(page, line));
    verify_write_json(verified, &json);
    snprintf(line, sizeof line, "\"read\": null, \"verdict\": \"WRONG\", \"reason\": \"%s\"}",
             reason);
    assert_non_null(strstr(json.data, line));
    text_free(&json);
    free(page);
}

static void what_does_not_count_is_not_wrong(void **state) {
    (void)state;
    struct fake fake = virtual_machine();
    struct verified verified[COUNTER_ROLES];
    struct error error;
    verify(&fake, verified);
    for (int role = 0; role < COUNTER_ROLES; role++)
        assert_int_equal(verified[role].verdict,
                         counter_roles[role].hardware ? VERDICT_NOT_COUNTED : VERDICT_AS_EXPECTED);
    assert_true(verify_passed(verified, &error));
}

static void table_and_json_tell_the_same(void **state) {
    (void)state;
    struct fake fake = right_machine();
    struct verified verified[COUNTER_ROLES];
    struct text json = {0};
    struct error error;
    struct node *root;
    char *page, line[128];
    fake.event[ROLE_FP_SINGLE].add_code = COUNTER_NO_EVENT;
    fake.event[ROLE_FP_DOUBLE].value = 1;
    verify(&fake, verified);
    page = print(verified);
    verify_write_json(verified, &json);
    assert_true(json_parse(json.data, json.size, "verify", &root, &error));
    assert_int_equal(root->n_children, COUNTER_ROLES);
    struct known_range range = verified[ROLE_FP_DOUBLE].expected;
    char expected[48];
    snprintf(expected, sizeof expected, "%lld..%lld", (long long)range.least,
             (long long)range.most);
    snprintf(line, sizeof line, "fp_double %s 1 WRONG PAPI_DP_OPS\n", expected);
    assert_non_null(strstr(page, line));
    snprintf(line, sizeof line, "fp_single %s - not counted -\n", expected);
    assert_non_null(strstr(page, line));
    assert_non_null(strstr(json.data, "{\"role\": \"fp_double\", \"event\": \"PAPI_DP_OPS\", "));
    assert_non_null(strstr(json.data, "\"read\": 1, \"verdict\": \"WRONG\", \"reason\": null}"));
    assert_non_null(strstr(json.data, "{\"role\": \"fp_single\", \"event\": null, "));
    assert_non_null(
        strstr(json.data, "\"read\": null, \"verdict\": \"not counted\", \"reason\": \"PAPI "));
    node_free(root);
    text_free(&json);
    free(page);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_that_fit_the_work_pass),
        cmocka_unit_test(count_outside_its_range_is_wrong_and_named_alone),
        cmocka_unit_test(implausible_pair_is_wrong_in_both),
        cmocka_unit_test(count_without_a_value_has_its_reason),
        cmocka_unit_test(what_does_not_count_is_not_wrong),
        cmocka_unit_test(table_and_json_tell_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
