/*
 * Attention and gates of a chunk on a card: what device.h asks, told to the kernels. One launch
 * does all heads of all inputs; inputs shorter than the longest leave blocks without work, which
 * end at once.
 */
#include "models/cuda/attention_kernels.h"
#include "models/cuda/cuda_device.h"
#include "models/cuda/gate_kernels.h"
#include "models/policy.h"

/* Either a row's <out, dout> for each head in the backward pass, or the map by which chosen heads
 * come back to their tokens (cuda_heads.c), or the loss terms of each row of gates (policies). */
size_t cuda_attention_scratch(const struct model_config *config, int samples, int tokens,
                              size_t heads) {
    size_t rows = (size_t)(config->policy->unit == GATE_PER_TOKEN ? tokens : samples);
    size_t terms = rows * 2 * sizeof(double);
    size_t by_head = heads * (size_t)tokens * sizeof(float);
    _Static_assert(sizeof(float) == sizeof(int32_t), "a delta and a row of the map are as large");
    return by_head > terms ? by_head : terms;
}

static struct chunk_attention arrays(const struct device *d, const struct device_chunk *chunk,
                                     const struct device_attention *attention) {
    const struct cuda_chunk *own = cuda_chunk_of(chunk);
    return (struct chunk_attention){.bf16 = cuda_is_bf16(d),
                                    .wgmma = cuda_state_of(d)->wgmma,
                                    .samples = chunk->batch.n_samples,
                                    .tokens = chunk->batch.n_tokens,
                                    .heads = attention->heads,
                                    .head_dim = attention->head_dim,
                                    .longest = own->max_length,
                                    .offsets = own->offsets,
                                    .qkv = attention->qkv,
                                    .context = attention->context,
                                    .log_sum = attention->log_sum};
}

void cuda_attend(const struct device *d, const struct device_chunk *chunk,
                 const struct device_attention *attention) {
    struct chunk_attention call = arrays(d, chunk, attention);
    if (call.tokens == 0 || call.heads == 0) return;
    cuda_check(d, attention_forward_launch(&call, cuda_stream_of(d)), "attention");
}

void cuda_attend_gradient(const struct device *d, const struct device_chunk *chunk,
                          const struct device_attention *attention, const void *dcontext,
                          float *delta, void *dqkv) {
    struct chunk_attention call = arrays(d, chunk, attention);
    (void)delta; /* of all heads at once it is more than [tokens] */
    if (call.tokens == 0 || call.heads == 0) return;
    call.dcontext = dcontext;
    call.delta = cuda_state_of(d)->scratch;
    call.dqkv = dqkv;
    cuda_check(d, attention_backward_launch(&call, cuda_stream_of(d)), "the gradient of attention");
}

static struct gate_rows rows_of(const struct device *d, const struct device_chunk *chunk,
                                bool by_token, int heads, int head_dim, const float *gates,
                                const void *context) {
    const struct cuda_chunk *own = cuda_chunk_of(chunk);
    return (struct gate_rows){.bf16 = cuda_is_bf16(d),
                              .by_token = by_token,
                              .samples = chunk->batch.n_samples,
                              .tokens = chunk->batch.n_tokens,
                              .heads = heads,
                              .head_dim = head_dim,
                              .offsets = own->offsets,
                              .sample = own->sample,
                              .gates = gates,
                              .context = context};
}

void cuda_gate(const struct device *d, const struct device_chunk *chunk, bool by_token, int heads,
               int head_dim, const float *gates, const void *context, void *gated) {
    struct gate_rows call = rows_of(d, chunk, by_token, heads, head_dim, gates, context);
    if (call.tokens == 0 || heads == 0) return;
    cuda_check(d, gate_launch(&call, gated, cuda_stream_of(d)), "gates");
}

void cuda_gate_gradient(const struct device *d, const struct device_chunk *chunk, bool by_token,
                        int heads, int head_dim, const float *gates, const void *context,
                        void *dcontext, float *dgates) {
    struct gate_rows call = rows_of(d, chunk, by_token, heads, head_dim, gates, context);
    if (call.tokens == 0 || heads == 0) return;
    cuda_check(d, gate_gradient_launch(&call, dcontext, dgates, cuda_stream_of(d)),
               "the gradient of gates");
}
