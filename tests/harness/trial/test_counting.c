/*
 * Passes under events: made-up hardware shows what is divided by what, this machine's PAPI that
 * Headroom's own events are the closed form's numbers, and a profile that both count the same.
 */
#include "harness/trial/counting.h"
#include "harness/trial/profile.h"
#include "tests/harness/measure/fake_counters.h"
#include "tests/harness/trial/small_trial.h"

#include "models/flops.h"

#ifdef HAVE_SDE
static const bool exported = true;
#else
static const bool exported = false;
#endif

enum { LAYERS = 2, HEADS = 4, LENGTH = 12 };

/* A model of four heads in each of two layers, and its data. */
struct trained_model {
    struct small_trial trial;
    struct saved_model model;
    struct dataset *data;
};

static int train(void **state) {
    struct trained_model *t = *state = calloc(1, sizeof *t);
    struct small_trial_text text = small_topic;
    struct error error;
    text.train = "epochs: 1, batch: 16, eval_batch: 40";
    if (!t) return -1;
    small_trial_run(&t->trial, &text);
    if (!saved_model_read(t->trial.checkpoint, &t->model, &error) ||
        !dataset_load(&t->trial.experiment.data, &t->data, &error))
        fail_msg("%s", error.text);
    return 0;
}

static int free_all(void **state) {
    struct trained_model *t = *state;
    saved_model_free(&t->model);
    dataset_free(t->data);
    small_trial_free(&t->trial);
    free(t);
    return 0;
}

static struct counting_result run(const struct trained_model *t, struct fake *fake,
                                  const struct counting *counting) {
    static struct counting_result result;
    struct counter_backend backend = fake ? backend_of(fake) : counter_backend_papi;
    struct error error;
    if (!count_passes_backend(&backend, t->model.parameters, t->data, counting, &result, &error))
        fail_msg("%s", error.text);
    if (fake) assert_int_equal(fake->n_open_sets, 0);
    return result;
}

static void events_are_divided_by_the_inputs_of_a_pass(void **state) {
    struct fake fake = good_machine();
    struct counting counting = {.batch_size = 8, .inputs = 5, .repeats = 3};
    counting.request.events = (struct name_list){1, {"PAPI_VEC_SP"}};
    add_event(&fake, "PAPI_VEC_SP", 36);
    struct counting_result result = run(*state, &fake, &counting);
    assert_int_equal(result.n, COUNTER_ROLES + 1);
    assert_int_equal(result.n_inputs, 5);
    assert_int_equal(result.n_sets, 1);
    assert_true(result.counter[ROLE_CYCLES].value == 1000.0 / 8);
    assert_true(result.counter[COUNTER_ROLES].value == 36.0 / 8);
    assert_int_equal(result.counter[COUNTER_ROLES].repeats, 3);
    assert_true(result.thread_share == 0.7); /* as the made-up kernel says */
}

static void events_that_do_not_fit_are_counted_in_more_sets(void **state) {
    struct fake fake = good_machine();
    struct counting counting = {.batch_size = 1, .inputs = 5, .repeats = 2};
    fake.n_counters = 4;
    struct counting_result result = run(*state, &fake, &counting);
    assert_int_equal(result.n_sets, 3); /* eleven presets */
    for (int i = 0; i < COUNTER_ROLES; i++)
        assert_true(!counter_roles[i].hardware || result.counter[i].available);
}

static void only_what_was_asked_for_is_counted(void **state) {
    struct fake fake = virtual_machine();
    struct counting counting = {.batch_size = 1, .inputs = 5, .repeats = 2};
    counting.request = (struct counter_request){{1, {"PAPI_VEC_SP"}}, .only_events = true};
    struct counting_result result = run(*state, &fake, &counting);
    assert_unavailable(&result.counter[ROLE_TASK_CLOCK_NS], "not asked for");
    assert_unavailable(&result.counter[COUNTER_ROLES], "exposes no performance-monitoring unit");
}

static void own_events_are_what_the_closed_form_says(void **state) {
    const struct trained_model *t = *state;
    struct flops formula = flops_dense(&t->model.parameters->config, LENGTH);
    struct counting counting = {.own = true, .batch_size = 4, .inputs = 30, .repeats = 20};
    counting.request.only_events = true;
    struct counting_result result = run(t, NULL, &counting);
    const struct counter_result *own = &result.counter[COUNTER_ROLES];
    assert_true(result.flops == (double)flops_total(&formula));
    assert_true(result.heads == LAYERS * HEADS);
    assert_int_equal(result.n, (int)COUNTER_ROLES + SOFTWARE_EVENTS);
    assert_int_equal(result.n_sets, 1 + 1); /* its own are one */
    if (!exported) {
        for (int i = 0; i < SOFTWARE_EVENTS; i++) assert_unavailable(&own[i], "libsde");
        return;
    }
    assert_true(own[EVENT_EXECUTED_FLOPS].value == (double)flops_total(&formula));
    assert_true(own[EVENT_HEADS_RUN].value == LAYERS * HEADS);
    assert_true(own[EVENT_TOKENS].value == LENGTH);
    assert_true(own[EVENT_BYTES_GATHERED].available && own[EVENT_BYTES_GATHERED].value == 0);
}

static void profile_counts_the_same(void **state) {
    const struct trained_model *t = *state;
    const struct profile_config *config = &t->trial.experiment.profile;
    struct counting counting = {.own = true,
                                .batch_size = config->batch_sizes.value[1],
                                .inputs = config->inputs,
                                .repeats = config->repeats,
                                .seed = 1};
    struct counting_result result = run(t, NULL, &counting);
    struct profile_subject subject = {t->model.parameters, t->data, &t->model.parameters->config,
                                      t->trial.checkpoint, NULL};
    struct profiling_result profiled;
    struct error error;
    if (!profile_model(&subject, config, 1, &profiled, &error)) fail_msg("%s", error.text);
    const struct profile_result *p = &profiled.profiles[1];
    assert_true(result.flops == p->executed_flops_per_input);
    for (int i = 0; i < SOFTWARE_EVENTS; i++) {
        const struct counter_result *there = &p->counters[p->n_counters - SOFTWARE_EVENTS + i];
        const struct counter_result *here = &result.counter[COUNTER_ROLES + i];
        assert_string_equal(here->role, there->role);
        assert_int_equal(here->available, there->available);
        assert_true(!here->available || here->value == there->value);
    }
    profiling_result_free(&profiled);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_divided_by_the_inputs_of_a_pass),
        cmocka_unit_test(events_that_do_not_fit_are_counted_in_more_sets),
        cmocka_unit_test(only_what_was_asked_for_is_counted),
        cmocka_unit_test(own_events_are_what_the_closed_form_says),
        cmocka_unit_test(profile_counts_the_same),
    };
    return cmocka_run_group_tests(tests, train, free_all);
}
