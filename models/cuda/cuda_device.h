/*
 * What the files of this room share: the card's state, and where a chunk lies on it. Host code is C
 * and calls kernels through launch functions of plain types (the headers that end in _kernels.h),
 * so that only kernels are compiled by nvcc.
 *
 * All work of a device goes to one stream, in order. A failure is kept and reported by device_ok:
 * launches go on after it, as kernels after a failed one do nothing.
 */
#ifndef HEADROOM_MODELS_CUDA_CUDA_DEVICE_H
#define HEADROOM_MODELS_CUDA_CUDA_DEVICE_H

#include "models/device.h"

#include <cuda_runtime_api.h>

struct cuda_products; /* cuBLAS, its workspace, and copies of weights in bfloat16 */

struct cuda_staging; /* pinned memory through which small host arrays reach the card */

struct cuda_state {
    cudaStream_t stream;
    struct cuda_products *products;
    struct cuda_staging *staging;
    bool failed;
    struct error failure; /* the first */
    /* Reserved by chunk_new for the largest chunk that was asked for, and shared by all stages,
     * which run one after the other. */
    void *scratch;
    size_t scratch_bytes;
};

struct cuda_device {
    struct device device; /* first: a struct device of this room is one of these */
    struct cuda_state *state;
};

static inline struct cuda_state *cuda_state_of(const struct device *d) {
    return ((const struct cuda_device *)(const void *)d)->state;
}

static inline cudaStream_t cuda_stream_of(const struct device *d) {
    return cuda_state_of(d)->stream;
}

static inline bool cuda_is_bf16(const struct device *d) {
    return d->precision == PRECISION_BF16;
}

/* Keeps the first failure, with what was being done; false if there is one. */
bool cuda_check(const struct device *d, cudaError_t status, const char *what);

/* A copy of a host array on the card, valid for the calls that follow until a few MiB more have
 * been staged; the host array may change at once. For what a call is told, not for data. */
const void *cuda_stage(const struct device *d, const void *host, size_t bytes);

/* A chunk on the card (device_chunk.own). T = tokens, B = samples. */
struct cuda_chunk {
    int32_t *tokens, *offsets, *labels, *ids; /* [T], [B + 1], [B], [B] */
    int32_t *sample;                          /* [T] whose token it is */
    /* Which mask element (row, i) has: number of the chunk in `high`, row * D + i of it. */
    int32_t *mask_chunk, *mask_row; /* [T] */
    int max_length;                 /* of the chunk's inputs */
    void *rest;                     /* of cuda_chunk.c alone: rows of the embeddings, and by row */
};

static inline const struct cuda_chunk *cuda_chunk_of(const struct device_chunk *chunk) {
    return chunk->own;
}

/* The entries of device_ops by file; models/device.h says what each owes. */

/* cuda_attention.c; scratch_bytes: what the two need at most for chunks of this size. */
size_t cuda_attention_scratch(const struct device *d, const struct model_config *config,
                              int samples, int tokens, int length);
void cuda_attend(const struct device *d, const struct device_chunk *chunk,
                 const struct device_attention *attention);
void cuda_attend_gradient(const struct device *d, const struct device_chunk *chunk,
                          const struct device_attention *attention, const void *dcontext,
                          float *delta, void *dqkv);
void cuda_gate(const struct device *d, const struct device_chunk *chunk, bool by_token, int heads,
               int head_dim, const float *gates, const void *context, void *gated);
void cuda_gate_gradient(const struct device *d, const struct device_chunk *chunk, bool by_token,
                        int heads, int head_dim, const float *gates, const void *context,
                        void *dcontext, float *dgates);

/* cuda_heads.c */
void cuda_gather(const struct device *d, const struct head_group *group, bool queries, int dim,
                 const void *x, void *rows);
void cuda_attend_heads(const struct device *d, const struct head_group *group, int head_dim,
                       const void *q, const void *kv, void *context, float *scratch);
void cuda_scatter(const struct device *d, const struct device_chunk *chunk,
                  const struct head_group *group, int dim, const float *back, float *x);

/* Opens card `card`; all of the above stand in its table. */
bool cuda_open(int card, enum precision precision, const struct device **out, struct error *error);
int cuda_cards(void);

/* Who hears of the dimensions of every product that is given to cuBLAS, for tests. */
void cuda_observe(const struct device *d, void (*observe)(void *context, int m, int n, int k),
                  void *context);

#endif
