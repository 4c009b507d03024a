/*
 * The chosen heads alone, on a card: who runs what is told in segments (device.h), which each call
 * stages; they are copied once for a group (cuda_stage).
 */
#include "models/cuda/cuda_device.h"
#include "models/cuda/heads_kernels.h"

#include <stddef.h>

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
