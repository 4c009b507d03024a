/*
 * Random heads: every input runs a uniformly random set of k heads in each layer, in training and
 * at inference. The same compute as a budget of k without any choice: what a gate must beat. At
 * inference the set is a function of the trial's seed, the input's index and the layer, so it does
 * not depend on the batch an input happens to be in.
 */
#include "models/policy.h"

struct random_options {
    int heads;
};

static const struct option rows[] = {
    {"heads", OPTION_INT, offsetof(struct random_options, heads), NULL, 1, OPTION_LIST_MAX, NULL,
     "heads k that each input runs in each layer"},
};

static bool shape(struct model_config *config, struct error *error) {
    const struct random_options *options = (const void *)config->policy_options;
    if (options->heads <= config->base_heads) return true;
    return error_set(error, "heads asks for %d of the model's %d heads", options->heads,
                     config->base_heads);
}

/* a[heads] = 1 on a random set of k: the first k steps of a Fisher-Yates shuffle. */
static void draw_set(const struct rng *rng, uint64_t high, uint64_t input, int heads, int k,
                     float *a) {
    int order[OPTION_LIST_MAX] = {0};
    for (int h = 0; h < heads; h++) {
        order[h] = h;
        a[h] = 0.0f;
    }
    for (int i = 0; i < k; i++) {
        int j = i + (int)rng_below(rng, high, input * OPTION_LIST_MAX + (uint64_t)i,
                                   (uint32_t)(heads - i));
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
        a[order[i]] = 1.0f;
    }
}

static void draw_sets(const struct gate_call *call, const struct rng *rng, uint64_t step,
                      float *a) {
    const struct random_options *options = (const void *)call->config->policy_options;
    for (int r = 0; r < call->rows; r++)
        draw_set(rng, step * MODEL_LAYERS_MAX + (uint64_t)call->layer, (uint64_t)call->ids[r],
                 call->heads, options->heads, a + (size_t)r * (size_t)call->heads);
}

static void gates_train(const struct gate_call *call, float *a) {
    draw_sets(call, &call->step->noise, call->step->step, a);
}

static void decide(const struct gate_call *call, float *decision) {
    struct rng rng = rng_stream(call->seed, RNG_CONTROL);
    draw_sets(call, &rng, 0, decision);
}

const struct policy_ops policy_random = {
    .name = "random",
    .summary = "a random set of k heads per input and layer, in training and at inference",
    .options = {"arm (policy random)", rows, sizeof rows / sizeof *rows},
    .unit = GATE_PER_SAMPLE,
    .shape = shape,
    .gates_train = gates_train,
    .decide = decide,
};
