/*
 * DropHead (Zhou et al. 2020, arXiv 2004.13342): in training every head of every layer is dropped
 * with probability p for a whole sample, and those kept are scaled by H over their number; a draw
 * that would drop all heads is repeated. At inference all heads run and nothing is asked or
 * charged. It saves nothing: it tells whether a method's gain is only the noise it puts on heads.
 *
 * That the rate follows a schedule is in the paper's abstract; its text was not available to us.
 * The shape, a V, is that of public code which implements the schedule (FrancescoGentile/MS-STED):
 * the rate falls linearly to 0 and rises linearly again. Where it turns, and how high it rises, are
 * options there; the middle as default, and one p for both ends, are ours.
 */
#include "models/policy.h"

enum { SCHEDULE_V, SCHEDULE_CONSTANT };

struct drophead_options {
    double p;
    int schedule;
    double turn;
};

#define FIELD(name) offsetof(struct drophead_options, name)

static const struct option rows[] = {
    {"p", OPTION_FLOAT, FIELD(p), "0.1", 0, 0.9, NULL,
     "probability that a head is dropped, per sample and layer, in training; of v at both ends"},
    {"schedule", OPTION_CHOICE, FIELD(schedule), "v", 0, 0, "v|constant",
     "v: falls linearly to 0 at turn and rises again to p"},
    {"turn", OPTION_FLOAT, FIELD(turn), "0.5", 0.01, 0.99, NULL,
     "share of steps at which the rate of v is 0"},
};

static double rate(const struct drophead_options *o, double progress) {
    if (o->schedule == SCHEDULE_CONSTANT) return o->p;
    return o->p *
           (progress < o->turn ? 1.0 - progress / o->turn : (progress - o->turn) / (1.0 - o->turn));
}

/* One sample's keep mask, scaled; `input` and `high` key the draw. */
static void draw_gates(const struct rng *rng, uint64_t high, uint64_t input, double p, int heads,
                       float *a) {
    int kept = 0;
    for (uint64_t attempt = 0; kept == 0; attempt++)
        for (int h = 0; h < heads; h++) {
            uint64_t low = (input << 32) + attempt * OPTION_LIST_MAX + (uint64_t)h;
            a[h] = rng_uniform(rng, high, low) >= p ? 1.0f : 0.0f;
            kept += a[h] != 0.0f;
        }
    for (int h = 0; h < heads; h++) a[h] *= (float)heads / (float)kept;
}

static void gates_train(const struct gate_call *call, float *a) {
    const struct drophead_options *options = (const void *)call->config->policy_options;
    uint64_t high = call->step->step * MODEL_LAYERS_MAX + (uint64_t)call->layer;
    double p = rate(options, call->step->progress);
    for (int r = 0; r < call->rows; r++)
        draw_gates(&call->step->noise, high, (uint64_t)call->ids[r], p, call->heads,
                   a + (size_t)r * (size_t)call->heads);
}

/* All gates are 1 at inference, which runs all heads as one wide product. */
static void decide(const struct gate_call *call, float *a) {
    for (int i = 0; i < call->rows * call->heads; i++) a[i] = 1.0f;
}

const struct policy_ops policy_drophead = {
    .name = "drophead",
    .summary =
        "heads dropped at random in training, at a rate that falls and rises; all run at inference",
    .options = {"arm (policy drophead)", rows, sizeof rows / sizeof *rows},
    .unit = GATE_PER_SAMPLE,
    .gates_train = gates_train,
    .decide = decide,
};
