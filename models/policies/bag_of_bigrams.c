/*
 * A bag of words and bigrams: the mean of the token embeddings plus that of the embeddings of all
 * pairs of neighbours, and a linear classifier, after fastText with wordNgrams 2 (Joulin et al.,
 * arXiv 1607.01759). Pairs share a table by a hash, so that few rows serve many. It sees what stands
 * beside what and nothing beyond: "not good", but not who it is said of. A task on which attention
 * is no better than this tests no attention.
 */
#include "models/policy.h"

struct bigram_options {
    int buckets;
};

static const struct option rows[] = {
    {"buckets", OPTION_INT, offsetof(struct bigram_options, buckets), "16384", 1, 1 << 22, NULL,
     "rows of the table that all pairs of neighbours share by a hash"},
};

static bool shape(struct model_config *config, struct error *error) {
    const struct bigram_options *options = (const void *)config->policy_options;
    (void)error;
    config->layers = config->heads.n = config->separator = 0;
    config->positions = config->final_norm = false;
    config->bigrams = options->buckets;
    return true;
}

const struct policy_ops policy_bag_of_bigrams = {
    .name = "bag-of-bigrams",
    .summary = "mean of token and bigram embeddings and a linear classifier; no attention",
    .options = {"arm (policy bag-of-bigrams)", rows, sizeof rows / sizeof *rows},
    .shape = shape,
};
