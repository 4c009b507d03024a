/*
 * What the files of the forward pass share: inference.c, the pass; inference_memory.c, where
 * everything lies and what is known of the last run; and inference_heads.c, the chosen heads alone.
 * Work is booked beside the calls of the device, here for what several of them do.
 */
#ifndef HEADROOM_MODELS_INFERENCE_WORKSPACE_H
#define HEADROOM_MODELS_INFERENCE_WORKSPACE_H

#include "models/device_parameters.h"
#include "models/inference.h"

struct inference {
    const struct device *device;
    struct parameters *p;                  /* in the device's memory */
    const struct policy_device_form *form; /* of the gates; NULL: the policy's own entries */
    struct arena arena;                    /* in the device's memory */
    struct arena host_arena;               /* in the host's, where it is another */
    float *x;                              /* [T][D] residual stream */
    void *norm;                            /* [T][D] LayerNorm output */
    void *rows;                            /* [G T][D] gathered input rows of a group of G heads */
    float *back;                           /* [G T][D] rows on their way back */
    void *qkv, *context;    /* [T][3W], [T][W]; or those of a group, head after head */
    void *hidden;           /* [T][F] */
    float *scores;          /* attention's scratch */
    float *pooled, *logits; /* [B][D], [B][C] on the device; logits of the chunk at hand */
    float *gate_x;          /* [rows][D] the policy's input, where the policy is */
    float *saved, *shared;  /* the policy's scratch of one layer, and of all; where the policy is */
    /* Decisions [rows][decision_floats] of a device form, with its gates [rows][H] right behind: on
     * the device, and in the host's memory. */
    float *form_results, *results;
    /* results of the whole batch, in the host's memory */
    float *all_logits;                  /* [B][C] */
    float *gates[MODEL_LAYERS_MAX];     /* [rows][H] */
    float *decisions[MODEL_LAYERS_MAX]; /* [rows][decision_floats] */
    int32_t *offsets, *chunk_offsets;   /* [B + 1] of the batch and of the chunk at hand */
    struct device_chunk chunk;          /* at hand */
    int chunk_tokens;                   /* most tokens of a chunk */
    int mode;                           /* see inference_set_mode */
    int first, first_row;               /* sample and gate row that the chunk at hand starts at */
    int group_size;                     /* heads of a group */
    struct head_segment *segment;       /* [G B] of the group at hand */
    int32_t *query_token;               /* [G T] if tokens choose */
    float *segment_gate;                /* [G B], or [G T] if tokens choose */
};

static inline bool inference_by_token(const struct inference *inf) {
    return inf->p->config.policy->unit == GATE_PER_TOKEN;
}

/* Gates of the chunk at hand in layer l, [rows][heads]. */
static inline float *inference_chunk_gates(const struct inference *inf, int l) {
    return inf->gates[l] + (size_t)inf->first_row * (size_t)inf->p->config.heads.value[l];
}

/* Adding bias[cols] to rows x cols numbers. */
static inline void inference_book_bias(struct work *work, enum flop_component component, int rows,
                                       int cols) {
    work_add(work, component, (uint64_t)rows * (uint64_t)cols);
    work_move(work, (2 * (uint64_t)rows + 1) * (uint64_t)cols);
}

/* The map of one head and input, from scores to values: `queries` of its n tokens ask. */
static inline void inference_book_map(struct work *work, int queries, int n, int head_dim) {
    uint64_t scores = (uint64_t)queries * (uint64_t)n;
    work_multiply(work, FLOP_SCORES, queries, n, head_dim);
    work_add(work, FLOP_SCALE, scores);
    work_add(work, FLOP_SOFTMAX, 5 * scores);
    work_multiply(work, FLOP_AV, queries, head_dim, n);
    /* Q and the outputs of those who ask, K and V of all. */
    work_move(work, 2 * (uint64_t)(queries + n) * (uint64_t)head_dim);
}

/* The attention of layer l, all but its bias, by those heads alone that are chosen. */
void inference_attend_chosen(struct inference *inf, int l, struct work *work);

#endif
