/*
 * What the files of the trainer share: trainer.c, the passes; trainer_memory.c, where everything
 * lies; trainer_gates.c, between the passes and the policy; and trainer_recordings.c, where passes
 * are done again.
 */
#ifndef HEADROOM_MODELS_TRAINER_PRIVATE_H
#define HEADROOM_MODELS_TRAINER_PRIVATE_H

#include "models/trainer.h"

#include <stddef.h>

/* What a layer's policy works on: in the device's memory, or on the host, where it has no form for
 * the device. */
struct gate_arrays {
    float *gates, *dgates; /* [rows][H] */
    float *pooled;         /* [rows][D] the policy's input */
};

/* Activations of one layer; sizes in numbers, T = tokens, W = heads * head_dim. */
struct layer_state {
    float *input, *middle; /* [T][D] residual stream before attention and before FFN */
    float *mean1, *rstd1, *mean2, *rstd2; /* [T] */
    void *qkv;                            /* [T][H][3][d_h] */
    void *context;                        /* [T][H][d_h], before the gate */
    float *log_sum;                       /* [H][T] */
    struct gate_arrays here, policy;      /* on the device; where the policy is: most often here */
    float *saved;                         /* the policy's own */
    void *pre;                            /* [T][F] */
    /* The layer's own where the device keeps operands, else the workspace, shared by all layers. */
    void *norm1, *norm2; /* [T][D] LayerNorm outputs */
    void *hidden;        /* [T][F] gelu(pre) */
};

/* What a step adds up on the device, and has to wait for: one array, so that it comes in one copy.
 * layer[layers] where the gates have a device form. */
struct step_sums {
    struct device_sums loss;
    struct gate_sums layer[MODEL_LAYERS_MAX];
};

enum pass { PASS_FORWARD, PASS_BACKWARD, PASSES };

/* Batches of inputs of these lengths: how often each pass was made, and what it asks of the device,
 * or NULL. */
struct recorded_batch {
    int n_samples;
    int32_t *offsets; /* [B + 1] in host memory */
    uint64_t used;    /* which batch was the last; 0: the place is free */
    uint64_t seen[PASSES];
    void *recording[PASSES];
};

enum { RECORDED_BATCHES = 4 };

struct trainer {
    const struct device *device;
    struct parameters *p, *gradients; /* in the device's memory */
    struct parameters *host_gradients;
    const struct policy_device_form *form; /* of the gates; NULL: the policy's own entries */
    struct rng dropout;
    double dropout_rate;
    const struct phases *phases; /* told where the passes begin; NULL: nobody */
    struct arena activations, workspace;
    struct arena host_arena; /* of a policy that works elsewhere than the device */
    struct layer_state layer[MODEL_LAYERS_MAX];
    float *output, *final_mean, *final_rstd; /* [T][D] last residual stream, [T] */
    float *pooled, *probability;             /* [B][D], [B][C] */
    float *shared;                           /* [B][shared_floats] the policy's, of all layers */
    struct step_sums *sums;
    unsigned char *told, *own_told; /* [layers][POLICY_TOLD_BYTES] if the form tells; on the host */
    /* workspace, shared by all layers; attention and FFN share theirs */
    void *norm, *branch;          /* [T][D] the last LayerNorm's output, if not all are kept */
    float *dx;                    /* [T][D] */
    void *gated, *dcontext;       /* [T][W] */
    void *dqkv;                   /* [T][3W] */
    void *dhidden;                /* [T][F] */
    float *scores, *delta;        /* attention's scratch, [T] */
    float *dpooled, *own_dpooled; /* [rows][D] on the device, and where the policy is */
    /* What every step begins with 0; the rest are products that overwrite it. */
    int n_cleared;
    struct adamw_tensor *cleared; /* [n_cleared] of the gradients, in host memory */
    int32_t *chunk_offsets;       /* [B + 1] in host memory */
    int32_t *part_offsets;        /* [B + 1] of a part of the chunk, as the CPU takes them */
    struct device_chunk chunk;    /* at hand */
    int chunk_tokens;             /* most tokens of a chunk */
    struct recorded_batch recorded[RECORDED_BATCHES];
    uint64_t batches; /* that were looked for among them */
    int64_t correct;  /* inputs that the last forward passes of a batch got right */
};

static inline bool trainer_by_token(const struct trainer *t) {
    return t->p->config.policy->unit == GATE_PER_TOKEN;
}

static inline int trainer_gate_rows(const struct trainer *t) {
    return trainer_by_token(t) ? t->chunk.batch.n_tokens : t->chunk.batch.n_samples;
}

/* Whether gates are made where there is nothing to hear of each step but what they are told. */
static inline bool trainer_tells(const struct trainer *t) {
    return t->form && t->form->tell;
}

static inline size_t trainer_told_bytes(const struct trainer *t) {
    return trainer_tells(t) ? (size_t)t->p->config.layers * POLICY_TOLD_BYTES : 0;
}

static inline size_t trainer_sums_bytes(const struct trainer *t) {
    size_t layers = t->form ? (size_t)t->p->config.layers : 0;
    return offsetof(struct step_sums, layer) + layers * sizeof(struct gate_sums);
}

/* The passes of one chunk: up to the probabilities and the sums; and from there the gradients of all
 * but the embeddings, leaving theirs in t->dx. */
void trainer_forward(struct trainer *t, struct policy_step *step);
void trainer_backward(struct trainer *t, struct policy_step *step);

/* One of them, by repeating it if a batch of the same lengths was there before. */
void trainer_run(struct trainer *t, struct policy_step *step, enum pass pass);
void trainer_forget(struct trainer *t);

/* Tells the form where the step stands. */
void trainer_tell_gates(struct trainer *t, struct policy_step *step);

/* Gates of the chunk at hand in layer l from its LayerNorm output, into here.gates. */
void trainer_make_gates(struct trainer *t, int l, struct policy_step *step);

/* From here.dgates back: adds the gradients of the policy's tensors, and dL/dx to t->branch. */
void trainer_gates_gradient(struct trainer *t, int l, struct policy_step *step);

/* Adds to `step` what a device form summed up in this batch, by layer. */
void trainer_add_gate_sums(const struct trainer *t, const struct gate_sums *sums,
                           struct policy_step *step);

#endif
