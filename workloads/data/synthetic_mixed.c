/*
 * mixed: offsets with a known difficulty per input. g of the G pair types, g uniform in 1..G and
 * the set uniform too, are active and decide the label as in offsets. The others are inert: their
 * tokens are of another kind (a'_j, b'_j) and stand at a random distance, right or wrong. Every
 * input thus holds 2G pair tokens, and within each g the two labels have the same tokens with the
 * same probability; the tokens tell how many relations count, never whether they hold.
 *
 * Tokens: a_j, b_j, a'_j, b'_j in four blocks of G, then `fillers` fillers. Difficulty: g.
 */
#include "workloads/data/synthetic_generator.h"
#include "workloads/data/synthetic_offsets.h"

static int n_classes(const struct data_config *config) {
    (void)config;
    return 2;
}

static int vocab(const struct data_config *config) {
    return 4 * config->relations + config->fillers;
}

static int make(const struct data_config *config, struct draw *draw, int index, int32_t *tokens,
                int *label) {
    const int g = config->relations;
    const int active = 1 + index / 2 % g; /* every g as often with either label */
    struct offset_pair pairs[RELATIONS_MAX];
    int order[RELATIONS_MAX]; /* a random permutation; its first `active` types are active */
    draw_permutation(draw, order, g);
    *label = index % 2;
    for (int rank = 0; rank < g; rank++) {
        int j = order[rank], kind = rank < active ? 0 : 2 * g, distance = j;
        if (rank >= active) distance = draw_below(draw, g);
        if (rank == 0 && *label == 0) distance = draw_other(draw, g, j);
        pairs[j] = (struct offset_pair){kind + j, kind + g + j, distance + 1};
    }
    offsets_place(config, pairs, g, 4 * g, draw, tokens);
    return active;
}

const struct generator generator_mixed = {offsets_check, n_classes, vocab, make};
