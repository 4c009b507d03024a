/*
 * Removing heads for good: the pruned model computes what the full model computes with those heads
 * gated, also where a layer loses its attention, and the heads that stay are bit for bit the ones
 * that were there.
 */
#include "tests/models/small_model.h"
#include "models/inference.h"
#include "models/model_json.h"
#include "models/pruning.h"

#include <math.h>
#include <stdlib.h>

enum { LAYERS = 3, DIM = 16, HEADS = 4 };

/* A policy that runs the gates it is given: one [H] tensor per layer. */
static int own_tensors(const struct model_config *config, int layer, struct policy_tensor *out) {
    out[0] = (struct policy_tensor){
        "gates", 1, 1, config->heads.value[layer], 0, 1, .decay = false, .learning_rate = 0.5f};
    return 1;
}

static void own_train(const struct gate_call *call, float *a) {
    for (int r = 0; r < call->rows; r++)
        memcpy(a + r * call->heads, call->param[0], (size_t)call->heads * sizeof *a);
}

static const struct policy_ops given_gates = {
    .name = "given gates (test)",
    .options = {"test", NULL, 0},
    .unit = GATE_PER_SAMPLE,
    .tensors = own_tensors,
    .gates_train = own_train,
    .decide = own_train,
};

static struct parameters *full_model(const struct policy_ops *policy, const char *options) {
    struct model_config config = small_pairs(small_config(policy, options, LAYERS, DIM, HEADS));
    return small_parameters(&config, 5);
}

static void run(const struct parameters *p, const struct small_batch *data, float *logits) {
    struct inference *inf = NULL;
    struct error error;
    assert_true(inference_new(p, &small_limits, &inf, &error));
    inference_run(inf, &data->batch, NULL, NULL);
    memcpy(logits, inference_logits(inf), SMALL_SAMPLES * SMALL_CLASSES * sizeof *logits);
    inference_free(inf);
}

/* Gates of zero, of one and between; a layer without heads first, last and twice in a row. */
static const float gate_cases[][LAYERS][HEADS] = {
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}},
    {{0, 1, 0, 1}, {1, 0, 0, 0}, {0, 1, 1, 1}},
    {{0, 0.3f, 0, 1}, {0.7f, 0.1f, 1, 1}, {1, 0, 0.5f, 0}},
    {{0, 0, 0, 0}, {1, 0, 0, 1}, {0, 0, 1, 0}},
    {{1, 0, 0, 1}, {0, 0, 0, 0}, {1, 1, 0, 0}},
    {{0, 0, 1, 1}, {0, 0, 0, 0}, {0, 0, 0, 0}},
    {{0, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 0, 0}},
};
enum { CASES = sizeof gate_cases / sizeof *gate_cases };

static struct head_gates gates_of(int i) {
    struct head_gates gates = {0};
    for (int l = 0; l < LAYERS; l++)
        memcpy(gates.value[l], gate_cases[i][l], sizeof gate_cases[i][l]);
    return gates;
}

static void pruned_model_computes_what_the_gated_one_does(void **state) {
    (void)state;
    struct small_batch data;
    small_batch_fill(&data, 2);
    for (int i = 0; i < CASES; i++) {
        struct parameters *full = full_model(&given_gates, "{}"), *pruned = NULL;
        struct head_gates gates = gates_of(i);
        struct error error;
        float gated[SMALL_SAMPLES * SMALL_CLASSES], logits[SMALL_SAMPLES * SMALL_CLASSES];
        int total = 0;
        for (int l = 0; l < LAYERS; l++)
            memcpy(full->layer[l].policy[0], gates.value[l], HEADS * sizeof(float));
        if (!prune_heads(full, &gates, "pruned", &pruned, &error)) fail_msg("%s", error.text);
        assert_string_equal(pruned->config.policy->name, "fixed");
        for (int l = 0; l < LAYERS; l++) {
            int kept = 0;
            for (int h = 0; h < HEADS; h++) kept += gates.value[l][h] != 0;
            assert_int_equal(pruned->config.heads.value[l], kept);
            assert_int_equal(head_gates_kept(&full->config, &gates, l), kept);
            total += kept;
        }
        assert_int_equal(head_gates_total(&full->config, &gates), total);
        run(full, &data, gated);
        run(pruned, &data, logits);
        for (int j = 0; j < SMALL_SAMPLES * SMALL_CLASSES; j++)
            if (!(fabsf(logits[j] - gated[j]) < 2e-5f * (1 + fabsf(gated[j]))))
                fail_msg("case %d, logit %d: %.7g pruned, %.7g gated", i, j, (double)logits[j],
                         (double)gated[j]);
        parameters_free(full);
        parameters_free(pruned);
    }
}

/* Fewer numbers, and the configuration is the one a user would write: it survives a checkpoint. */
static void pruned_model_is_a_plain_smaller_one(void **state) {
    (void)state;
    struct parameters *full = full_model(policy_find("fixed"), "{\"heads\":4}"), *pruned = NULL;
    struct model_config fixed =
        small_pairs(small_config(policy_find("fixed"), "{\"heads\":[2,1,3]}", LAYERS, DIM, HEADS));
    struct head_gates gates = gates_of(1);
    struct text json = {0}, expected = {0};
    struct error error;
    assert_true(prune_heads(full, &gates, "pruned", &pruned, &error));
    model_write_json(&pruned->config, &json);
    model_write_json(&fixed, &expected);
    assert_string_equal(json.data, expected.data);
    int head = 4 * DIM / HEADS * DIM + 3 * DIM / HEADS; /* slab, its biases, block of W_O */
    assert_int_equal(parameters_count(full) - parameters_count(pruned), 6 * head);
    size_t d = DIM / HEADS, slab = 3 * d * DIM, block = d * DIM; /* layer 0 keeps heads 1 and 3 */
    for (size_t i = 0; i < 2; i++) {
        size_t h = 2 * i + 1;
        assert_memory_equal(pruned->layer[0].qkv_weight + i * slab,
                            full->layer[0].qkv_weight + h * slab, slab * sizeof(float));
        assert_memory_equal(pruned->layer[0].o_weight + i * block,
                            full->layer[0].o_weight + h * block, block * sizeof(float));
    }
    text_free(&json);
    text_free(&expected);
    parameters_free(full);
    parameters_free(pruned);
}

static void best_heads_of_the_whole_net_stay(void **state) {
    (void)state;
    static const double scores[LAYERS][HEADS] = {
        {0.1, 5, 0.2, 5}, {-1, -2, 7, -1}, {5, 0.3, 0.15, -3}};
    /* In order of rank; equal scores by layer, then head. */
    static const int order[LAYERS * HEADS] = {6, 1, 3, 8, 9, 2, 10, 0, 4, 7, 5, 11};
    struct model_config config =
        small_config(policy_find("fixed"), "{\"heads\":4}", LAYERS, DIM, HEADS);
    struct head_scores all = {0};
    struct head_gates gates;
    for (int l = 0; l < LAYERS; l++) memcpy(all.value[l], scores[l], sizeof scores[l]);
    for (int total = 0; total <= LAYERS * HEADS; total++) {
        head_gates_top(&config, &all, total, &gates);
        assert_int_equal(head_gates_total(&config, &gates), total);
        for (int i = 0; i < LAYERS * HEADS; i++)
            assert_true(gates.value[order[i] / HEADS][order[i] % HEADS] == (i < total));
    }
    head_gates_top(&config, &all, 100, &gates);
    assert_int_equal(head_gates_total(&config, &gates), LAYERS * HEADS);
}

/* A base's weights under a policy: what both have is copied, what only the policy has stays. */
static void base_weights_are_copied_by_name(void **state) {
    (void)state;
    struct parameters *base = full_model(policy_find("fixed"), "{\"heads\":4}");
    struct parameters *to = full_model(&given_gates, "{}");
    float *own = to->layer[1].policy[0];
    struct error error = {{0}, {{0}, 0, 0}};
    memset(to->token, 0, sizeof(float));
    own[2] = 42;
    assert_true(parameters_copy(base, to, &error));
    size_t slabs = 3 * DIM * DIM * sizeof(float);
    assert_memory_equal(to->token, base->token, SMALL_VOCAB * DIM * sizeof(float));
    assert_memory_equal(to->layer[2].qkv_weight, base->layer[2].qkv_weight, slabs);
    assert_memory_equal(to->classifier_bias, base->classifier_bias, SMALL_CLASSES * sizeof(float));
    assert_true(own[2] == 42);
    int rates = 0; /* and the declared peak rate is the tensor's */
    for (int i = 0; i < to->n_tensors; i++) rates += to->tensors[i].learning_rate == 0.5f;
    assert_int_equal(rates, LAYERS);
    struct parameters *narrow = full_model(policy_find("fixed"), "{\"heads\":[4,2,4]}");
    assert_false(parameters_copy(base, narrow, &error));
    assert_non_null(strstr(error.text, "layers.1.attn.qkv.weight"));
    assert_false(parameters_copy(to, base, &error));
    assert_non_null(strstr(error.text, "layers.0.policy.gates"));
    parameters_free(base);
    parameters_free(to);
    parameters_free(narrow);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pruned_model_computes_what_the_gated_one_does),
        cmocka_unit_test(pruned_model_is_a_plain_smaller_one),
        cmocka_unit_test(best_heads_of_the_whole_net_stay),
        cmocka_unit_test(base_weights_are_copied_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
