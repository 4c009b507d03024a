/*
 * The trainer's forward pass against inference, two programs for one model. Where the gates at the
 * end of training are those that are deployed, both must get the same inputs right; where they are
 * not, as in the paper-like variant, the difference must show, or "as trained" says nothing.
 */
#include "models/inference.h"
#include "models/policy.h"
#include "tests/models/small_model.h"

#include <math.h>

/* What both passes make of random models and batches. */
struct tally {
    int inputs, trained, deployed; /* inputs, and how many each gets right */
    int differ;                    /* models whose numbers are not the same */
    double entropy;                /* mean over the batches */
};

static int deployed_correct(const struct parameters *p, const struct batch *batch) {
    struct inference *inf = NULL;
    struct error error;
    int correct = 0;
    assert_true(inference_new(p, &small_limits, &inf, &error));
    inference_run(inf, batch, NULL, NULL);
    for (int b = 0; b < SMALL_SAMPLES; b++) {
        const float *logits = inference_logits(inf) + b * SMALL_CLASSES;
        int best = 0;
        for (int c = 1; c < SMALL_CLASSES; c++)
            if (logits[c] > logits[best]) best = c;
        correct += best == batch->labels[b];
    }
    inference_free(inf);
    return correct;
}

static struct tally compare(const char *policy, const char *options, double progress) {
    enum { MODELS = 40 };
    struct tally tally = {0};
    struct model_config config = small_config(policy_find(policy), options, 2, 16, 8);
    config.dropout = 0.5; /* of which neither pass may see anything */
    for (uint64_t seed = 1; seed <= MODELS; seed++) {
        struct parameters *p = small_parameters(&config, seed);
        struct trainer *trainer = NULL;
        struct small_batch data;
        struct error error;
        struct policy_step step = {.progress = progress, .noise = rng_stream(3, RNG_NOISE)};
        small_batch_fill(&data, seed);
        assert_true(trainer_new(p, &small_limits, 1, &trainer, &error));
        int trained = trainer_correct(trainer, &data.batch, &step);
        int deployed = deployed_correct(p, &data.batch);
        tally.inputs += SMALL_SAMPLES;
        tally.trained += trained;
        tally.deployed += deployed;
        tally.differ += trained != deployed;
        tally.entropy += step.n_entropy ? step.sum_entropy / (double)step.n_entropy / MODELS : NAN;
        trainer_free(trainer);
        parameters_free(p);
    }
    assert_true(tally.deployed > 0 && tally.deployed < tally.inputs);
    return tally;
}

static void consistent_methods_deploy_what_was_trained(void **state) {
    (void)state;
    static const struct {
        const char *policy, *options;
        bool has_entropy; /* it sums that of its scores (policy_step) */
    } cases[] = {{"fixed", "{\"heads\":3}", false},
                 {"moh", "{\"shared\":2,\"routed\":3}", true},
                 {"moh-pool", "{\"shared\":1,\"routed\":2}", true},
                 {"budgetformer", "{\"initial_budget\":0.4}", true},
                 {"budgetformer", "{\"initial_budget\":0.4,\"hard_from\":1}", true},
                 {"budgetformer", "{\"estimator\":\"gumbel\",\"initial_budget\":0.6}", true},
                 {"budgetformer", "{\"global_budget\":true,\"initial_budget\":0.3}", true},
                 {"budgetformer", "{\"budget\":0.5,\"cost\":0}", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tally t = compare(cases[i].policy, cases[i].options, 1.0);
        print_message("%s %s: %d trained, %d deployed\n", cases[i].policy, cases[i].options,
                      t.trained, t.deployed);
        assert_true(t.differ <= 1); /* two logits may be equal but for rounding */
        if (cases[i].has_entropy)
            assert_true(t.entropy > 0.01 && t.entropy < 0.99);
        else
            assert_true(isnan(t.entropy));
    }
}

/* The same variant before its mask is hard, the paper-like one to its end, and scores that are
 * thrown away at test: each deploys something else. */
static void other_gates_than_those_of_training_show(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"budgetformer", "{\"initial_budget\":0.4}"},
                                           {"budgetformer-paper", "{\"initial_budget\":0.4}"},
                                           {"budgetformer", "{\"scores\":\"random-at-test\"}"}};
    static const double progress[] = {0.5, 1, 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(compare(cases[i][0], cases[i][1], progress[i]).differ > 5);
}

static void drawn_scores_have_no_entropy(void **state) {
    (void)state;
    struct tally t = compare("budgetformer", "{\"scores\":\"random\"}", 1.0);
    assert_true(isnan(t.entropy));
}

static void count(void *context, enum phase phase) {
    (void)phase;
    ++*(int *)context;
}

/* It leaves nothing behind: dropout is back, the step repeats bit by bit, and who listens to the
 * phases of training has heard of one forward pass each time, not of two. */
static void training_goes_on_as_if_nobody_had_asked(void **state) {
    (void)state;
    struct model_config config = small_config(policy_find("budgetformer"), "{}", 2, 16, 8);
    config.dropout = 0.5;
    struct parameters *p = small_parameters(&config, 1);
    struct trainer *trainer = NULL;
    struct small_batch data;
    struct error error;
    double loss[3];
    int heard = 0;
    struct phases phases = {count, &heard};
    small_batch_fill(&data, 1);
    assert_true(trainer_new(p, &small_limits, 1, &trainer, &error));
    trainer_set_phases(trainer, &phases);
    for (int i = 0; i < 3; i++) {
        struct policy_step step = {
            .progress = 0.3, .step = i == 2 ? 8 : 7, .noise = rng_stream(3, RNG_NOISE)};
        loss[i] = trainer_loss(trainer, &data.batch, &step);
        assert_int_equal(heard, i + 1);
        trainer_correct(trainer, &data.batch, &step);
        assert_int_equal(heard, i + 1);
    }
    assert_true(loss[0] == loss[1] && loss[0] != loss[2]);
    trainer_free(trainer);
    parameters_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consistent_methods_deploy_what_was_trained),
        cmocka_unit_test(other_gates_than_those_of_training_show),
        cmocka_unit_test(drawn_scores_have_no_entropy),
        cmocka_unit_test(training_goes_on_as_if_nobody_had_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
