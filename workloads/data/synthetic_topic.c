/*
 * topic: the negative control. Each topic has `values` words of its own. A token comes from the
 * topic's words with probability `signal`, else from a common pool: the words of all topics and
 * `fillers` neutral ones. Counting words is all there is to learn, so one head must do as well as
 * eight; the pool holds the other topics' words too, so the best possible accuracy is near 1 but
 * below it. Words are drawn independently: order carries nothing. Difficulty 0: no relation
 * matters.
 *
 * Tokens: word w of topic t is t*values + w; neutral ones follow.
 */
#include "workloads/data/synthetic_generator.h"

static int n_classes(const struct data_config *config) {
    return config->classes;
}

static int vocab(const struct data_config *config) {
    return config->classes * config->values + config->fillers;
}

static bool check(const struct data_config *config, struct error *error) {
    (void)config;
    (void)error;
    return true;
}

static int make(const struct data_config *config, struct draw *draw, int index, int32_t *tokens,
                int *label) {
    *label = index % config->classes;
    for (int i = 0; i < config->length; i++)
        tokens[i] = draw_chance(draw, config->signal)
                        ? *label * config->values + draw_below(draw, config->values)
                        : draw_below(draw, vocab(config));
    return 0;
}

const struct generator generator_topic = {check, n_classes, vocab, make};
