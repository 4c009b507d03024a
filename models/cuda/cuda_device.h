/*
 * What the files of this room share: the card's state, and where a chunk lies on it. Host code is C
 * and calls kernels through launch functions of plain types (the headers that end in _kernels.h),
 * so that only kernels are compiled by nvcc.
 *
 * All work of a device goes to one stream, in order. A failure is kept until `ok` asks:
 * launches go on after it, as kernels after a failed one do nothing.
 */
#ifndef HEADROOM_MODELS_CUDA_CUDA_DEVICE_H
#define HEADROOM_MODELS_CUDA_CUDA_DEVICE_H

#include "models/device.h"

#include <cuda_runtime_api.h>

struct cuda_products; /* cuBLAS, its workspace, and copies of weights in bfloat16 */

struct cuda_sums; /* over rows, that have been put off */

struct cuda_staging; /* pinned memory through which small host arrays reach the card */

struct cuda_state {
    cudaStream_t stream;
    struct cuda_products *products;
    struct cuda_staging *staging;
    struct cuda_sums *sums;
    bool wgmma; /* attention_wgmma_kernels.h */
    bool failed;
    struct error failure; /* the first */
    /* Reserved by chunk_new for the largest chunk that was asked for, and shared by all stages,
     * which run one after the other. */
    void *scratch;
    size_t scratch_bytes;
    cudaEvent_t mark[DEVICE_MARKS];
    size_t held[DEVICE_USES]; /* bytes that cudaMalloc was asked for and that were not freed */
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

/* Whether rows of bfloat16, ld elements apart, begin where 16 bytes can be read at once. */
enum { CUDA_WHOLE_BYTES = 16 };

static inline bool cuda_is_whole(const void *data, int ld) {
    return (uintptr_t)data % CUDA_WHOLE_BYTES == 0 && ld % (CUDA_WHOLE_BYTES / 2) == 0;
}

/* Keeps the first failure, with what was being done; false if there is one. A kernel's failure shows
 * at the next call that asks, so the text says "at or before". */
bool cuda_check(const struct device *d, cudaError_t status, const char *what);

/* Keeps a failure that is not CUDA's own, if it is the first. Returns false. */
bool cuda_fail(const struct device *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A copy of a host array on the card; the host array may change at once. It is valid for what is
 * launched before three more arrays have been staged or uploaded. What has just been staged already
 * is not copied again: several calls are told the same of one group of heads. For what a call is
 * told, not for data: at most what chunk_new reserved (cuda_staging_reserve). */
const void *cuda_stage(const struct device *d, const void *host, size_t bytes);

/* A chunk on the card (device_chunk.own). T = tokens, B = samples. */
struct cuda_chunk {
    int32_t *offsets, *labels, *ids; /* [B + 1], [B], [B] */
    int32_t *sample;                 /* [T] whose token it is */
    /* Which mask element (row, i) has: number of the chunk in `high`, row * D + i of it. */
    int32_t *mask_chunk, *mask_row; /* [T] */
    int max_length;                 /* of the chunk's inputs */
    void *rest;                     /* of cuda_chunk.c alone: rows of the embeddings, and by row */
};

static inline const struct cuda_chunk *cuda_chunk_of(const struct device_chunk *chunk) {
    return chunk->own;
}

/* The entries of device_ops by file; models/device.h says what each owes. */

/* cuda_attention.c; scratch: bytes that attention, chosen heads and gates need for a chunk of this
 * size at most, in a layer of so many heads. */
size_t cuda_attention_scratch(const struct model_config *config, int samples, int tokens,
                              size_t heads);
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
void cuda_head_bias(const struct device *d, const struct head_group *group, bool queries, int cols,
                    const float *bias, int stride, void *rows);
void cuda_attend_heads(const struct device *d, const struct head_group *group, int head_dim,
                       const void *q, const void *kv, void *context, float *scratch);
void cuda_scatter(const struct device *d, const struct device_chunk *chunk,
                  const struct head_group *group, int dim, const float *back, float *x);

bool cuda_takes_chosen(const struct device *d, const struct model_config *config, int tokens);
void cuda_chosen_qkv(const struct device *d, const struct device_chunk *chunk,
                     const struct device_chosen *chosen);
void cuda_chosen_map(const struct device *d, const struct device_chunk *chunk,
                     const struct device_chosen *chosen);
void cuda_chosen_output(const struct device *d, const struct device_chunk *chunk,
                        const struct device_chosen *chosen);

/* cuda_recording.c */
bool cuda_record(const struct device *d);
void *cuda_recorded(const struct device *d);
bool cuda_replay(const struct device *d, void *recording);
void cuda_forget(const struct device *d, void *recording);

/* cuda_memory.c; cuda_reserve, and cuda_give_back with as many bytes, are all that the files of this
 * room get memory from. Growing waits for the card. */
bool cuda_reserve(const struct device *d, enum device_use use, size_t bytes, void **out,
                  struct error *error);
void cuda_give_back(const struct device *d, enum device_use use, void *memory, size_t bytes);
bool cuda_allocate(const struct device *d, size_t bytes, void **out, struct error *error);
void cuda_release(const struct device *d, void *memory, size_t bytes);
size_t cuda_held(const struct device *d, enum device_use use);
/* Between page-locked memory and the card, as `kind` says; not waited for. */
void cuda_carry(const struct device *d, void *to, const void *from, size_t bytes,
                enum cudaMemcpyKind kind);
void cuda_upload(const struct device *d, void *to, const void *from, size_t bytes);
void cuda_download(const struct device *d, void *to, const void *from, size_t bytes);
void cuda_fetch(const struct device *d, const void *from, size_t bytes);
void cuda_fetched(const struct device *d, void *to, size_t bytes);
void cuda_copy(const struct device *d, void *to, const void *from, size_t bytes);
void cuda_clear(const struct device *d, void *memory, size_t bytes);
void cuda_wait(const struct device *d);
bool cuda_scratch_reserve(const struct device *d, size_t bytes, struct error *error);
bool cuda_staging_reserve(const struct device *d, size_t bytes, struct error *error);
void cuda_staging_free(const struct device *d);

/* cuda_marks.c */
bool cuda_marks_new(const struct device *d);
void cuda_marks_free(struct cuda_state *state);
void cuda_mark(const struct device *d, int i);
double cuda_between(const struct device *d, int from, int to);

/* cuda_chunk.c */
bool cuda_chunk_new(const struct device *d, const struct model_config *config, int samples,
                    int tokens, int length, struct device_chunk *out, struct error *error);
void cuda_chunk_put(const struct device *d, struct device_chunk *chunk);
void cuda_chunk_free(const struct device *d, struct device_chunk *chunk);
void cuda_embed_rows(const struct device *d, const struct device_chunk *chunk,
                     const struct parameters *p, const struct device_dropout *dropout, float *x);
void cuda_embed_gradient(const struct device *d, const struct device_chunk *chunk,
                         const struct device_dropout *dropout, float *dx, struct parameters *g);

/* cuda_products.c; cuda_weights_copy: where the weights at this address lie in bfloat16, or NULL. */
bool cuda_products_new(const struct device *d, struct cuda_products **out, struct error *error);
void cuda_products_free(struct cuda_products *products);
void *cuda_weights_copy(const struct device *d, const float *weights);
bool cuda_weights_new(const struct device *d, const float *weights, size_t n, struct error *error);
void cuda_weights_load(const struct device *d, const float *weights);
void cuda_weights_free(const struct device *d, const float *weights);
void cuda_weights_pack(const struct device *d, const float *weights, size_t n, void *operands);
void cuda_multiply(const struct device *d, int n, const struct device_product *product);

/* cuda_stages.c */
void cuda_norm(const struct device *d, int rows, int dim, const float *x,
               const struct device_norm *norm);
void cuda_norm_gradient(const struct device *d, const struct device_chunk *chunk, int dim,
                        const float *x, const struct device_norm *norm, const void *dy,
                        float *dweight, float *dbias, float *dx, const struct device_end *before);
void cuda_bias(const struct device *d, int rows, int cols, const float *bias, void *x,
               enum element element);
void cuda_bias_gradient(const struct device *d, int rows, int cols, const void *dx,
                        enum element element, float *dbias);
void cuda_residual(const struct device *d, const struct device_chunk *chunk, int dim,
                   const float *bias, const struct device_dropout *dropout, void *branch,
                   const float *x, float *out, const struct device_norm *next);
void cuda_residual_gradient(const struct device *d, const struct device_chunk *chunk, int dim,
                            const float *dx, const struct device_end *end);
void cuda_pool(const struct device *d, const struct device_chunk *chunk, bool by_token, int dim,
               const void *x, enum element element, float *pooled);
void cuda_pool_gradient(const struct device *d, const struct device_chunk *chunk, bool by_token,
                        int dim, const float *dpooled, void *dx, enum element element);
void cuda_loss(const struct device *d, const struct device_chunk *chunk, int classes, float *logits,
               struct device_sums *sums);
void cuda_loss_gradient(const struct device *d, const struct device_chunk *chunk, int classes,
                        float scale, float *probability);

/* cuda_sums.c */
void cuda_add_sums(const struct device *d);

/* cuda_optimizer.c */
void cuda_clear_tensors(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                        float *g);
void cuda_square_sum(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                     const float *g, double *sum);
void cuda_adamw(const struct device *d, const struct adamw *step, const float *g, float *mean,
                float *square, float *value);
void cuda_adamw_late(const struct device *d, const struct adamw *step,
                     const struct device_chunk *chunk, const struct parameters *p, float *mean,
                     float *square);

/* Opens card `card`; all of the above stand in its table. A thread that has opened a card works on
 * that one until it opens another: a process has one card. */
bool cuda_open(int card, enum precision precision, const struct device **out, struct error *error);
int cuda_cards(void);

/* Who hears of the dimensions of every product, for tests. */
void cuda_observe(const struct device *d, void (*observe)(void *context, int m, int n, int k),
                  void *context);
/* Tells them of a product that a kernel of ours makes. */
void cuda_observed(const struct device *d, int m, int n, int k);
/* Whether there is anybody to be told. */
bool cuda_is_observed(const struct device *d);

#endif
