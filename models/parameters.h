/*
 * The numbers a model learns. One arena holds all tensors in a fixed order; the same layout serves
 * values, gradients and optimiser moments, so element i of one belongs to element i of the others.
 *
 * Attention weights are head-major: W_Q, W_K, W_V of head h are one contiguous slab [3 d_h][D] and
 * its block of W_O is [d_h][D]. A head can be skipped, pruned or counted without touching the
 * others, and all slabs together are the operand of one wide product.
 */
#ifndef HEADROOM_MODELS_PARAMETERS_H
#define HEADROOM_MODELS_PARAMETERS_H

#include "models/base/arena.h"
#include "models/checkpoint.h"
#include "models/model.h"
#include "models/policy.h"

struct optimizer;

struct layer_parameters {
    float *norm1_weight, *norm1_bias; /* [D]; absent (NULL) where the layer has no heads */
    float *qkv_weight, *qkv_bias;     /* [H][3][d_h][D], [H][3][d_h] */
    float *o_weight, *o_bias;         /* [H][d_h][D], [D] */
    float *policy[POLICY_TENSORS_MAX];
    float *norm2_weight, *norm2_bias; /* [D] */
    float *up_weight, *up_bias;       /* [F][D], [F] */
    float *down_weight, *down_bias;   /* [D][F], [D] */
};

/* One tensor: where it lies in the arena and how it is born and decayed. */
struct tensor {
    char name[96];
    size_t offset, count; /* floats */
    bool policy;          /* belongs to the policy */
    bool embedding;       /* rows of D that are looked up */
    bool decay;           /* AdamW weight decay: matrices yes; biases, norms, embeddings no */
    float init_std;       /* normal; 0: every element is init_value */
    float init_value;
    float learning_rate; /* peak; 0: the optimiser's */
    /* [count / D] of embeddings' gradients in a device's memory: 0 where a row is 0; else NULL. */
    uint8_t *touched;
};

struct parameters {
    struct model_config config;
    struct arena arena;
    float *token, *position; /* [V][D], [max_len][D] or NULL */
    float *segment;          /* [2][D] of pairs: up to the separator, after it; else NULL */
    float *bigram; /* [bigrams][D] of a token and the one before (model_bigram), or NULL */
    struct layer_parameters layer[MODEL_LAYERS_MAX];
    float *final_weight, *final_bias;           /* [D] or NULL */
    float *classifier_weight, *classifier_bias; /* [C][D], [C] */
    uint64_t seed; /* of the trial: for policies that draw at inference */
    int n_tensors;
    struct tensor *tensors; /* [n_tensors] */
    /* Of numbers in a device's memory (device_parameters.h): those that they are a copy of, and
     * whether the policy's tensors are there instead of here. */
    struct parameters *host;
    bool policy_on_host;
    bool weights; /* known to the device as such */
    /* Whose steps some rows of the embeddings have not had yet (optimizer.h); NULL: all have. */
    struct optimizer *late;
};

/* Lays out the tensors of a resolved config, all zero. `purpose` names the arena. */
bool parameters_new(const struct model_config *config, const char *purpose, struct parameters **out,
                    struct error *error);
/* The same in memory of another kind. */
bool parameters_new_from(const struct arena_source *source, const struct model_config *config,
                         const char *purpose, struct parameters **out, struct error *error);
void parameters_free(struct parameters *parameters);

/* Draws the initial values from the RNG_INIT stream of the seed; each tensor has its own counter
 * range keyed by its name, so a policy's extra tensors do not change the others. */
void parameters_initialise(struct parameters *parameters, uint64_t seed);

int64_t parameters_count(const struct parameters *parameters);

/* Copies every tensor of `from` to the tensor of the same name, as a trained base into the same
 * model with a policy's own tensors, which keep their values. Error, naming the tensor, if `to` has
 * none of that name and size. */
bool parameters_copy(const struct parameters *from, struct parameters *to, struct error *error);

/* Checkpoint views (models/checkpoint.md): PyTorch's [out, in] names and shapes over head-major
 * memory. Returns how many; with out = NULL only counts. */
size_t parameters_views(const struct parameters *parameters, struct tensor_view *out);

#endif
