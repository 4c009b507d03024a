/*
 * What a training says of its best weights as they were trained, beside what is deployed of them:
 * for which methods, on which evaluation, and how far the two are apart.
 */
#include "tests/harness/trial/small_trial.h"

#include <math.h>

/* Only where gates are learned and decide at test. Equal to what is deployed, but for two logits
 * that are equal to rounding, where gates are consistent; the paper-like variant loses some. */
static void adaptive_methods_say_what_they_are_as_trained(void **state) {
    (void)state;
    static const struct {
        const char *arm;
        bool adaptive, scored;
        int loses; /* inputs that deployment gets wrong and training did not: about 0, or many */
        const char *epochs;
    } cases[] = {{"policy: budgetformer, cost: 0.1", true, true, 0, "6"},
                 {"policy: moh, shared: 1, routed: 1", true, true, 0, "6"},
                 {"policy: moh-pool, shared: 1, routed: 1", true, true, 0, "6"},
                 {"policy: budgetformer-paper, entropy_end: 0, cost: 0.3", true, true, 20, "6"},
                 {"policy: budgetformer, scores: random, cost: 0.1", true, false, -1, "1"},
                 {"policy: drophead, p: 0.2", false, false, -1, "1"},
                 {"policy: random, heads: 2", false, false, -1, "1"},
                 {"policy: fixed, heads: 4", false, false, -1, "1"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct small_trial_text text = small_gated_topic;
        struct small_trial t;
        char train[128];
        text.data = "source: offsets, relations: 2, length: 8, fillers: 4, n_train: 2000, "
                    "n_test: 400";
        text.model = "layers: 1, dim: 32, heads: 4, ffn: 32, dropout: 0.05, embedding_std: 0.5";
        snprintf(train, sizeof train, "epochs: %s, batch: 16, learning_rate: 5e-3, eval_batch: 40",
                 cases[i].epochs);
        text.train = train;
        text.arm = cases[i].arm;
        small_trial_run(&t, &text);
        const struct evaluation_result *e = find_evaluation(&t.result, "best", "test", "none");
        print_message("%s: %.3f deployed, %.3f as trained\n", cases[i].arm, e->accuracy,
                      e->trained_accuracy);
        assert_true(isnan(e->trained_accuracy) == !cases[i].adaptive);
        assert_true(isnan(e->score_entropy) == !cases[i].scored);
        assert_true(isnan(t.result.epochs[0].train_score_entropy) == !cases[i].scored);
        if (cases[i].scored) assert_true(e->score_entropy > 0.01 && e->score_entropy < 1);
        double lost = (e->trained_accuracy - e->accuracy) * e->n;
        if (cases[i].loses >= 0)
            assert_true(cases[i].loses > 0 ? lost > cases[i].loses : fabs(lost) < 1.5);
        for (int k = 0; k < t.result.n_evaluations; k++)
            if (&t.result.evaluations[k] != e)
                assert_true(isnan(t.result.evaluations[k].trained_accuracy));
        small_trial_free(&t);
    }
}

/* The weights stay as they were drawn, so that nothing but the temperature tells two trials apart:
 * one that has fallen to 0.2 at the end from one that always was. In the latter the training set
 * has the entropy of the test set. */
static void the_entropy_is_of_the_scores_at_the_last_temperature(void **state) {
    (void)state;
    static const char *const arms[] = {
        "policy: budgetformer, initial_budget: 0.3, tau_start: 20, tau_end: 0.2",
        "policy: budgetformer, initial_budget: 0.3, tau_start: 0.2, tau_end: 0.2"};
    double entropy[2], trained[2], mean_s = 0;
    for (int i = 0; i < 2; i++) {
        struct small_trial_text text = small_gated_topic;
        struct small_trial t;
        text.train = "epochs: 1, batch: 16, learning_rate: 1e-9, eval_batch: 40";
        text.arm = arms[i];
        small_trial_run(&t, &text);
        entropy[i] = find_evaluation(&t.result, "best", "test", "none")->score_entropy;
        trained[i] = t.result.epochs[0].train_score_entropy;
        mean_s = t.result.epochs[0].train_mean_s;
        small_trial_free(&t);
    }
    assert_true(fabs(entropy[0] - entropy[1]) < 1e-4);
    assert_true(trained[0] > trained[1] + 0.05); /* hotter than it ends */
    assert_true(fabs(trained[1] - entropy[1]) < 0.05 && fabs(mean_s - entropy[1]) > 0.1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adaptive_methods_say_what_they_are_as_trained),
        cmocka_unit_test(the_entropy_is_of_the_scores_at_the_last_temperature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
