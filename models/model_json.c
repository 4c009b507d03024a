/*
 * Writing the resolved shape of a model and reading it back, strictly: a checkpoint may have been
 * written elsewhere.
 */
#include "models/model_json.h"
#include "models/base/json.h"
#include "models/policies/registry.h"

#include <string.h>

#define FIELD(name) offsetof(struct model_config, name)

/* The part of `config` that a checkpoint holds, as its own table: what resolve has derived. Rows
 * with a default may be missing from a file that was written elsewhere. */
static const struct option resolved_rows[] = {
    {"layers", OPTION_INT, FIELD(layers), NULL, 0, MODEL_LAYERS_MAX, NULL, "L"},
    {"dim", OPTION_INT, FIELD(dim), NULL, 1, 8192, NULL, "D"},
    {"base_heads", OPTION_INT, FIELD(base_heads), "1", 1, OPTION_LIST_MAX, NULL,
     "H; missing: as many as fit into dim, or the most that a layer has"},
    {"head_dim", OPTION_INT, FIELD(head_dim), NULL, 1, 8192, NULL, "d_h"},
    {"heads", OPTION_INT_LIST, FIELD(heads), NULL, 0, OPTION_LIST_MAX, NULL, "heads per layer"},
    {"ffn", OPTION_INT, FIELD(ffn), NULL, 1, 65536, NULL, "F"},
    {"vocab", OPTION_INT, FIELD(vocab), NULL, 1, 1 << 24, NULL, "V"},
    {"max_len", OPTION_INT, FIELD(max_len), NULL, 1, 1 << 20, NULL, "longest input, tokens"},
    {"classes", OPTION_INT, FIELD(classes), NULL, 1, 1 << 20, NULL, "C"},
    {"separator", OPTION_INT, FIELD(separator), "0", 0, 1 << 24, NULL,
     "token between the texts of a pair, which have a segment embedding; 0: single texts"},
    {"bigrams", OPTION_INT, FIELD(bigrams), "0", 0, 1 << 22, NULL,
     "rows of the table of token pairs; 0: none"},
    {"positions", OPTION_BOOL, FIELD(positions), "true", 0, 0, NULL, "position embedding"},
    {"final_norm", OPTION_BOOL, FIELD(final_norm), "true", 0, 0, NULL, "LayerNorm before the pool"},
    {"dropout", OPTION_FLOAT, FIELD(dropout), "0", 0, 0.9, NULL, "in training"},
    {"norm_eps", OPTION_FLOAT, FIELD(norm_eps), NULL, 1e-12, 0.1, NULL, "epsilon"},
    {"init_std", OPTION_FLOAT, FIELD(init_std), "0", 0, 10, NULL, "initial weights"},
    {"embedding_std", OPTION_FLOAT, FIELD(embedding_std), "0", 0, 10, NULL, "initial embeddings"},
};
static const struct option_table resolved = {"config", resolved_rows,
                                             sizeof resolved_rows / sizeof *resolved_rows};

void model_write_json(const struct model_config *config, struct text *out) {
    options_write_json(&resolved, config, out);
    if (out->failed) return;
    out->size--; /* reopen the object: the entries below are not options of the model */
    text_append(out, ",\"gelu\":\"tanh\",\"norm\":\"pre\",\"policy\":");
    text_append_json_string(out, config->policy->name);
    text_append(out, ",\"policy_options\":");
    options_write_json(&config->policy->options, config->policy_options, out);
    text_append(out, "}");
}

/* The text of a scalar entry, or an error that names the key. */
static bool find_text(const struct node *map, const char *key, const char **out,
                      struct error *error) {
    const struct node *node = node_find(map, key);
    if (!node || node->kind != NODE_SCALAR)
        return error_set_at(error, &map->at, "the model configuration lacks '%s'", key);
    *out = node->text;
    return true;
}

/* Heads per layer against the numbers of layers and of heads; finds a base_heads that is missing.
 * The separator must be a token. */
static bool check_numbers(const struct node *root, struct model_config *out, struct error *error) {
    int most = 0;
    for (int l = 0; l < out->heads.n; l++)
        if (out->heads.value[l] > most) most = out->heads.value[l];
    if (!node_find(root, "base_heads")) {
        out->base_heads = out->dim / out->head_dim;
        if (out->base_heads < most) out->base_heads = most;
        if (out->base_heads < 1) out->base_heads = 1;
        if (out->base_heads > OPTION_LIST_MAX) out->base_heads = OPTION_LIST_MAX;
    }
    if (out->heads.n != out->layers)
        return error_set_at(error, &root->at, "config has %d layers but %d entries in heads",
                            out->layers, out->heads.n);
    if (most > out->base_heads)
        return error_set_at(error, &root->at, "config has a layer of %d heads but base_heads %d",
                            most, out->base_heads);
    if (out->separator >= out->vocab)
        return error_set_at(error, &root->at, "config has separator %d, which is no token of %d",
                            out->separator, out->vocab);
    return true;
}

/* What a policy demands of the number of heads, which resolving holds against H, against the heads
 * of every layer: a file may have fewer in one. Policies without gates state those numbers
 * themselves. */
static bool check_gated_layers(const struct model_config *config, struct error *error) {
    const struct policy_ops *policy = config->policy;
    for (int l = 0; l < config->layers && policy->unit != GATE_NONE && policy->shape; l++) {
        struct model_config layer = *config;
        layer.base_heads = config->heads.value[l];
        if (layer.base_heads > 0 && !policy->shape(&layer, error))
            return error_prefix(error, "layer %d", l);
    }
    return true;
}

static bool read_tree(const struct node *root, struct model_config *out, struct error *error) {
    const char *gelu = "", *norm = "", *policy = "";
    if (root->kind != NODE_MAP)
        return error_set_at(error, &root->at, "the model configuration must be an object");
    if (!find_text(root, "gelu", &gelu, error) || !find_text(root, "norm", &norm, error) ||
        !find_text(root, "policy", &policy, error))
        return false;
    if (strcmp(gelu, "tanh") != 0 || strcmp(norm, "pre") != 0)
        return error_set_at(error, &root->at,
                            "this engine runs gelu 'tanh' and norm 'pre', not '%s' and '%s'", gelu,
                            norm);
    out->policy = policy_find(policy);
    if (!out->policy) return error_set_at(error, &root->at, "unknown policy '%s'", policy);
    const struct node *own = node_find(root, "policy_options");
    if (!own) return error_set_at(error, &root->at, "config lacks 'policy_options'");
    static const char *const others[] = {"gelu", "norm", "policy", "policy_options", NULL};
    options_default(&out->policy->options, out->policy_options);
    if (!options_require(&resolved, root, NULL, &root->at, error) ||
        !options_bind(&resolved, root, others, out, error) ||
        !options_require(&out->policy->options, own, NULL, &own->at, error) ||
        !options_bind(&out->policy->options, own, NULL, out->policy_options, error))
        return false;
    return check_numbers(root, out, error) && check_gated_layers(out, error);
}

bool model_read_json(const char *json, size_t size, struct model_config *out, struct error *error) {
    struct node *root;
    if (!json_parse(json, size, "model configuration", &root, error)) return false;
    memset(out, 0, sizeof *out);
    options_default(&resolved, out);
    bool ok = read_tree(root, out, error);
    node_free(root);
    return ok;
}
