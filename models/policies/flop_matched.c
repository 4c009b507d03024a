/*
 * All heads, but a smaller model (ours): the FFN width, or the number of layers, at which the dense
 * FLOPs of an input of the base's mean length come closest to what the finished base executes, gate
 * included. Asks whether the same saving is better made somewhere else than in the heads. At least
 * one hidden unit and one layer remain: a base that saves more than the FFN costs has no equal
 * here, and the executed FLOPs in the results say how close this came.
 */
#include "models/flops.h"
#include "models/policy.h"

#include <math.h>

enum { BY_FFN, BY_LAYERS };

struct flop_matched_options {
    int by;
};

static const struct option rows[] = {
    {"by", OPTION_CHOICE, offsetof(struct flop_matched_options, by), "ffn", 0, 0, "ffn|layers",
     "what is made smaller until the FLOPs match"},
};

/* Dense FLOPs of one input of `length` tokens, a mean and so no whole number: between its
 * neighbours the cost, a quadratic with a small square term, is all but a line. */
static double flops_at(const struct model_config *config, double length) {
    int below = (int)floor(length);
    struct flops a = flops_dense(config, below), b = flops_dense(config, below + 1);
    return (double)flops_total(&a) +
           (length - below) * ((double)flops_total(&b) - (double)flops_total(&a));
}

static bool shape_like(struct model_config *config, const struct base_budget *base,
                       struct error *error) {
    const struct flop_matched_options *options = (const void *)config->policy_options;
    int *size = options->by == BY_FFN ? &config->ffn : &config->layers, best = *size;
    double least = HUGE_VAL;
    if (config->layers == 0)
        return error_set(error, "a model without layers has nothing to make smaller");
    for (int most = *size, i = 1; i <= most; i++) {
        *size = i;
        double away = fabs(flops_at(config, base->mean_length) - base->flops_per_input);
        if (away >= least) continue;
        least = away;
        best = i;
    }
    *size = best;
    config->heads.n = config->layers;
    return true;
}

const struct policy_ops policy_flop_matched = {
    .name = "flop-matched",
    .summary = "all heads in a smaller model that costs what the finished base executes",
    .options = {"arm (policy flop-matched)", rows, sizeof rows / sizeof *rows},
    .base = BASE_BUDGET,
    .shape_like = shape_like,
};
