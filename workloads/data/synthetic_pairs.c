/*
 * pairs: are two marked values equal, for G = `relations` markers at once? Marker m_r occurs twice,
 * each time with a value right after it; fillers stand between. G different values are drawn. Label
 * 1: both values of every marker are equal. Label 0: two markers have exchanged their second
 * values. Either way each value and each marker occurs exactly twice, so a bag of words is at
 * chance; so is every token's position, as the 2G units are shuffled among the fillers without
 * regard to label. A model has to bind value to marker (one layer) and then compare across markers
 * (a second one).
 *
 * Tokens: m_r = r, value v = G + v, then `fillers` fillers. Difficulty: G.
 */
#include "workloads/data/synthetic_generator.h"

static bool check(const struct data_config *config, struct error *error) {
    int g = config->relations;
    if (g < 2) return error_set(error, "data.relations is %d; pairs needs at least 2", g);
    if (config->values < g)
        return error_set(error, "data.values is %d; %d relations need as many values",
                         config->values, g);
    if (config->length < 4 * g)
        return error_set(error, "data.length is %d; %d relations need at least %d", config->length,
                         g, 4 * g);
    return true;
}

static int n_classes(const struct data_config *config) {
    (void)config;
    return 2;
}

static int vocab(const struct data_config *config) {
    return config->relations + config->values + config->fillers;
}

static int make(const struct data_config *config, struct draw *draw, int index, int32_t *tokens,
                int *label) {
    const int g = config->relations, n_items = config->length - 2 * g;
    int value[LENGTH_MAX], second[RELATIONS_MAX], order[LENGTH_MAX];
    draw_permutation(draw, value, config->values); /* marker r holds value[r], all different */
    for (int r = 0; r < g; r++) second[r] = value[r];
    *label = index % 2;
    if (*label == 0) {
        int r = draw_below(draw, g), s = draw_other(draw, g, r);
        second[r] = value[s];
        second[s] = value[r];
    }
    /* Items 0..g-1 are first occurrences, g..2g-1 second ones, the rest fillers. */
    draw_permutation(draw, order, n_items);
    for (int i = 0, at = 0; i < n_items; i++) {
        int item = order[i];
        if (item >= 2 * g) {
            tokens[at++] = g + config->values + draw_below(draw, config->fillers);
            continue;
        }
        tokens[at++] = item % g;
        tokens[at++] = g + (item < g ? value[item] : second[item - g]);
    }
    return g;
}

const struct generator generator_pairs = {check, n_classes, vocab, make};
