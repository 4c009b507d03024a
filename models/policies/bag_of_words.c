/*
 * A bag of words: the mean of the token embeddings and a linear classifier, as in fastText (Joulin
 * et al., arXiv 1607.01759) without its n-grams. It cannot see order, nor which text of a pair a
 * word is in (the segments' share of the mean would be their lengths, not words); where it is good
 * enough, a task says nothing about heads.
 */
#include "models/policy.h"

static bool shape(struct model_config *config, struct error *error) {
    (void)error;
    config->layers = config->heads.n = config->separator = 0;
    config->positions = config->final_norm = false;
    return true;
}

const struct policy_ops policy_bag_of_words = {
    .name = "bag-of-words",
    .summary = "mean of token embeddings and a linear classifier; cannot see word order",
    .options = {"arm (policy bag-of-words)", NULL, 0},
    .shape = shape,
};
