/*
 * All heads, but another size of model (ours): the one whose dense FLOPs are, over inputs of the
 * base's lengths, what the finished base executes, gate included. Asks whether the same saving is
 * better made somewhere else than in the heads. What gives way is the FFN width; where not even one
 * hidden unit is few enough, the width `dim` of the residual stream, heads and their dimension
 * being as they are. `layers` keeps as many layers as the base's FLOPs pay for, at least one. After
 * either the FFN takes what a whole number of them leaves over.
 *
 * The comparison is about equal cost, so a size that is more than 2% off is refused, by name.
 */
#include "models/flops.h"
#include "models/policy.h"

#include <math.h>

enum { BY_FFN, BY_DIM, BY_LAYERS };

struct flop_matched_options {
    int by;
};

static const struct option rows[] = {
    {"by", OPTION_CHOICE, offsetof(struct flop_matched_options, by), "ffn", 0, 0, "ffn|dim|layers",
     "what gives way until FLOPs match to 2%; ffn: or dim if the FFN is too small for that"},
};

static const double tolerance = 0.02;

static double flops_at(const struct model_config *config, int length) {
    struct flops flops = flops_dense(config, length);
    return (double)flops_total(&flops);
}

/* Mean dense FLOPs over the base's inputs, against what the base executes: 0 is equal. The cost of
 * an input is a quadratic in its length, so two moments of the lengths say it exactly. */
static double miss(const struct model_config *config, const struct base_budget *base) {
    double none = flops_at(config, 0), one = flops_at(config, 1), two = flops_at(config, 2);
    double pairs = base->mean_square_length - base->mean_length; /* n (n - 1) */
    double mean = none + (one - none) * base->mean_length + (two - 2 * one + none) * pairs / 2;
    return mean / base->flops_per_input - 1.0;
}

/* Sets `size`, the FFN width or dim of `config`, in both of which the FLOPs are a line, to the
 * nearest whole number. */
static void fit(struct model_config *config, int *size, const struct base_budget *base) {
    *size = 1;
    double one = miss(config, base);
    *size = 2;
    double wanted = 1.0 - one / (miss(config, base) - one);
    *size = (int)fmax(round(wanted), 1.0);
}

static void fit_ffn(struct model_config *config, const struct base_budget *base) {
    fit(config, &config->ffn, base);
}

/* Initial weights follow the width, unless the workload says how large they are. */
static void fit_dim(struct model_config *config, const struct base_budget *base) {
    double usual = 1.0 / sqrt(config->dim);
    fit(config, &config->dim, base);
    double own = 1.0 / sqrt(config->dim);
    if (config->init_std == usual) config->init_std = own;
    if (config->embedding_std == usual) config->embedding_std = own;
    fit_ffn(config, base);
}

static void fit_layers(struct model_config *config, const struct base_budget *base) {
    while (config->layers > 1 && miss(config, base) > 0.0) config->layers--;
    config->heads.n = config->layers;
    fit_ffn(config, base);
}

static void fit_ffn_or_dim(struct model_config *config, const struct base_budget *base) {
    struct model_config full = *config;
    fit_ffn(config, base);
    if (fabs(miss(config, base)) <= tolerance) return;
    *config = full;
    fit_dim(config, base);
}

static bool shape_like(struct model_config *config, const struct base_budget *base,
                       struct error *error) {
    static void (*const fits[])(struct model_config *, const struct base_budget *) = {
        [BY_FFN] = fit_ffn_or_dim, [BY_DIM] = fit_dim, [BY_LAYERS] = fit_layers};
    const struct flop_matched_options *options = (const void *)config->policy_options;
    if (config->layers == 0)
        return error_set(error, "a model without layers has nothing to make smaller");
    fits[options->by](config, base);
    double off = miss(config, base);
    if (fabs(off) <= tolerance) return true;
    return error_set(error,
                     "no model of this kind costs what the base executes, %.0f FLOPs per input: "
                     "the nearest (layers %d, dim %d, ffn %d) costs %.1f%% %s; choose another "
                     "'by', or a base that saves less",
                     base->flops_per_input, config->layers, config->dim, config->ffn,
                     100.0 * fabs(off), off > 0.0 ? "more" : "less");
}

const struct policy_ops policy_flop_matched = {
    .name = "flop-matched",
    .summary = "all heads in a model of another size that costs, to 2%, what the base executes",
    .options = {"arm (policy flop-matched)", rows, sizeof rows / sizeof *rows},
    .base = BASE_BUDGET,
    .shape_like = shape_like,
};
