/*
 * A trial on a device with memory of its own, here a CPU's that is only called so: that what it
 * learns is what is kept, chosen and saved, that phases are marked on it, and that its failure is told
 * as that.
 */
#include "harness/record/counter_names.h"
#include "harness/trial/card_use.h"
#include "harness/trial/profile.h"
#include "models/base/clock.h"
#include "tests/harness/trial/small_trial.h"

#include <math.h>

/* The CPU as a device that is far: nothing in its memory is the trial's own. */
struct far {
    struct device device; /* first: its calls are given this */
    struct device_ops ops;
    int *waits;        /* so far; not in the device, whose calls only read it */
    int until_failure; /* of which `ok` tells, counted in waits; negative: never */
    int counted;
    int *downloads; /* so far: where training is over, what is still waited for */
    int until_lost; /* the same, counted in downloads */
    int fetched;
    int *marks; /* so far */
    int noted;
    int *recordings; /* that were asked for since the last mark, */
    int asked;
    int *recorded_between; /* and how many marks came after some */
    int between;
    bool by_downloads; /* the clock of marks ticks with them, and not by time */
    double *mark;      /* [DEVICE_MARKS] */
    double moment[DEVICE_MARKS];
    size_t *live, *arrays; /* bytes of arrays now, and when somebody asked last */
    size_t count, seen;
    size_t copies; /* bytes of weights in bfloat16 */
};

static void count_wait(const struct device *d) {
    ++*((const struct far *)(const void *)d)->waits;
}

/* The marks of a card, of which the times are those of this clock. */
static void note_mark(const struct device *d, int i) {
    const struct far *far = (const struct far *)(const void *)d;
    far->mark[i] = far->by_downloads ? 1e9 * *far->downloads : clock_nanoseconds();
    ++*far->marks;
    *far->recorded_between += *far->recordings > 0;
    *far->recordings = 0;
}

static bool count_recording(const struct device *d) {
    ++*((const struct far *)(const void *)d)->recordings;
    return false;
}

static double time_between(const struct device *d, int from, int to) {
    const struct far *far = (const struct far *)(const void *)d;
    return far->mark[to] - far->mark[from];
}

/* Arrays are counted; of what a card holds itself, every use has its own number of bytes. */
static bool count_allocation(const struct device *d, size_t bytes, void **out,
                             struct error *error) {
    *((const struct far *)(const void *)d)->live += bytes;
    return device_cpu()->ops->allocate(d, bytes, out, error);
}

static void count_release(const struct device *d, void *memory, size_t bytes) {
    *((const struct far *)(const void *)d)->live -= bytes;
    device_cpu()->ops->release(d, memory, bytes);
}

static size_t held(const struct device *d, enum device_use use) {
    const struct far *far = (const struct far *)(const void *)d;
    if (use == USE_ARRAYS) *far->arrays = *far->live;
    return use == USE_WEIGHTS ? far->copies : 1000 + (size_t)use;
}

static void count_download(const struct device *d, void *to, const void *from, size_t bytes) {
    ++*((const struct far *)(const void *)d)->downloads;
    memcpy(to, from, bytes);
}

static bool fail_late(const struct device *d, struct error *error) {
    const struct far *far = (const struct far *)(const void *)d;
    if ((far->until_failure < 0 || *far->waits < far->until_failure) &&
        (far->until_lost < 0 || *far->downloads < far->until_lost))
        return true;
    return error_set(error, "the card fell out of its slot");
}

static void make_far(struct far *far, int until_failure) {
    far->device = *device_cpu();
    far->ops = *far->device.ops;
    far->ops.wait = count_wait;
    far->ops.download = count_download;
    far->ops.ok = fail_late;
    far->ops.allocate = count_allocation;
    far->ops.release = count_release;
    far->ops.held = held;
    far->ops.mark = note_mark;
    far->ops.between = time_between;
    far->ops.record = count_recording;
    far->device.ops = &far->ops;
    far->device.is_host = false;
    far->until_failure = until_failure;
    far->counted = 0;
    far->waits = &far->counted;
    far->until_lost = -1;
    far->fetched = 0;
    far->downloads = &far->fetched;
    far->noted = 0;
    far->marks = &far->noted;
    far->asked = far->between = 0;
    far->recordings = &far->asked;
    far->recorded_between = &far->between;
    far->by_downloads = false;
    far->mark = far->moment;
    far->count = far->seen = far->copies = 0;
    far->live = &far->count;
    far->arrays = &far->seen;
}

static const char key[] = "key of the trial";

/* Short trainings, of which only that it is the same is asked of what they learn. */
static const struct small_trial_text few_steps = {
    .data = "source: topic, length: 12, n_train: 160, n_test: 60",
    .model = "layers: 2, dim: 16, heads: 4, ffn: 32",
    .train = "epochs: 2, batch: 16, learning_rate: 1e-2, eval_batch: 40",
    .arm = "policy: fixed, heads: 4",
    .seed = 1,
};
static const struct small_trial_text few_gated_steps = {
    .data = "source: topic, length: 12, n_train: 160, n_test: 60",
    .model = "layers: 2, dim: 16, heads: 4, ffn: 32, dropout: 0.1",
    .train = "epochs: 2, batch: 16, learning_rate: 1e-2, eval_batch: 40",
    .arm = "policy: budgetformer, cost: 0.1, initial_budget: 0.6",
    .seed = 1,
};

static void train_on(struct small_trial *t, const struct small_trial_text *text,
                     const struct device *device, const struct small_trial *base) {
    struct error error;
    small_trial_read(t, text);
    struct training_context context = {.device = device, .checkpoint = t->checkpoint, .trial = key};
    if (base) context.base = (struct trained){base->checkpoint, key, NULL};
    if (!training_run(&t->experiment, &context, &t->result, &error)) fail_msg("%s", error.text);
}

/* The CPU adds the outputs of narrow heads in an order of its own. */
static void assert_same_loss(double a, double b) {
    assert_true(fabs(a - b) <= 1e-6 * fabs(b));
}

static void assert_same_results(const struct training_result *a, const struct training_result *b) {
    assert_string_equal(a->checkpoint_sha256, b->checkpoint_sha256);
    assert_int_equal(a->n_epochs, b->n_epochs);
    for (int i = 0; i < a->n_epochs; i++) {
        assert_true(a->epochs[i].train_loss == b->epochs[i].train_loss);
        assert_same_loss(a->epochs[i].validation_loss, b->epochs[i].validation_loss);
    }
    assert_int_equal(a->n_evaluations, b->n_evaluations);
    for (int i = 0; i < a->n_evaluations; i++) {
        const struct evaluation_result *x = &a->evaluations[i], *y = &b->evaluations[i];
        assert_true(x->accuracy == y->accuracy);
        assert_same_loss(x->loss, y->loss);
        assert_true(x->mean_heads == y->mean_heads);
        assert_true(x->trained_accuracy == y->trained_accuracy || isnan(x->trained_accuracy));
    }
}

/* Weights that were not handed over, in either direction, at any of the places where the two
 * memories meet, would show here. */
static void what_a_device_learns_is_what_the_cpu_does(void **state) {
    (void)state;
    static const char *const arms[] = {"policy: fixed, heads: 4",
                                       "policy: moh, shared: 1, routed: 2",
                                       "policy: budgetformer, cost: 0.1, initial_budget: 0.6"};
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
        struct small_trial here, there;
        struct small_trial_text text = few_gated_steps;
        struct far far;
        make_far(&far, -1);
        text.arm = arms[i];
        train_on(&here, &text, NULL, NULL);
        train_on(&there, &text, &far.device, NULL);
        assert_same_results(&here.result, &there.result);
        assert_true(far.fetched > 0 && far.noted > 0);
        small_trial_free(&here);
        small_trial_free(&there);
    }
}

/* Methods that start from a base score it, take heads from it, and train what is left. */
static void what_is_left_of_a_base_is_what_the_cpu_leaves(void **state) {
    (void)state;
    static const char *const arms[] = {"policy: michel, heads: 1.5, recompute: true",
                                       "policy: voita, cost: 0.1, epochs: 2",
                                       "policy: dsp, heads: 2, epochs: 2"};
    struct small_trial base;
    train_on(&base, &few_steps, NULL, NULL);
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
        struct small_trial here, there;
        struct small_trial_text text = few_steps;
        struct far far;
        char arm[300];
        make_far(&far, -1);
        snprintf(arm, sizeof arm, "%s, base: below}\n  - {arm: below, policy: fixed, heads: 4",
                 arms[i]);
        text.arm = arm;
        train_on(&here, &text, NULL, &base);
        train_on(&there, &text, &far.device, &base);
        assert_same_results(&here.result, &there.result);
        small_trial_free(&here);
        small_trial_free(&there);
    }
    small_trial_free(&base);
}

static void phases_are_marked_and_nobody_waits_for_them(void **state) {
    (void)state;
    struct small_trial t;
    struct far far;
    double sum = 0;
    make_far(&far, -1);
    train_on(&t, &few_steps, &far.device, NULL);
    /* Data, forward, backward and optimiser of every step. */
    assert_true(far.noted >= 4 * t.result.steps);
    assert_true(far.counted < t.result.steps);
    for (int p = 0; p < PHASES; p++) sum += t.result.phase_seconds[p];
    assert_true(sum > 0 && sum <= t.result.train_seconds * (1 + 1e-9));
    small_trial_free(&t);
}

static bool never(void *hearer) {
    (void)hearer;
    return false;
}

/* Downloads of weights and moments, which a stage leaves behind after every step, count as little as
 * the time that they take. */
static void leaving_behind_is_in_no_phase(void **state) {
    (void)state;
    double seconds[2][PHASES];
    int fetched[2];
    for (int saves = 0; saves < 2; saves++) {
        struct small_trial t;
        struct error error;
        struct far far;
        make_far(&far, -1);
        far.by_downloads = true;
        small_trial_read(&t, &few_steps);
        struct training_context context = {.device = &far.device,
                                           .checkpoint = t.checkpoint,
                                           .trial = key,
                                           .must_stop = never,
                                           .save_seconds = saves ? 1e-9 : 0,
                                           .states = t.checkpoint};
        if (!training_run(&t.experiment, &context, &t.result, &error)) fail_msg("%s", error.text);
        memcpy(seconds[saves], t.result.phase_seconds, sizeof seconds[0]);
        fetched[saves] = far.fetched;
        training_forget(t.checkpoint);
        small_trial_free(&t);
    }
    assert_true(fetched[1] > fetched[0]);
    assert_memory_equal(seconds[0], seconds[1], sizeof seconds[0]);
}

/* Sum of the rows that this process can know, and how many there are; what the driver tells has a
 * reason instead, because here is none. */
static int64_t sum_rows(const struct memory_result *row, int n, const char *suffix, int *n_known) {
    int64_t sum = 0;
    *n_known = 0;
    for (int i = 0; i < n; i++) {
        size_t length = strlen(row[i].what), end = strlen(suffix);
        if (!row[i].on_device || length < end || strcmp(row[i].what + length - end, suffix) != 0)
            continue;
        assert_memory_equal(row[i].what, "device memory, ", 15);
        assert_int_equal(row[i].page_faults, -1);
        if (strstr(row[i].what, "(NVML)")) {
            assert_true(row[i].bytes == -1 && row[i].reason[0]);
            continue;
        }
        assert_true(row[i].bytes > 0 && !row[i].reason[0]);
        sum += row[i].bytes;
        ++*n_known;
    }
    return sum;
}

/* Of uses of its own but weights, which are float32 here. */
enum { OWN_USES = DEVICE_USES - 2 };
static const int64_t own_bytes = 4 * 1000 + USE_BATCHES + USE_SCRATCH + USE_PRODUCTS + USE_STAGING;

/* Rows of device memory with this ending beside which the closed form stands, which is less than what
 * is reserved by the rounding of arrays: much in so small a model. */
static int count_predicted(const struct memory_result *rows, int n, const char *suffix) {
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (!rows[i].on_device || !strstr(rows[i].what, suffix) || rows[i].predicted == 0) continue;
        assert_in_range(rows[i].predicted, rows[i].bytes / 3, rows[i].bytes);
        count++;
    }
    return count;
}

static void purposes_are_all_that_a_device_was_asked_for(void **state) {
    (void)state;
    static const char *const arms[] = {"policy: fixed, heads: 4",
                                       "policy: moh, shared: 1, routed: 2"};
    for (int k = 0; k < 2; k++) {
        struct small_trial t;
        struct small_trial_text text = few_gated_steps;
        struct far far;
        int n_known, n_host = 0;
        text.arm = arms[k];
        make_far(&far, -1);
        train_on(&t, &text, &far.device, NULL);
        int64_t sum = sum_rows(t.result.memory, t.result.n_memory, "", &n_known);
        /* Parameters twice, gradients, activations, optimiser, two workspaces. */
        assert_int_equal(n_known, 7 + OWN_USES);
        if (k ==
            0) /* where tokens choose, the closed form knows hosts and cards, and this is neither */
            assert_int_equal(count_predicted(t.result.memory, t.result.n_memory, ""), 7);
        assert_int_equal(sum, (int64_t)far.seen + own_bytes);
        assert_int_equal(far.count, 0);
        for (int i = 0; i < t.result.n_memory; i++)
            n_host += strncmp(t.result.memory[i].what, "arena ", 6) == 0;
        assert_int_equal(n_host, 2);                              /* parameters and the best */
        assert_int_equal(t.result.n_memory, TRAINING_MEMORY - 1); /* no weights in bfloat16 */
        small_trial_free(&t);
    }
}

static void copies_of_weights_stand_beside_the_closed_form(void **state) {
    (void)state;
    struct memory_result rows[CARD_HELD_ROWS];
    struct far far;
    make_far(&far, -1);
    far.copies = 640;
    assert_int_equal(card_use_held(&far.device, 650, ", batch 1", rows), CARD_HELD_ROWS);
    for (int i = 0; i < CARD_HELD_ROWS; i++) {
        bool of_weights = rows[i].bytes == 640;
        assert_int_equal(rows[i].predicted, of_weights ? 650 : 0);
        if (of_weights)
            assert_string_equal(rows[i].what, "device memory, weights in bfloat16, batch 1");
    }
    assert_int_equal(card_use_held(device_cpu(), 650, "", rows), 0);
}

/* A method's tensors that stay on the host have their moments there, in nobody's device memory. */
static void moments_of_the_host_are_not_in_device_memory(void **state) {
    (void)state;
    struct small_trial t;
    struct small_trial_text text = few_gated_steps;
    struct far far;
    int64_t gradients = 0, moments = 0;
    make_far(&far, -1);
    text.arm = "policy: moh, shared: 1, routed: 2";
    train_on(&t, &text, &far.device, NULL);
    for (int i = 0; i < t.result.n_memory; i++) {
        const struct memory_result *row = &t.result.memory[i];
        if (strcmp(row->what, "device memory, gradients") == 0) gradients = row->bytes;
        if (strcmp(row->what, "device memory, optimiser") == 0) moments = row->bytes;
    }
    assert_true(gradients > 0);
    assert_in_range(moments, gradients, 2 * gradients + ARENA_PAGE); /* and the norm */
    small_trial_free(&t);
}

static void a_failure_is_told_as_what_it_is(void **state) {
    (void)state;
    int n_ended = 0;
    for (int until = 1; until < 130; until += 20) { /* in a step, between, in an evaluation */
        struct small_trial t;
        struct error error = {0};
        struct far far;
        make_far(&far, -1);
        far.until_lost = until;
        small_trial_read(&t, &few_steps);
        struct training_context context = {
            .device = &far.device, .checkpoint = t.checkpoint, .trial = key};
        if (training_run(&t.experiment, &context, &t.result, &error)) {
            assert_true(far.fetched < until); /* it ended before */
            n_ended++;
        } else {
            assert_string_equal(error.text, "the card fell out of its slot");
            assert_false(t.result.diverged);
        }
        small_trial_free(&t);
    }
    assert_true(n_ended < 7);
}

/* The last that a trial has from a device is how it does as it was trained: no phase, and nothing
 * that checks itself. */
static void a_failure_in_the_last_pass_is_none_of_the_results(void **state) {
    (void)state;
    struct small_trial_text text = few_gated_steps;
    int last = -1;
    text.arm = "policy: moh, shared: 1, routed: 2";
    for (int run = 0; run < 2; run++) {
        struct small_trial t;
        struct error error = {0};
        struct far far;
        make_far(&far, -1);
        far.until_lost = last;
        small_trial_read(&t, &text);
        struct training_context context = {
            .device = &far.device, .checkpoint = t.checkpoint, .trial = key};
        assert_int_equal(training_run(&t.experiment, &context, &t.result, &error), run == 0);
        if (run == 1) assert_string_equal(error.text, "the card fell out of its slot");
        last = far.fetched;
        small_trial_free(&t);
    }
}

/* A card repeats passes from recordings, but none that is marked. What marks cost is known only beside
 * passes that are launched as those are. */
static void what_is_held_beside_marked_passes_is_repeated_as_little(void **state) {
    (void)state;
    struct small_trial t;
    struct profiling_result r;
    struct error error;
    struct far far;
    train_on(&t, &few_steps, NULL, NULL);
    make_far(&far, -1);
    struct trained trained = {t.checkpoint, key, NULL};
    if (!profiling_run(&t.experiment, NULL, &trained, &far.device, &r, &error))
        fail_msg("%s", error.text);
    assert_true(far.between > 0); /* the timed passes before the first mark of a batch size */
    assert_true(far.between <= r.n_profiles);
    profiling_result_free(&r);
    small_trial_free(&t);
}

static void a_profile_on_a_card_has_no_counts_of_the_processor(void **state) {
    (void)state;
    struct small_trial t;
    struct profiling_result r;
    struct error error;
    struct far far;
    make_far(&far, -1);
    train_on(&t, &few_steps, NULL, NULL);
    struct trained trained = {t.checkpoint, key, NULL};
    if (!profiling_run(&t.experiment, NULL, &trained, &far.device, &r, &error))
        fail_msg("%s", error.text);
    for (int k = 0; k < r.n_profiles; k++) {
        const struct profile_result *p = &r.profiles[k];
        int n_asked = t.experiment.profile.events.n, own = 0;
        for (int i = 0; i < p->n_counters; i++) {
            const struct counter_result *c = &p->counters[i];
            if (i >= COUNTER_ROLES + n_asked + CARD_ROLES) {
                own++; /* what we count ourselves is counted anywhere, or has its own reason */
                continue;
            }
            if (i >= COUNTER_ROLES + n_asked) { /* the card's, which this one has none of */
                assert_string_equal(c->role, card_role_names[i - COUNTER_ROLES - n_asked]);
                assert_string_equal(c->scope, "gpu");
                assert_int_equal(c->available, c->reason[0] == '\0');
                continue;
            }
            assert_false(c->available);
            assert_string_equal(c->status, "unavailable");
            assert_non_null(strstr(c->reason, "the pass runs on a card"));
        }
        assert_int_equal(own, SOFTWARE_EVENTS);
        static const char *const domains[] = {"package", "dram", "card"};
        assert_int_equal(p->n_energy, 3);
        for (int part = 0; part < 3; part++) {
            assert_string_equal(p->energy[part].domain, domains[part]);
            assert_true(isnan(p->energy[part].joules_per_input));
            assert_true(p->energy[part].reason[0]);
        }
        assert_non_null(strstr(p->energy[0].reason, "the pass runs on a card"));
        char suffix[24];
        int n_known;
        snprintf(suffix, sizeof suffix, ", batch %d", p->batch_size);
        assert_true(sum_rows(r.memory, r.n_memory, suffix, &n_known) > own_bytes);
        assert_int_equal(n_known, 2 + OWN_USES); /* parameters and workspace */
        assert_int_equal(count_predicted(r.memory, r.n_memory, suffix), 2);
        for (int i = 0; i < p->n_samples; i++) assert_true(p->latency_ns[i] > 0);
        assert_true(p->executed_flops_per_input > 0);
    }
    /* A wait in every timed pass, and in the warm-up of each block. */
    assert_true(far.counted >= r.n_profiles * (t.experiment.profile.repeats + 3));
    far.until_failure = 0;
    profiling_result_free(&r);
    assert_false(profiling_run(&t.experiment, NULL, &trained, &far.device, &r, &error));
    assert_string_equal(error.text, "the card fell out of its slot");
    profiling_result_free(&r);
    small_trial_free(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_device_learns_is_what_the_cpu_does),
        cmocka_unit_test(what_is_left_of_a_base_is_what_the_cpu_leaves),
        cmocka_unit_test(phases_are_marked_and_nobody_waits_for_them),
        cmocka_unit_test(leaving_behind_is_in_no_phase),
        cmocka_unit_test(purposes_are_all_that_a_device_was_asked_for),
        cmocka_unit_test(copies_of_weights_stand_beside_the_closed_form),
        cmocka_unit_test(moments_of_the_host_are_not_in_device_memory),
        cmocka_unit_test(a_failure_is_told_as_what_it_is),
        cmocka_unit_test(a_failure_in_the_last_pass_is_none_of_the_results),
        cmocka_unit_test(what_is_held_beside_marked_passes_is_repeated_as_little),
        cmocka_unit_test(a_profile_on_a_card_has_no_counts_of_the_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
