/*
 * What the files of the forward pass share: inference.c, the pass; inference_memory.c, where
 * everything lies and what is known of the last run; inference_heads.c, the chosen heads alone; and
 * inference_recordings.c, passes that are done again. Work is booked beside the calls of the device,
 * here for what several of them do.
 */
#ifndef HEADROOM_MODELS_INFERENCE_WORKSPACE_H
#define HEADROOM_MODELS_INFERENCE_WORKSPACE_H

#include "models/device_parameters.h"
#include "models/inference.h"
#include "models/policy.h"

/* How a layer's attention runs: all heads of all inputs; the chosen ones where they are, which a
 * device skips by itself; those that all inputs chose alike, as a model that has no others; or the
 * chosen ones brought together, by a plan that the host makes. */
enum heads_way { HEADS_WIDE, HEADS_IN_PLACE, HEADS_PACKED, HEADS_PLANNED };

/* Weights of some heads of a layer, one after the other, on the device. */
struct packed_heads {
    int n; /* heads */
    bool chosen[OPTION_LIST_MAX];
    void *qkv_weight, *o_weight; /* [n][3][d][D], [n][d][D] */
    float *qkv_bias;             /* [n][3][d] */
};

enum { RECORDINGS = 8 };

/* A pass, by all that what it launches depends on. */
struct recorded_pass {
    int n_samples, mode;
    int32_t *offsets; /* [n_samples + 1] */
    enum heads_way way[MODEL_LAYERS_MAX];
    bool settled[MODEL_LAYERS_MAX];
    int packed[MODEL_LAYERS_MAX]; /* heads */
    uint64_t used;                /* when last, in passes; 0: the place is free */
    void *recording;              /* the device's; NULL: seen once */
    struct work work;             /* what a run books, but for heads in place */
};

struct inference {
    const struct device *device;
    struct parameters *p;                  /* in the device's memory */
    const struct policy_device_form *form; /* of the gates; NULL: the policy's own entries */
    struct arena arena;                    /* in the device's memory */
    struct arena host_arena;               /* in the host's, where it is another */
    float *x;                              /* [T][D] residual stream */
    void *norm;                            /* [T][D] LayerNorm output */
    /* Not in place: [G T][D] input rows gathered for a group of G heads, and on their way back. */
    void *rows;
    float *back;
    void *qkv, *context;   /* [T][3W], [T][W]; or those of a group, head after head */
    void *hidden;          /* [T][F] */
    float *scores;         /* attention's scratch */
    float *pooled;         /* [B][D] */
    float *gate_x;         /* [rows][D] the policy's input, where the policy is */
    float *saved, *shared; /* the policy's scratch of one layer, and of all; where the policy is */
    /* Results of the chunk at hand, logits, then gates and decisions of each layer (inference_gates_at
     * and the like): on the device, and where they come to on the host. NULL on a host device. */
    float *there, *here;
    /* results of the whole batch, in the host's memory */
    float *all_logits;                  /* [B][C] */
    float *gates[MODEL_LAYERS_MAX];     /* [rows][H] */
    float *decisions[MODEL_LAYERS_MAX]; /* [rows][decision_floats] */
    int32_t *offsets, *chunk_offsets;   /* [B + 1] of the batch and of the chunk at hand */
    struct device_chunk chunk;          /* at hand */
    int chunk_tokens;                   /* most tokens of a chunk */
    int mode;                           /* see inference_set_mode */
    int first, first_row;               /* sample and gate row that the chunk at hand starts at */
    const float *const *given;          /* decisions of this run, as in inference_run */
    bool in_place;                      /* layers do unless wide or packed: room for no other way */
    enum heads_way way[MODEL_LAYERS_MAX]; /* of the chunk at hand */
    bool settled[MODEL_LAYERS_MAX];       /* its heads were known before the pass */
    struct packed_heads packed[MODEL_LAYERS_MAX];
    struct recorded_pass recorded[RECORDINGS];
    bool repeats;                 /* see inference_set_repeats */
    uint64_t passes;              /* that might have been recorded */
    int recordings;               /* made so far */
    int group_size;               /* heads of a group */
    struct head_segment *segment; /* [G B] of the group at hand */
    int32_t *query_token;         /* [G T] if tokens choose */
    float *segment_gate;          /* [G B], or [G T] if tokens choose */
};

static inline bool inference_by_token(const struct inference *inf) {
    return inf->p->config.policy->unit == GATE_PER_TOKEN;
}

/* Gates of the chunk at hand in layer l, [rows][heads]. */
static inline float *inference_chunk_gates(const struct inference *inf, int l) {
    return inf->gates[l] + (size_t)inf->first_row * (size_t)inf->p->config.heads.value[l];
}

/* Rows of gates of the chunk at hand. */
static inline int inference_gate_rows(const struct inference *inf) {
    return inference_by_token(inf) ? inf->chunk.batch.n_tokens : inf->chunk.batch.n_samples;
}

/* Where gates [rows][H] and decisions [rows][decision_floats] of layer l begin among the chunk's
 * results; after the last layer, where they end. */
static inline size_t inference_gates_at(const struct inference *inf, int l) {
    const struct model_config *c = &inf->p->config;
    size_t rows = (size_t)inference_gate_rows(inf);
    size_t at = (size_t)inf->chunk.batch.n_samples * (size_t)c->classes;
    for (int i = 0; i < l; i++)
        if (inf->gates[i]) at += rows * ((size_t)c->heads.value[i] + policy_decision_floats(c, i));
    return at;
}

static inline size_t inference_decisions_at(const struct inference *inf, int l) {
    return inference_gates_at(inf, l) +
           (size_t)inference_gate_rows(inf) * (size_t)inf->p->config.heads.value[l];
}

/* A B + bias of all tokens as operands of a later product; B is a weight, bias may be NULL. */
static inline struct device_product inference_product(const struct inference *inf, int n, int k,
                                                      const void *a, struct device_matrix b,
                                                      const float *bias, void *c) {
    return (struct device_product){.m = inf->chunk.batch.n_tokens,
                                   .n = n,
                                   .k = k,
                                   .a = {a, k, false, OPERANDS},
                                   .b = b,
                                   .c = c,
                                   .ldc = n,
                                   .c_element = OPERANDS,
                                   .bias = bias};
}

/* The same, added to the residual stream. */
static inline struct device_product inference_product_into_stream(const struct inference *inf,
                                                                  int k, const void *a,
                                                                  struct device_matrix b,
                                                                  const float *bias) {
    struct device_product product =
        inference_product(inf, inf->p->config.dim, k, a, b, bias, inf->x);
    product.c_element = NUMBERS;
    product.adds = true;
    return product;
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

/* The outputs of a head, queries of them, times its gate. */
static inline void inference_book_gate(struct work *work, float gate, int queries, int head_dim) {
    uint64_t outputs = (uint64_t)queries * (uint64_t)head_dim;
    if (gate == 1.0f) return;
    work_add(work, FLOP_GATE_MULTIPLY, outputs);
    work_move(work, 2 * outputs);
}

/* The attention of layer l by those heads alone that are chosen: brought together by a plan; */
void inference_attend_planned(struct inference *inf, int l, struct work *work);

/* where they are; */
void inference_attend_in_place(struct inference *inf, int l, struct work *work);

/* or as those of a model that has no others: whether all inputs of the chunk chose alike, with gates
 * that are 1, and it pays, so that the weights are packed now; and the attention. */
bool inference_pack(struct inference *inf, int l);
void inference_attend_packed(struct inference *inf, int l, struct work *work);

/* What the last two cost, booked when the gates are known: by a host at once. */
void inference_book_chosen(struct inference *inf, int l, struct work *work);

/* All from the embeddings to the logits, in the device's memory. */
void inference_pass(struct inference *inf, struct work *work);

/* The same, from a recording where it can be. */
void inference_pass_again(struct inference *inf, struct work *work);

/* Frees the recording of a pass, if it has one. */
void inference_forget(const struct inference *inf, struct recorded_pass *pass);

#endif
