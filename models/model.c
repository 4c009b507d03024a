/*
 * The defaults of every model setting stand in the table below and nowhere else.
 */
#include "models/model.h"

#include <math.h>

#define FIELD(name) offsetof(struct model_config, name)

static const struct option rows[] = {
    {"layers", OPTION_INT, FIELD(layers), "2", 0, MODEL_LAYERS_MAX, NULL, "encoder layers L"},
    {"dim", OPTION_INT, FIELD(dim), "64", 1, 8192, NULL, "model width D"},
    {"heads", OPTION_INT, FIELD(base_heads), "8", 1, OPTION_LIST_MAX, NULL,
     "heads H of the full model; the head dimension is dim / heads in every arm"},
    {"ffn", OPTION_INT, FIELD(ffn), "0", 0, 65536, NULL, "FFN width F; 0 means 4 * dim"},
    {"dropout", OPTION_FLOAT, FIELD(dropout), "0", 0, 0.9, NULL,
     "probability, after the embedding and each sublayer, in training"},
    {"norm_eps", OPTION_FLOAT, FIELD(norm_eps), "1e-5", 1e-12, 0.1, NULL, "epsilon of LayerNorm"},
    {"init_std", OPTION_FLOAT, FIELD(init_std), "0", 0, 10, NULL,
     "standard deviation of initial weight matrices; 0 means 1 / sqrt(dim)"},
    {"embedding_std", OPTION_FLOAT, FIELD(embedding_std), "0", 0, 10, NULL,
     "standard deviation of initial embeddings; 0 means init_std"},
};

const struct option_table model_options = {"model", rows, sizeof rows / sizeof *rows};

bool model_resolve_full(struct model_config *config, struct error *error) {
    if (config->dim % config->base_heads != 0)
        return error_set(error,
                         "dim %d is not a multiple of heads %d in model; the head dimension must "
                         "be a whole number",
                         config->dim, config->base_heads);
    config->head_dim = config->dim / config->base_heads;
    if (config->ffn == 0) config->ffn = 4 * config->dim;
    if (config->init_std <= 0.0) config->init_std = 1.0 / sqrt(config->dim);
    if (config->embedding_std <= 0.0) config->embedding_std = config->init_std;
    config->positions = config->final_norm = true;
    config->bigrams = 0;
    config->heads.n = config->layers;
    for (int l = 0; l < config->layers; l++) config->heads.value[l] = config->base_heads;
    return true;
}
