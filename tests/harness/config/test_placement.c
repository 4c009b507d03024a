/*
 * What a workload file says of devices and precisions: which it takes, what it says of others and
 * where, and what a workload is called that trains on a card.
 */
#include "harness/config/experiment.h"
#include "harness/config/placement.h"
#include "tests/harness/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char head[] = "workload: small\ncorpus: words\ndata: {source: topic}\n"
                           "arms: [{arm: all, policy: fixed, heads: 8}]\n";

/* Reads the file above with more lines, the first of which is line 5. */
static bool read_with(const char *lines, const struct overrides *overrides, struct experiment *out,
                      struct error *error) {
    struct scratch scratch;
    char path[160], text[512];
    snprintf(text, sizeof text, "%s%s", head, lines);
    assert_true(scratch_make(&scratch) && scratch_write(&scratch, "w.yaml", text));
    scratch_path(&scratch, "w.yaml", path, sizeof path);
    bool ok = experiment_read_tree(path, false, overrides, out, NULL, error);
    scratch_remove(&scratch);
    return ok;
}

static struct experiment *new_experiment(void) {
    struct experiment *e = calloc(1, sizeof *e);
    assert_non_null(e);
    return e;
}

static void a_workload_on_a_card_has_a_name_of_its_own(void **state) {
    (void)state;
    static const struct {
        const char *lines, *name, *corpus;
    } cases[] = {
        {"", "small", "words"},
        {"train: {device: cpu, precision: fp32}\n", "small", "words"},
        {"train: {device: cuda}\n", "small.cuda", "words.cuda"},
        {"train: {device: 'cuda:1'}\n", "small.cuda", "words.cuda"},
        {"train: {device: cuda, precision: bf16}\n", "small.cuda-bf16", "words.cuda-bf16"},
        {"profile: {devices: [cpu, cuda], precision: tf32}\n", "small", "words"},
    };
    struct experiment *e = new_experiment();
    struct error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!read_with(cases[i].lines, NULL, e, &error)) fail_msg("%s", error.text);
        assert_string_equal(e->name, cases[i].name);
        assert_string_equal(e->corpus, cases[i].corpus);
    }
    free(e);
}

static void what_no_device_can_do_is_refused_at_its_place(void **state) {
    (void)state;
    static const struct {
        const char *lines;
        int line, column;
        const char *text, *more;
    } cases[] = {
        {"train: {device: gpu}\n", 5, 17, "device in train: 'gpu'", "cuda:N"},
        {"train: {device: 'cuda:x'}\n", 5, 17, "'cuda:x'", "cuda:N"},
        {"train:\n  precision: bf16\n", 6, 14, "precision in train is bf16",
         "the CPU computes in fp32"},
        {"train: {precision: fp16}\n", 5, 20, "it must be one of fp32, tf32, bf16", "fp16"},
        {"profile: {devices: [cpu, tpu]}\n", 5, 20, "devices in profile: 'tpu'", "cuda:N"},
        {"profile: {devices: [cpu], precision: tf32}\n", 5, 38, "precision in profile is tf32",
         "`devices: cuda`"},
        {"profile: {devices: [cuda, 'cuda:1']}\n", 5, 20, "'cuda' and 'cuda:1'", "one of them"},
        {"profile: {devices: [cuda, cuda]}\n", 5, 27, "entry 2 of devices", "had before"},
        {"tune: {device: [cpu, cuda]}\n", 5, 8, "device in tune", "give it in train"},
        {"tune: {precision: [fp32, bf16]}\n", 5, 8, "precision in tune", "give it in train"},
    };
    struct experiment *e = new_experiment();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        assert_false(read_with(cases[i].lines, NULL, e, &error));
        if (!strstr(error.text, cases[i].text) || !strstr(error.text, cases[i].more) ||
            error.at.line != cases[i].line || error.at.column != cases[i].column)
            fail_msg("%s -> %d:%d: %s", cases[i].lines, error.at.line, error.at.column, error.text);
    }
    free(e);
}

static void profiles_are_where_the_training_was_unless_told(void **state) {
    (void)state;
    static const struct {
        const char *lines;
        int n;
        const char *first, *second;
    } cases[] = {
        {"", 1, "cpu", NULL},
        {"train: {device: cuda, precision: tf32}\n", 1, "cuda-tf32", NULL},
        {"train: {device: cuda, precision: tf32}\nprofile: {precision: fp32}\n", 1, "cuda", NULL},
        {"train: {device: cuda, precision: bf16}\nprofile: {devices: [cpu, cuda]}\n", 2, "cpu",
         "cuda-bf16"},
        {"profile: {devices: ['cuda:2', cpu], precision: bf16}\n", 2, "cuda-bf16", "cpu"},
    };
    struct experiment *e = new_experiment();
    struct error error = {0};
    char label[PLACEMENT_LABEL_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!read_with(cases[i].lines, NULL, e, &error)) fail_msg("%s", error.text);
        assert_int_equal(placement_n_profiles(&e->profile), cases[i].n);
        struct placement one = placement_of_profile(&e->train, &e->profile, 0);
        placement_label(&one, label);
        assert_string_equal(label, cases[i].first);
        if (!cases[i].second) continue;
        one = placement_of_profile(&e->train, &e->profile, 1);
        placement_label(&one, label);
        assert_string_equal(label, cases[i].second);
    }
    struct placement first = placement_of_profile(&e->train, &e->profile, 0);
    assert_int_equal(placement_card(&first), 2);
    free(e);
}

static void the_command_line_sets_device_and_precision_of_both(void **state) {
    (void)state;
    struct overrides overrides = {.device = "cuda:1", .precision = "bf16"};
    struct experiment *e = new_experiment();
    struct error error = {0};
    if (!read_with("profile: {devices: [cpu], repeats: 40}\n", &overrides, e, &error))
        fail_msg("%s", error.text);
    struct placement trained = placement_of_training(&e->train);
    struct placement profiled = placement_of_profile(&e->train, &e->profile, 0);
    assert_string_equal(trained.device, "cuda:1");
    assert_string_equal(placement_precision(&trained), "bf16");
    assert_memory_equal(&trained, &profiled, sizeof trained);
    assert_int_equal(e->profile.repeats, 40);
    overrides.device = "gpu";
    assert_false(read_with("", &overrides, e, &error));
    assert_non_null(strstr(error.text, "--device: device in train: 'gpu'"));
    free(e);
}

/* A trial's row has what its process needs: the device, and for a profile which of them. */
static void a_trial_tells_its_device(void **state) {
    (void)state;
    struct experiment *e = new_experiment(), *back = new_experiment();
    struct error error = {0};
    struct text json = {0};
    char label[PLACEMENT_LABEL_SIZE];
    assert_true(read_with("train: {device: 'cuda:3', precision: bf16}\n"
                          "profile: {devices: [cuda, cpu], precision: tf32}\n",
                          NULL, e, &error));
    for (int i = 0; i < 2; i++) {
        experiment_write_profile_json(e, &e->arms[0], 1, i, &json);
        if (!experiment_read_trial_json(json.data, json.size, back, &error))
            fail_msg("%s: %s", json.data, error.text);
        struct placement trained = placement_of_training(&back->train);
        struct placement profiled = placement_of_profile(&back->train, &back->profile, 0);
        assert_string_equal(trained.device, "cuda");
        placement_label(&profiled, label);
        assert_string_equal(label, i == 0 ? "cuda-tf32" : "cpu");
        assert_int_equal(placement_n_profiles(&back->profile), 1);
        text_free(&json);
    }
    free(e);
    free(back);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_workload_on_a_card_has_a_name_of_its_own),
        cmocka_unit_test(what_no_device_can_do_is_refused_at_its_place),
        cmocka_unit_test(profiles_are_where_the_training_was_unless_told),
        cmocka_unit_test(the_command_line_sets_device_and_precision_of_both),
        cmocka_unit_test(a_trial_tells_its_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
