/*
 * What the example of models/policies/a_new_policy.md promises, for test_policy_example.sh,
 * which links it with the example: it is no test of the program itself.
 */
#include "models/inference.h"
#include "tests/models/small_model.h"

#include <math.h>

enum { LAYERS = 2, HEADS = 4 };

/* A model of the example over the small batch, whose lengths are 3, 1, 17, 8 and 5. */
struct fixture {
    struct model_config config;
    struct small_batch data;
    struct parameters *p;
    struct trainer *trainer;
    struct inference *inference;
};

static int set_up(void **state) {
    static struct fixture f;
    struct error error;
    const struct policy_ops *policy = policy_find("length-budget");
    *state = &f;
    if (!policy) return -1;
    f.config = small_config(policy, "{\"full\":16}", LAYERS, 16, HEADS);
    small_batch_fill(&f.data, 4);
    f.p = small_parameters(&f.config, 8);
    return trainer_new(f.p, &small_limits, 1, &f.trainer, &error) &&
                   inference_new(f.p, &small_limits, &f.inference, &error)
               ? 0
               : -1;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    trainer_free(f->trainer);
    inference_free(f->inference);
    parameters_free(f->p);
    return 0;
}

static void longer_inputs_run_more_heads(void **state) {
    struct fixture *f = *state;
    static const int want[SMALL_SAMPLES] = {1, 1, 4, 2, 2}; /* ceil(4 min(1, n / 16)) */
    inference_run(f->inference, &f->data.batch, NULL, NULL);
    for (int l = 0; l < LAYERS; l++)
        for (int b = 0; b < SMALL_SAMPLES; b++)
            assert_int_equal(inference_heads_run(f->inference, l, b), want[b]);
}

static void gates_do_not_depend_on_batch_mates(void **state) {
    struct fixture *f = *state;
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        float among[HEADS];
        int32_t offsets[2];
        struct batch alone = batch_chunk(&f->data.batch, b, 1, offsets);
        inference_run(f->inference, &f->data.batch, NULL, NULL);
        memcpy(among, inference_gates(f->inference, 1) + (size_t)b * HEADS, sizeof among);
        inference_run(f->inference, &alone, NULL, NULL);
        assert_memory_equal(inference_gates(f->inference, 1), among, sizeof among);
    }
}

/* The rule is the same in both passes, so what is deployed is what was trained. */
static void training_and_inference_agree(void **state) {
    struct fixture *f = *state;
    struct policy_step step = {.progress = 0.5};
    double loss = trainer_loss(f->trainer, &f->data.batch, &step), deployed = 0;
    inference_run(f->inference, &f->data.batch, NULL, NULL);
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        const float *logits = inference_logits(f->inference) + (size_t)b * SMALL_CLASSES;
        double sum = 0;
        for (int c = 0; c < SMALL_CLASSES; c++) sum += exp((double)logits[c]);
        deployed += log(sum) - (double)logits[f->data.labels[b]];
    }
    assert_true(fabs(loss - deployed / SMALL_SAMPLES) < 1e-5);
}

static void gains_have_the_gradient_of_finite_differences(void **state) {
    struct fixture *f = *state;
    struct policy_step step = {.progress = 0.5};
    for (int l = 0; l < LAYERS; l++)
        for (int h = 0; h < HEADS; h++) {
            float *gain = &f->p->layer[l].policy[0][h], kept = *gain;
            double loss[2];
            trainer_step(f->trainer, &f->data.batch, &step);
            double analytic = (double)trainer_gradients(f->trainer)->layer[l].policy[0][h];
            for (int side = 0; side < 2; side++) {
                *gain = kept + (side ? 5e-3f : -5e-3f);
                loss[side] = trainer_loss(f->trainer, &f->data.batch, &step);
            }
            *gain = kept;
            double numeric = (loss[1] - loss[0]) / 1e-2;
            if (!(fabs(numeric - analytic) < 1e-4 + 1e-2 * fabs(analytic)))
                fail_msg("layer %d, head %d: numeric %.6g, analytic %.6g", l, h, numeric, analytic);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longer_inputs_run_more_heads),
        cmocka_unit_test(gates_do_not_depend_on_batch_mates),
        cmocka_unit_test(training_and_inference_agree),
        cmocka_unit_test(gains_have_the_gradient_of_finite_differences),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
