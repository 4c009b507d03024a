/*
 * The chosen heads alone, on a card. In bfloat16, where inputs choose, kernels read the gates and
 * leave out what was not chosen. Else who runs what is told in segments (device.h), which each call
 * stages; they are copied once for a group (cuda_stage).
 */
#include "models/cuda/chosen_kernels.h"
#include "models/cuda/cuda_device.h"
#include "models/cuda/heads_kernels.h"

#include <stddef.h>
#include <stdlib.h>

#define SAME_PLACE(member)                                                                         \
    (offsetof(struct packed_head, member) == offsetof(struct head_segment, member))
_Static_assert(sizeof(struct packed_head) == sizeof(struct head_segment) && SAME_PLACE(head) &&
                   SAME_PLACE(token) && SAME_PLACE(length) && SAME_PLACE(key) &&
                   SAME_PLACE(query) && SAME_PLACE(n_queries),
               "kernels read struct head_segment as struct packed_head");

static const struct packed_head *segments(const struct device *d, const struct head_group *group) {
    return cuda_stage(d, group->segment, (size_t)group->n_segments * sizeof *group->segment);
}

static const int32_t *query_tokens(const struct device *d, const struct head_group *group) {
    if (!group->query_token || group->n_queries == 0) return NULL;
    return cuda_stage(d, group->query_token, (size_t)group->n_queries * sizeof(int32_t));
}

static int longest(const struct head_group *group, bool queries) {
    int most = 0;
    for (int i = 0; i < group->n_segments; i++) {
        int n = queries ? group->segment[i].n_queries : group->segment[i].length;
        most = n > most ? n : most;
    }
    return most;
}

void cuda_gather(const struct device *d, const struct head_group *group, bool queries, int dim,
                 const void *x, void *rows) {
    size_t row_bytes = (size_t)dim * d->operand_size;
    cudaStream_t stream = cuda_stream_of(d);
    cudaError_t status = cudaSuccess;
    if (queries && group->query_token) {
        if (group->n_queries > 0)
            status = gather_tokens_launch(group->n_queries, query_tokens(d, group), row_bytes, x,
                                          rows, stream);
    } else if (group->n_segments > 0) { /* where inputs choose, those who ask are all */
        status = gather_inputs_launch(group->n_segments, longest(group, false), segments(d, group),
                                      row_bytes, x, rows, stream);
    }
    cuda_check(d, status, "gathering of rows");
}

void cuda_head_bias(const struct device *d, const struct head_group *group, bool queries, int cols,
                    const float *bias, int stride, void *rows) {
    int most = longest(group, queries);
    if (most == 0 || cols == 0) return;
    struct packed_bias call = {.bf16 = cuda_is_bf16(d),
                               .queries = queries,
                               .n_segments = group->n_segments,
                               .longest = most,
                               .cols = cols,
                               .stride = stride,
                               .segment = segments(d, group),
                               .bias = bias,
                               .rows = rows};
    cuda_check(d, head_bias_launch(&call, cuda_stream_of(d)), "the biases of chosen heads");
}

void cuda_attend_heads(const struct device *d, const struct head_group *group, int head_dim,
                       const void *q, const void *kv, void *context, float *scratch) {
    int most = longest(group, true);
    (void)scratch;
    if (most == 0) return;
    size_t gates = (size_t)(group->query_token ? group->n_queries : group->n_segments);
    struct packed_attention call = {.bf16 = cuda_is_bf16(d),
                                    .wgmma = cuda_state_of(d)->wgmma,
                                    .by_query = group->query_token,
                                    .n_segments = group->n_segments,
                                    .head_dim = head_dim,
                                    .longest = most,
                                    .segment = segments(d, group),
                                    .q = q,
                                    .kv = kv,
                                    .gate = cuda_stage(d, group->gate, gates * sizeof(float)),
                                    .context = context};
    cuda_check(d, attention_packed_launch(&call, cuda_stream_of(d)), "attention of chosen heads");
}

void cuda_scatter(const struct device *d, const struct device_chunk *chunk,
                  const struct head_group *group, int dim, const float *back, float *x) {
    if (group->n_queries == 0 || group->n_segments == 0) return;
    struct packed_rows call = {.n_heads = group->n,
                               .n_segments = group->n_segments,
                               .tokens = chunk->batch.n_tokens,
                               .dim = dim,
                               .segment = segments(d, group),
                               .query_token = query_tokens(d, group),
                               .back = back,
                               .row_of = cuda_state_of(d)->scratch,
                               .x = x};
    cuda_check(d, scatter_launch(&call, cuda_stream_of(d)), "scattering of rows");
}

/* ---- where they are, by kernels that look at the gates ---- */

/* The kernels multiply bfloat16, in which models are deployed. In float32 and tf32, which results
 * are held against, the rows of those who run a head are brought together for cuBLAS, by a plan
 * that the host makes; so they are where tokens choose, whose rows lie apart. */
bool cuda_takes_chosen(const struct device *d, const struct model_config *c, int tokens) {
    (void)tokens;
    return cuda_is_bf16(d) && chosen_takes(model_most_heads(c), c->head_dim, c->dim);
}

/* Tells who listens, and so must wait, of the products of the inputs and heads that ran: n columns
 * from k numbers. */
static void observe_chosen(const struct device *d, const struct device_chunk *chunk,
                           const struct device_chosen *c, int n, int k) {
    size_t size = (size_t)chunk->batch.n_samples * (size_t)c->heads * sizeof(float);
    if (!cuda_is_observed(d)) return;
    float *gates = malloc(size);
    if (!gates) {
        cuda_fail(d, "out of memory for gates");
        return;
    }
    cuda_download(d, gates, c->gates, size);
    for (int i = 0; i < chunk->batch.n_samples * c->heads; i++) {
        const int32_t *offset = chunk->batch.offsets + i / c->heads;
        if (gates[i] != 0.0f) cuda_observed(d, offset[1] - offset[0], n, k);
    }
    free(gates);
}

static struct chosen_products products_of(const struct device *d, const struct device_chunk *chunk,
                                          const struct device_chosen *c) {
    const struct cuda_chunk *own = cuda_chunk_of(chunk);
    struct chosen_products call = {.samples = chunk->batch.n_samples,
                                   .heads = c->heads,
                                   .head_dim = c->head_dim,
                                   .dim = c->dim,
                                   .longest = own->max_length,
                                   .offsets = own->offsets,
                                   .gates = c->gates,
                                   .norm = c->norm,
                                   .qkv_weight = cuda_weights_copy(d, c->qkv_weight),
                                   .qkv_bias = c->qkv_bias,
                                   .qkv = c->qkv,
                                   .context = c->context,
                                   .o_weight = cuda_weights_copy(d, c->o_weight),
                                   .o_bias = c->o_bias,
                                   .x = c->x};
    if (!call.qkv_weight || !call.o_weight)
        cuda_fail(d, "chosen heads of weights that no weights_new has named");
    return call;
}

void cuda_chosen_qkv(const struct device *d, const struct device_chunk *chunk,
                     const struct device_chosen *c) {
    struct chosen_products call = products_of(d, chunk, c);
    if (cuda_state_of(d)->failed || call.samples == 0 || c->heads == 0) return;
    observe_chosen(d, chunk, c, 3 * c->head_dim, c->dim);
    cuda_check(d, chosen_qkv_launch(&call, cuda_stream_of(d)), "Q, K and V of chosen heads");
}

void cuda_chosen_map(const struct device *d, const struct device_chunk *chunk,
                     const struct device_chosen *c) {
    const struct cuda_chunk *own = cuda_chunk_of(chunk);
    struct chunk_attention call = {.bf16 = cuda_is_bf16(d),
                                   .wgmma = cuda_state_of(d)->wgmma,
                                   .samples = chunk->batch.n_samples,
                                   .tokens = chunk->batch.n_tokens,
                                   .heads = c->heads,
                                   .head_dim = c->head_dim,
                                   .longest = own->max_length,
                                   .offsets = own->offsets,
                                   .qkv = c->qkv,
                                   .context = c->context,
                                   .gates = c->gates};
    if (call.tokens == 0 || call.heads == 0) return;
    cuda_check(d, attention_forward_launch(&call, cuda_stream_of(d)), "attention of chosen heads");
}

void cuda_chosen_output(const struct device *d, const struct device_chunk *chunk,
                        const struct device_chosen *c) {
    struct chosen_products call = products_of(d, chunk, c);
    if (cuda_state_of(d)->failed || call.samples == 0) return;
    observe_chosen(d, chunk, c, c->dim, c->head_dim);
    cuda_check(d, chosen_output_launch(&call, cuda_stream_of(d)), "the outputs of chosen heads");
}
