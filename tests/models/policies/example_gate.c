/*
 * What the example of models/policies/a_gate_that_looks.md promises, for test_policy_example.sh,
 * which links it with the example: it is no test of the program itself.
 */
#include "models/inference.h"
#include "tests/models/small_model.h"

#include <math.h>

enum { LAYERS = 2, HEADS = 4, DIM = 16 };

/* A model of the example over the small batch, whose lengths are 3, 1, 17, 8 and 5; the w are large
 * enough for inputs to differ in their heads. */
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
    const struct policy_ops *policy = policy_find("priced-budget");
    *state = &f;
    if (!policy) return -1;
    f.config = small_config(policy, "{\"cost\":0.5}", LAYERS, DIM, HEADS);
    small_batch_fill(&f.data, 4);
    f.p = small_parameters(&f.config, 8);
    for (int l = 0; l < LAYERS; l++)
        for (int d = 0; d < DIM; d++) f.p->layer[l].policy[0][d] *= 8;
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

static double loss_of(struct fixture *f, struct policy_step *step) {
    *step = (struct policy_step){.progress = 0.5};
    double loss = trainer_loss(f->trainer, &f->data.batch, step);
    return loss + step->regulariser;
}

/* The first ceil(s H) heads, whose gates add up to s H; and not as many for every input. */
static void an_input_runs_what_its_budget_says(void **state) {
    struct fixture *f = *state;
    int fewest = HEADS, most = 0;
    inference_run(f->inference, &f->data.batch, NULL, NULL);
    for (int l = 0; l < LAYERS; l++)
        for (int b = 0; b < SMALL_SAMPLES; b++) {
            double s = (double)inference_decisions(f->inference, l)[b], sum = 0;
            int run = inference_heads_run(f->inference, l, b);
            assert_true(s > 0 && s < 1);
            assert_int_equal(run, ceil(s * HEADS));
            assert_true(inference_head_ran(f->inference, l, run - 1, b));
            for (int h = 0; h < HEADS; h++)
                sum += (double)inference_gates(f->inference, l)[b * HEADS + h];
            assert_true(fabs(sum - s * HEADS) < 1e-5);
            fewest = run < fewest ? run : fewest;
            most = run > most ? run : most;
        }
    assert_true(fewest < most);
}

/* The mean over the tokens, and a product of 2 D for each input and layer. */
static void the_gate_books_its_closed_form(void **state) {
    struct fixture *f = *state;
    struct work work = {0};
    uint64_t formula = 0;
    inference_run(f->inference, &f->data.batch, &work, NULL);
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        int n = f->data.offsets[b + 1] - f->data.offsets[b];
        assert_int_equal(f->config.policy->gate_flops(&f->config, 0, n), DIM * (n + 2));
        formula += LAYERS * f->config.policy->gate_flops(&f->config, 0, n);
    }
    assert_int_equal(work.flops.count[FLOP_GATE], formula);
}

/* By the sums over all that a tensor and what the gate saw (embeddings) change. */
static void gradients_are_those_of_finite_differences(void **state) {
    struct fixture *f = *state;
    struct policy_step step = {.progress = 0.5};
    trainer_step(f->trainer, &f->data.batch, &step);
    const struct parameters *g = trainer_gradients(f->trainer);
    struct {
        float *value;
        const float *gradient;
        int n;
    } cases[] = {{f->p->layer[0].policy[0], g->layer[0].policy[0], DIM},
                 {f->p->layer[1].policy[0], g->layer[1].policy[0], DIM},
                 {f->p->layer[0].norm1_bias, g->layer[0].norm1_bias, DIM},
                 {f->p->token, g->token, SMALL_VOCAB * DIM}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int j = 0; j < cases[i].n; j++) {
            float kept = cases[i].value[j];
            double loss[2], analytic = (double)cases[i].gradient[j];
            for (int side = 0; side < 2; side++) {
                cases[i].value[j] = kept + (side ? -2e-3f : 2e-3f);
                loss[side] = loss_of(f, &step);
            }
            cases[i].value[j] = kept;
            double numeric = (loss[0] - loss[1]) / 4e-3;
            if (!(fabs(numeric - analytic) < 1e-3 + 2e-2 * fabs(analytic)))
                fail_msg("tensor %zu, %d: numeric %.6g, analytic %.6g", i, j, numeric, analytic);
        }
}

/* cost times the mean s over layers and inputs, also where a batch is worked through in parts. */
static void the_price_is_of_the_mean_budget(void **state) {
    struct fixture *f = *state;
    struct policy_step step;
    double sum = 0;
    inference_run(f->inference, &f->data.batch, NULL, NULL);
    for (int l = 0; l < LAYERS; l++)
        for (int b = 0; b < SMALL_SAMPLES; b++)
            sum += (double)inference_decisions(f->inference, l)[b];
    loss_of(f, &step);
    assert_true(fabs(step.regulariser - 0.5 * sum / (LAYERS * SMALL_SAMPLES)) < 1e-5);
    for (int part = 0; part < 2; part++) { /* as the engine hands over a chunk: 2 of 5 rows */
        enum { ROWS = 2 };
        float x[ROWS * DIM] = {0}, saved[ROWS], a[ROWS * HEADS];
        struct policy_step of_five = {.n_samples = SMALL_SAMPLES};
        struct gate_call call = {.config = &f->config,
                                 .heads = HEADS,
                                 .rows = ROWS,
                                 .n_samples = ROWS,
                                 .x = x,
                                 .param = f->p->layer[part].policy,
                                 .saved = saved,
                                 .step = &of_five};
        f->config.policy->gates_train(&call, a);
        double s = 1 / (1 + exp(-1)), share = (double)ROWS / SMALL_SAMPLES / LAYERS;
        assert_true(fabs(of_five.regulariser - 0.5 * share * s) < 1e-6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_input_runs_what_its_budget_says),
        cmocka_unit_test(the_gate_books_its_closed_form),
        cmocka_unit_test(gradients_are_those_of_finite_differences),
        cmocka_unit_test(the_price_is_of_the_mean_budget),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
