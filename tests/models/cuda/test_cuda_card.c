/*
 * What a card tells of its own work, on a card alone: the times between marks, by which phases are
 * measured, and whose memory it holds for what.
 */
#include "harness/measure/phase_timer.h"
#include "models/device_parameters.h"
#include "models/inference.h"
#include "models/optimizer.h"
#include "models/policy.h"
#include "tests/models/small_model.h"
#include "tests/models/tested_devices.h"

/* Marks that the phase timer leaves to others. */
enum { BEGIN = PHASE_MARKS, END = PHASE_MARKS + 1 };

static const char *const arms[][2] = {{"fixed", "{\"heads\":8}"},
                                      {"random", "{\"heads\":2}"},
                                      {"budgetformer", "{}"},
                                      {"moh", "{\"shared\":1,\"routed\":2}"}};
enum { ARMS = 4, LENGTH = 64, SAMPLES = 32, PASSES = 20 };

/* Inputs of equal length, more than a small model's. */
struct wide_batch {
    int32_t tokens[SAMPLES * LENGTH], offsets[SAMPLES + 1], labels[SAMPLES], ids[SAMPLES];
    struct batch batch;
};

static void fill(struct wide_batch *b) {
    struct rng rng = rng_stream(5, RNG_GENERATOR);
    for (int i = 0; i <= SAMPLES; i++) b->offsets[i] = i * LENGTH;
    for (int i = 0; i < SAMPLES; i++) {
        b->labels[i] = i % SMALL_CLASSES;
        b->ids[i] = i;
    }
    for (int i = 0; i < SAMPLES * LENGTH; i++)
        b->tokens[i] = (int32_t)rng_below(&rng, 2, (uint64_t)i, SMALL_VOCAB);
    b->batch = (struct batch){SAMPLES, SAMPLES * LENGTH, b->tokens, b->offsets, b->labels, b->ids};
}

static struct parameters *wide_model(int arm, struct model_config *config) {
    struct policy_ops const *policy = policy_find(arms[arm][0]);
    *config = small_config(policy, arms[arm][1], 3, 256, 8);
    config->max_len = LENGTH;
    return small_parameters(config, 3);
}

static const struct trainer_limits wide_limits = {SAMPLES, SAMPLES *LENGTH, LENGTH};

static void assert_sum(const char *tested, const char *arm, const char *what, double sum,
                       double whole) {
    print_message("%s, %s: phases of %s / the whole, by two marks around them = %.5f, %.1f us\n",
                  tested, arm, what, sum / whole, 1e-3 * whole);
    if (!(fabs(sum / whole - 1) < 0.02)) fail_msg("%g is not %g", sum, whole);
}

static void phases_add_up_to_the_pass(const struct tested_device *tested, const struct device *d) {
    if (!d->ops->mark) return; /* of a card alone */
    static struct wide_batch data;
    fill(&data);
    for (int arm = 0; arm < ARMS; arm++) {
        struct model_config config;
        struct parameters *p = wide_model(arm, &config);
        struct inference *inference = NULL;
        struct trainer *trainer = NULL;
        struct error error;
        struct phase_timer timer;
        struct work work = {.phases = &timer.phases};
        double whole = 0;
        if (!inference_new_on(d, p, &wide_limits, &inference, &error) ||
            !trainer_new_on(d, p, &wide_limits, 1, &trainer, &error))
            fail_msg("%s", error.text);
        phase_timer_start(&timer, NULL);
        timer.device = d;
        for (int i = 0; i < PASSES; i++) {
            d->ops->mark(d, BEGIN);
            inference_run(inference, &data.batch, &work, NULL);
            d->ops->mark(d, END);
            phase_timer_stop(&timer);
            phase_timer_read(&timer);
            whole += d->ops->between(d, BEGIN, END);
        }
        assert_sum(tested->name, arms[arm][0], "inference", phase_timer_sum(&timer), whole);

        trainer_load(trainer);
        trainer_set_phases(trainer, &timer.phases);
        phase_timer_start(&timer, NULL);
        timer.device = d;
        d->ops->mark(d, BEGIN);
        int steps = arm == 0 ? PHASE_MARKS : PASSES; /* in one the ring comes round */
        for (int i = 0; i < steps; i++) {
            struct policy_step step = {.progress = 0.5, .step = (uint64_t)i};
            trainer_step(trainer, &data.batch, &step);
        }
        d->ops->mark(d, END);
        phase_timer_stop(&timer);
        phase_timer_read(&timer);
        assert_sum(tested->name, arms[arm][0], "training", phase_timer_sum(&timer),
                   d->ops->between(d, BEGIN, END));
        trainer_free(trainer);
        inference_free(inference);
        parameters_free(p);
    }
}

static size_t held_by_all(const struct device *d) {
    size_t sum = 0;
    for (int use = 0; use < DEVICE_USES; use++) sum += d->ops->held(d, (enum device_use)use);
    return sum;
}

static void arrays_are_what_their_owners_say(const struct tested_device *tested,
                                             const struct device *d) {
    if (!d->ops->held) return;
    for (int arm = 0; arm < ARMS; arm++) {
        struct model_config config;
        struct parameters *p = wide_model(arm, &config);
        struct inference *inference = NULL;
        struct trainer *trainer = NULL;
        struct optimizer *optimizer = NULL;
        struct optimizer_config schedule = {.total_steps = 1, .clip_norm = 1};
        struct error error;
        assert_int_equal(d->ops->held(d, USE_ARRAYS), 0);
        size_t held = held_by_all(d);
        if (!inference_new_on(d, p, &wide_limits, &inference, &error) ||
            !trainer_new_on(d, p, &wide_limits, 1, &trainer, &error) ||
            !optimizer_new_on(d, trainer_parameters(trainer), &schedule, &optimizer, &error))
            fail_msg("%s", error.text);
        assert_int_equal(d->ops->held(d, USE_ARRAYS),
                         inference_bytes(inference) + inference_parameter_bytes(inference) +
                             trainer_bytes(trainer) +
                             (int64_t)trainer_parameters(trainer)->arena.size +
                             optimizer_bytes(optimizer));
        print_message("%s, %s: %.2f MiB are held\n", tested->name, arms[arm][0],
                      (double)(held_by_all(d) - held) / (1 << 20));
        bool bf16 = d->precision == PRECISION_BF16;
        assert_true((d->ops->held(d, USE_WEIGHTS) > 0) == bf16);
        for (int use = USE_BATCHES; use < DEVICE_USES; use++)
            assert_true(d->ops->held(d, (enum device_use)use) > 0);
        optimizer_free(optimizer);
        trainer_free(trainer);
        inference_free(inference);
        assert_int_equal(d->ops->held(d, USE_ARRAYS) + d->ops->held(d, USE_WEIGHTS) +
                             d->ops->held(d, USE_BATCHES),
                         0);
        parameters_free(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ALL_SLOWLY(phases_add_up_to_the_pass),
        ON_ALL_SLOWLY(arrays_are_what_their_owners_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
