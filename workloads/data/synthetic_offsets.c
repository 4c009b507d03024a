/*
 * offsets: the positive control. Each of G = `relations` pair types (a_j, b_j) occurs once; b_j
 * belongs j places after a_j. Label 1: every pair stands at its own distance. Label 0: exactly one,
 * j, stands at another pair's distance i. Fillers elsewhere. Every input holds every a_j and b_j
 * once, so a bag of words is at chance; a head can compare positions at one distance, so several
 * are needed.
 *
 * Distances are taken on a ring: position 0 follows the last. On a line the wrong distance shows
 * without its partner (b_6 at position 2 can only be wrong): a logistic regression on (token,
 * position) reached .79 there, and a pilot's single head .93. On the ring every token's position is
 * uniform in both classes, by symmetry, and the regression is at chance (.51).
 *
 * Tokens: a_j = j - 1, b_j = G + j - 1, then `fillers` fillers. Difficulty: G.
 */
#include "workloads/data/synthetic_offsets.h"
#include "workloads/data/synthetic_generator.h"

bool offsets_check(const struct data_config *config, struct error *error) {
    int g = config->relations;
    if (g < 2)
        return error_set(error, "data.relations is %d; offsets and mixed need at least 2", g);
    if (config->length < 3 * g)
        return error_set(error, "data.length is %d; %d relations need at least %d", config->length,
                         g, 3 * g);
    return true;
}

void offsets_place(const struct data_config *config, const struct offset_pair *pairs, int n_pairs,
                   int first_filler, struct draw *draw, int32_t *tokens) {
    const int length = config->length;
    /* Rejection of whole placements keeps them uniform; filling gaps one pair at a time would not.
     * With length >= 3G it always ends: one in 20 is accepted at G=6, length 24; one in 1400 at
     * G=8, length 24, the densest that is allowed. */
    for (int placed = 0; placed < n_pairs;) {
        for (int i = 0; i < length; i++) tokens[i] = -1;
        for (placed = 0; placed < n_pairs; placed++) {
            int first = draw_below(draw, length);
            int second = (first + pairs[placed].distance) % length;
            if (tokens[first] >= 0 || tokens[second] >= 0) break;
            tokens[first] = pairs[placed].first;
            tokens[second] = pairs[placed].second;
        }
    }
    for (int i = 0; i < length; i++)
        if (tokens[i] < 0) tokens[i] = first_filler + draw_below(draw, config->fillers);
}

static int n_classes(const struct data_config *config) {
    (void)config;
    return 2;
}

static int vocab(const struct data_config *config) {
    return 2 * config->relations + config->fillers;
}

static int make(const struct data_config *config, struct draw *draw, int index, int32_t *tokens,
                int *label) {
    const int g = config->relations;
    struct offset_pair pairs[RELATIONS_MAX];
    for (int j = 0; j < g; j++)
        pairs[j] = (struct offset_pair){.first = j, .second = g + j, .distance = j + 1};
    *label = index % 2;
    if (*label == 0) {
        int wrong = draw_below(draw, g);
        pairs[wrong].distance = draw_other(draw, g, wrong) + 1;
    }
    offsets_place(config, pairs, g, 2 * g, draw, tokens);
    return g;
}

const struct generator generator_offsets = {offsets_check, n_classes, vocab, make};
