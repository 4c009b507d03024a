/*
 * Where the rows of one head of one input lie, for every attention kernel: of a chunk's heads, of
 * heads that were chosen, and of the gradient; `which` counts heads of inputs, or segments.
 */
#ifndef HEADROOM_MODELS_CUDA_ATTENTION_ROWS_CUH
#define HEADROOM_MODELS_CUDA_ATTENTION_ROWS_CUH

#include "models/cuda/attention_kernels.h"

#include <cuda_bf16.h>
#include <math.h>

enum { WARP = 32 };

/* Rows of an operand in memory: `rows` of them are there, and `cols` numbers of each from `at` on;
 * aligned: groups of 4 numbers are. */
template <typename T> struct matrix_rows {
    const T *at;
    size_t ld;
    int rows, cols;
    bool aligned;
};

/* One head of one input, forward. */
template <typename T> struct head_rows {
    const T *q, *k, *v;
    T *out;
    size_t ld_q, ld_kv, ld_out;
    int queries, keys, head_dim;
    bool aligned;
    float *log_sum;    /* [queries] or NULL */
    const float *gate; /* NULL: 1 */
    int gate_step;     /* from one query's gate to the next: 0 or 1 */
};

template <typename T> __device__ head_rows<T> head_rows_of(const chunk_attention &call, int which) {
    const int b = which / call.heads, h = which % call.heads;
    const int token = call.offsets[b], n = call.offsets[b + 1] - token, d = call.head_dim;
    const size_t slab = ((size_t)token * (size_t)call.heads + (size_t)h) * (size_t)d;
    const size_t ld = (size_t)call.heads * (size_t)d;
    head_rows<T> head = {};
    head.q = static_cast<const T *>(call.qkv) + 3 * slab;
    head.k = head.q + d;
    head.v = head.k + d;
    head.out = static_cast<T *>(call.context) + slab;
    head.ld_q = head.ld_kv = 3 * ld;
    head.ld_out = ld;
    head.queries = head.keys = n;
    head.head_dim = d;
    head.aligned = d % 4 == 0;
    if (call.log_sum) head.log_sum = call.log_sum + (size_t)h * (size_t)call.tokens + token;
    if (call.gates) {
        head.gate = call.gates + which;
        if (*head.gate == 0.0f) head.queries = 0; /* nobody asks: the block ends */
    }
    return head;
}

template <typename T>
__device__ head_rows<T> head_rows_of(const packed_attention &call, int which) {
    const packed_head s = call.segment[which];
    const size_t d = (size_t)call.head_dim;
    head_rows<T> head = {};
    head.ld_q = call.kv ? d : 3 * d;
    head.ld_kv = call.kv ? 2 * d : 3 * d;
    head.ld_out = d;
    head.q = static_cast<const T *>(call.q) + (size_t)s.query * head.ld_q;
    head.k = call.kv ? static_cast<const T *>(call.kv) + (size_t)s.key * head.ld_kv : head.q + d;
    head.v = head.k + d;
    head.out = static_cast<T *>(call.context) + (size_t)s.query * d;
    head.queries = s.n_queries;
    head.keys = s.length;
    head.head_dim = call.head_dim;
    head.aligned = d % 4 == 0;
    head.gate = call.gate + (call.by_query ? (size_t)s.query : (size_t)which);
    head.gate_step = call.by_query ? 1 : 0;
    return head;
}

enum { Q, K, V };

/* One head of one input, backward. */
template <typename T> struct gradient_rows {
    const T *qkv, *out, *up; /* q, then k and v head_dim further on; dout */
    T *dqkv;
    const float *log_sum;
    float *delta;
    size_t ld, ld_up;
    int n, head_dim;
    bool aligned;

    __device__ matrix_rows<T> part(int which, int first, int rows, int column) const {
        return {qkv + (size_t)first * ld + which * head_dim + column, ld, rows, head_dim - column,
                aligned};
    }
    __device__ matrix_rows<T> above(int first, int rows, int column) const {
        return {up + (size_t)first * ld_up + column, ld_up, rows, head_dim - column, aligned};
    }
};

template <typename T>
__device__ gradient_rows<T> gradient_rows_of(const chunk_attention &call, int which) {
    const int b = which / call.heads, h = which % call.heads;
    const int token = call.offsets[b], n = call.offsets[b + 1] - token, d = call.head_dim;
    const size_t slab = ((size_t)token * (size_t)call.heads + (size_t)h) * (size_t)d;
    const size_t ld = (size_t)call.heads * (size_t)d, row = (size_t)h * (size_t)call.tokens + token;
    return {static_cast<const T *>(call.qkv) + 3 * slab,
            static_cast<const T *>(call.context) + slab,
            static_cast<const T *>(call.dcontext) + slab,
            static_cast<T *>(call.dqkv) + 3 * slab,
            call.log_sum + row,
            call.delta + row,
            3 * ld,
            ld,
            n,
            d,
            d % 4 == 0};
}

/* Starts a kernel with more shared memory than one gets without asking. */
template <typename Kernel, typename... Arguments>
inline cudaError_t attention_start(Kernel kernel, dim3 grid, int threads, int bytes,
                                   cudaStream_t stream, const Arguments &...arguments) {
    constexpr int unasked = 48 << 10;
    const cudaError_t status =
        bytes <= unasked
            ? cudaSuccess
            : cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
    if (status != cudaSuccess) return status;
    kernel<<<grid, threads, (size_t)bytes, stream>>>(arguments...);
    return cudaGetLastError();
}

#endif
