/*
 * AdamW over all tensors in one launch, and the sum of squares that clipping needs, in double and
 * always in the same order. Both read each number once: this is the part of a training step that
 * only the memory's speed bounds. A row of embeddings' gradients that no token touched is 0 without
 * being read, which has the same bits; moments and values have their step whatever the gradient,
 * but need not have it now: where a table has `since`, untouched rows are left for later, when all
 * steps that a row is late by are made in registers, and its numbers are read and written once.
 */
#include "models/cuda/number.cuh"
#include "models/cuda/optimizer_kernels.h"

enum { THREADS = 256, SUM_THREADS = 1024 };

/* The tensor of a block, of which the later ones have the larger numbers. */
static __device__ __forceinline__ int tensor_of(const cuda_tensors &tensors, uint32_t block) {
    int low = 0, high = tensors.n - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (tensors.tensor[middle].first_block <= block)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* What a block needs to know of the rows its quads are in. */
struct block_rows {
    const uint8_t *touched; /* from the row of the block's first number on; NULL: all rows are */
    uint32_t column, dim;   /* of that number */
};

/* Quads that lie in two rows are read. */
static __device__ __forceinline__ block_rows rows_of(const cuda_tensor &own, size_t first) {
    if (!own.touched || own.dim % 4 != 0) return {nullptr, 0, 1};
    size_t dim = (size_t)own.dim, row = first / dim;
    return {own.touched + row, (uint32_t)(first - row * dim), (uint32_t)dim};
}

/* Whether the gradient may be other than 0 so many numbers after the block's first. */
static __device__ __forceinline__ bool is_touched(const block_rows &rows, uint32_t after) {
    return !rows.touched || rows.touched[(rows.column + after) / rows.dim] != 0;
}

/* The marked rows among 32 that only this warp has, one after the other; the marks go. */
static __device__ __forceinline__ void clear_rows(const cuda_tensor &own, uint32_t block, float *g,
                                                  bool aligned) {
    size_t dim = (size_t)own.dim, rows = own.count / dim;
    size_t first = (size_t)block * CUDA_CLEARED_ROWS + threadIdx.x / 32 * 32;
    int lane = (int)(threadIdx.x % 32);
    bool mine = first + lane < rows && own.touched[first + lane] != 0;
    bool whole = aligned && dim % 4 == 0;
    for (uint32_t left = __ballot_sync(0xFFFFFFFFu, mine); left != 0; left &= left - 1) {
        float *row = g + own.offset + (first + (size_t)(__ffs((int)left) - 1)) * dim;
        for (int c = 4 * lane; c < own.dim; c += 128)
            store_quad(row + c, quad{}, own.dim - c, whole);
    }
    if (mine) own.touched[first + lane] = 0;
}

static __global__ void __launch_bounds__(THREADS)
    clear_tensors(const __grid_constant__ cuda_tensors tensors, float *g, bool aligned) {
    static_assert((int)CUDA_CLEARED_ROWS == (int)THREADS, "a thread has one mark");
    const cuda_tensor &own = tensors.tensor[tensor_of(tensors, blockIdx.x)];
    size_t first = (size_t)(blockIdx.x - own.first_block) * CUDA_TENSOR_BLOCK;
    aligned = aligned && own.offset % 4 == 0;
    if (own.touched) {
        clear_rows(own, blockIdx.x - own.first_block, g, aligned);
        return;
    }
    for (size_t i = first + 4 * threadIdx.x; i < first + CUDA_TENSOR_BLOCK && i < own.count;
         i += 4 * THREADS) {
        int left = own.count - i < 4 ? (int)(own.count - i) : 4;
        store_quad(g + own.offset + i, quad{}, left, aligned && left == 4);
    }
}

/* One number's step in two halves. Which sums are fused with a product is said here, and not left
 * to how a compiler sees the code around it: a step that is late has the bits of one that is
 * not. */
static __device__ __forceinline__ void step_moments(const cuda_adamw &step, float x, float &m,
                                                    float &s) {
    m = __fmaf_rn(step.beta1, m, __fmul_rn(1.0f - step.beta1, x));
    s = __fmaf_rn(x, __fmul_rn(1.0f - step.beta2, x), __fmul_rn(step.beta2, s));
}

/* To 1 unit of the last place, in one instruction where the exact root takes twenty. */
static __device__ __forceinline__ float fast_root(float x) {
    float root;
    asm("sqrt.approx.f32 %0, %1;" : "=f"(root) : "f"(x));
    return root;
}

/* The root and the quotient are right to some units of the last place of the change, far below what
 * the value keeps of it; exact ones are most of what late steps cost. */
static __device__ __forceinline__ void step_value(float size, float keep, float epsilon, float m,
                                                  float s, float &v) {
    float change = __fdividef(__fmul_rn(size, m), __fadd_rn(fast_root(s), epsilon));
    v = __fsub_rn(__fmul_rn(v, keep), change);
}

/* Whether the change, which is size * m / epsilon at most, is too small for any bit of v: an eighth
 * of the distance between numbers of its size would be. */
static __device__ __forceinline__ bool is_lost(float size, float epsilon, float m, float v) {
    return fabsf(size * m) < epsilon * fabsf(v) * 0x1p-27f;
}

/* The steps of the past from `late` on, of gradients that are 0. False: they change nothing, as the
 * moments are 0. Where changes have become too small a step is what is left of it, as a root and a
 * quotient would be all of its time. */
static __device__ __forceinline__ bool make_up(const cuda_adamw &step, int late, quad &m, quad &s,
                                               quad &v) {
    uint32_t moved = 0;
#pragma unroll
    for (int j = 0; j < 4; j++) moved |= __float_as_uint(m.at[j]) | __float_as_uint(s.at[j]);
    if (late >= step.n_past || (moved == 0 && step.past[2 * late + 1] > 0.0f)) return false;
    for (int i = late; i < step.n_past; i++) {
        float size = step.past[2 * i], epsilon = step.past[2 * i + 1];
        bool lost = true;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            step_moments(step, 0.0f, m.at[j], s.at[j]);
            lost = lost && is_lost(size, epsilon, m.at[j], v.at[j]);
        }
        if (lost) continue;
#pragma unroll
        for (int j = 0; j < 4; j++) step_value(size, 1.0f, epsilon, m.at[j], s.at[j], v.at[j]);
    }
    return true;
}

/* A step now. */
static __device__ __forceinline__ void step_quad(const cuda_adamw &step, const cuda_tensor &own,
                                                 const quad &g, float clip, quad &m, quad &s,
                                                 quad &v) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
        step_moments(step, g.at[j] * clip, m.at[j], s.at[j]);
        step_value(own.size, own.keep, step.epsilon, m.at[j], s.at[j], v.at[j]);
    }
}

/* Where a launch has its numbers, and the factor of the gradients, if it has such. */
struct adamw_arrays {
    const float *g;
    float *mean, *square, *value;
    float clip;
};

/* A row of a table with `since`, from `at` on, which a block's threads share: its step NOW, or
 * those that it is late by. */
template <bool NOW>
static __device__ __forceinline__ void step_row(const cuda_tensor &own, const cuda_adamw &step,
                                                const adamw_arrays &in, size_t at, int since,
                                                bool whole) {
    /* Numbers that were read too early must not look like results. */
    float clip = since < step.n_past ? __int_as_float(0x7FFFFFFF) : in.clip;
    for (int c = 4 * (int)threadIdx.x; c < own.dim; c += 4 * THREADS) {
        size_t i = at + (size_t)c;
        int left = own.dim - c;
        quad m = load_quad(in.mean + i, left, whole), s = load_quad(in.square + i, left, whole),
             v = load_quad(in.value + i, left, whole);
        if (NOW)
            step_quad(step, own, load_quad(in.g + i, left, whole), clip, m, s, v);
        else if (!make_up(step, since, m, s, v))
            continue;
        store_quad(in.mean + i, m, left, whole);
        store_quad(in.square + i, s, left, whole);
        store_quad(in.value + i, v, left, whole);
    }
}

/* Which of a block's rows have steps: NOW the marked ones, else all that are late. Each warp looks
 * at the same 32 of them, before the first notes what those have now, or else all. */
template <bool NOW>
static __device__ __forceinline__ void step_rows(const cuda_tensor &own, uint32_t block,
                                                 const cuda_adamw &step, const adamw_arrays &in,
                                                 int noted, bool aligned) {
    static_assert((int)CUDA_LATE_ROWS == 32, "a lane has one row");
    size_t dim = (size_t)own.dim, first = (size_t)block * CUDA_LATE_ROWS;
    size_t mine = first + threadIdx.x % 32;
    bool exists = mine < own.count / dim;
    int since = exists ? own.since[mine] : step.n_past;
    bool steps = exists && (NOW ? own.touched[mine] != 0 : since < step.n_past);
    __syncthreads();
    if (threadIdx.x < 32 && exists && (steps || !NOW)) own.since[mine] = noted;
    for (uint32_t left = __ballot_sync(0xFFFFFFFFu, steps); left != 0; left &= left - 1) {
        int row = __ffs((int)left) - 1;
        int its_since = __shfl_sync(0xFFFFFFFFu, since, row);
        step_row<NOW>(own, step, in, own.offset + (first + (size_t)row) * dim, its_since,
                      aligned && dim % 4 == 0);
    }
}

static __global__ void __launch_bounds__(THREADS)
    make_up_all(const __grid_constant__ cuda_tensor own, cuda_adamw step, adamw_arrays in,
                int noted, bool aligned) {
    step_rows<false>(own, blockIdx.x, step, in, noted, aligned && own.offset % 4 == 0);
}

/* A block for each place in the list; of those with the same row the first to come has it. */
static __global__ void __launch_bounds__(THREADS)
    make_up_rows(const __grid_constant__ cuda_tensor own, cuda_adamw step, const int32_t *row,
                 adamw_arrays in, bool aligned) {
    __shared__ int since;
    size_t mine = (size_t)row[blockIdx.x], dim = (size_t)own.dim;
    if (threadIdx.x == 0) since = atomicExch(own.since + mine, step.n_past);
    __syncthreads();
    if (since < step.n_past)
        step_row<false>(own, step, in, own.offset + mine * dim, since,
                        aligned && own.offset % 4 == 0 && dim % 4 == 0);
}

/* A thread has so many quads of a block. It asks for all that it needs of them before it uses any,
 * which takes less time than as many bytes asked for by more threads. */
enum { QUADS = CUDA_TENSOR_BLOCK / (4 * THREADS) };

/* A thread's n-th quad: after the block's first number, in the arrays, and what there is of it. */
struct quad_place {
    uint32_t after;
    size_t at;
    int left; /* 0: the tensor has ended */
    bool whole;
};

static __device__ __forceinline__ quad_place place_of(const cuda_tensor &own, size_t first, int n,
                                                      bool aligned) {
    uint32_t after = 4 * (threadIdx.x + (uint32_t)n * THREADS);
    size_t i = first + after;
    int left = i >= own.count ? 0 : own.count - i < 4 ? (int)(own.count - i) : 4;
    return {after, own.offset + i, left, aligned && left == 4};
}

/* Those of a tensor without late rows. */
static __device__ __forceinline__ void step_quads(const cuda_tensor &own, const cuda_adamw &step,
                                                  const adamw_arrays &in, const block_rows &rows,
                                                  size_t first, __nv_bfloat16 *copy, bool aligned) {
    quad m[QUADS], s[QUADS], v[QUADS], g[QUADS] = {};
#pragma unroll
    for (int n = 0; n < QUADS; n++) {
        quad_place p = place_of(own, first, n, aligned);
        m[n] = load_quad(in.mean + p.at, p.left, p.whole);
        s[n] = load_quad(in.square + p.at, p.left, p.whole);
        v[n] = load_quad(in.value + p.at, p.left, p.whole);
        if (p.left > 0 && is_touched(rows, p.after)) g[n] = load_quad(in.g + p.at, p.left, p.whole);
    }
#pragma unroll
    for (int n = 0; n < QUADS; n++) {
        quad_place p = place_of(own, first, n, aligned);
        step_quad(step, own, g[n], in.clip, m[n], s[n], v[n]);
        store_quad(in.mean + p.at, m[n], p.left, p.whole);
        store_quad(in.square + p.at, s[n], p.left, p.whole);
        store_quad(in.value + p.at, v[n], p.left, p.whole);
        if (copy) store_quad(copy + p.at, v[n], p.left, p.whole);
    }
}

static __global__ void __launch_bounds__(THREADS, 2) /* the registers of four quads */
    adamw_tensors(const __grid_constant__ cuda_tensors tensors, cuda_adamw step, const float *g,
                  float *mean, float *square, float *value, __nv_bfloat16 *copy, bool aligned) {
    /* From the end, because square_tensors has just read that: some of it is in cache still. */
    uint32_t block = tensors.blocks - 1 - blockIdx.x;
    const cuda_tensor &own = tensors.tensor[tensor_of(tensors, block)];
    size_t first = (size_t)(block - own.first_block) * CUDA_TENSOR_BLOCK;
    float clip = 1.0f;
    if (step.clip_norm > 0.0) {
        double norm = sqrt(*step.square_sum);
        if (norm > step.clip_norm) clip = (float)(step.clip_norm / norm);
    }
    aligned = aligned && own.offset % 4 == 0;
    const adamw_arrays in = {g, mean, square, value, clip};
    if (own.since) {
        /* A note of this step, which nobody reads in this launch; all such tables write the
         * same. */
        if (block == own.first_block && threadIdx.x == 0) {
            step.past[2 * step.n_past] = own.size;
            step.past[2 * step.n_past + 1] = step.epsilon;
        }
        step_rows<true>(own, block - own.first_block, step, in, step.n_past + 1, aligned);
        return;
    }
    if (own.dim > 0) copy = nullptr;
    step_quads(own, step, in, rows_of(own, first), first, copy, aligned);
}

/* The sum over a block's threads, in thread 0. */
template <int N> static __device__ __forceinline__ double block_sum(double x) {
    __shared__ double shared[N / 32];
    x = warp_sum(x);
    if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = x;
    __syncthreads();
    if (threadIdx.x >= 32) return 0.0;
    return warp_sum(threadIdx.x < N / 32 ? shared[threadIdx.x] : 0.0);
}

/* The marks of rows first, as most blocks are of embeddings and have none. */
static __global__ void __launch_bounds__(THREADS)
    square_tensors(const __grid_constant__ cuda_tensors tensors, const float *g, double *partial,
                   bool aligned) {
    double sum = 0.0;
    for (uint32_t block = blockIdx.x; block < tensors.blocks; block += gridDim.x) {
        const cuda_tensor &own = tensors.tensor[tensor_of(tensors, block)];
        size_t first = (size_t)(block - own.first_block) * CUDA_TENSOR_BLOCK;
        bool on_quads = aligned && own.offset % 4 == 0;
        block_rows rows = rows_of(own, first);
        bool counts[QUADS];
        quad q[QUADS] = {};
#pragma unroll
        for (int n = 0; n < QUADS; n++) {
            quad_place p = place_of(own, first, n, on_quads);
            counts[n] = p.left > 0 && is_touched(rows, p.after);
        }
#pragma unroll
        for (int n = 0; n < QUADS; n++) {
            quad_place p = place_of(own, first, n, on_quads);
            if (counts[n]) q[n] = load_quad(g + p.at, p.left, p.whole);
        }
#pragma unroll
        for (int n = 0; n < QUADS; n++)
#pragma unroll
            for (int j = 0; j < 4; j++) sum += (double)q[n].at[j] * (double)q[n].at[j];
    }
    sum = block_sum<THREADS>(sum);
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

static __global__ void __launch_bounds__(SUM_THREADS)
    add_squares(int n, const double *partial, double *sum) {
    double own = block_sum<SUM_THREADS>((int)threadIdx.x < n ? partial[threadIdx.x] : 0.0);
    if (threadIdx.x == 0) *sum += own;
}

static __global__ void __launch_bounds__(THREADS)
    round_numbers(size_t n, const float *from, __nv_bfloat16 *to, bool aligned) {
    size_t step = 4 * (size_t)gridDim.x * THREADS;
    for (size_t i = 4 * ((size_t)blockIdx.x * THREADS + threadIdx.x); i < n; i += step) {
        int left = n - i < 4 ? (int)(n - i) : 4;
        bool whole = aligned && left == 4;
        store_quad(to + i, load_quad(from + i, left, whole), left, whole);
    }
}

cudaError_t cuda_launch_clear_tensors(cudaStream_t stream, const struct cuda_tensors *tensors,
                                      float *g) {
    if (tensors->blocks == 0) return cudaSuccess;
    clear_tensors<<<tensors->blocks, THREADS, 0, stream>>>(*tensors, g, are_whole(4, g));
    return cudaGetLastError();
}

cudaError_t cuda_launch_adamw(cudaStream_t stream, const struct cuda_tensors *tensors,
                              const struct cuda_adamw *step, const float *g, float *mean,
                              float *square, float *value, void *copy) {
    if (tensors->blocks == 0) return cudaSuccess;
    __nv_bfloat16 *rounded_values = static_cast<__nv_bfloat16 *>(copy);
    bool aligned = are_whole(4, g, mean, square, value, rounded_values);
    adamw_tensors<<<tensors->blocks, THREADS, 0, stream>>>(*tensors, *step, g, mean, square, value,
                                                           rounded_values, aligned);
    return cudaGetLastError();
}

cudaError_t cuda_launch_late(cudaStream_t stream, const struct cuda_tensor *table,
                             const struct cuda_adamw *step, int n, const int32_t *row, float *mean,
                             float *square, float *value) {
    size_t rows = table->count / (size_t)table->dim;
    unsigned blocks = (unsigned)((rows + CUDA_LATE_ROWS - 1) / CUDA_LATE_ROWS);
    adamw_arrays in = {nullptr, mean, square, value, 1.0f};
    bool aligned = are_whole(4, mean, square, value);
    if (rows == 0 || (row && n == 0)) return cudaSuccess;
    if (row && (size_t)n < rows)
        make_up_rows<<<(unsigned)n, THREADS, 0, stream>>>(*table, *step, row, in, aligned);
    else
        make_up_all<<<blocks, THREADS, 0, stream>>>(*table, *step, in, row ? step->n_past : 0,
                                                    aligned);
    return cudaGetLastError();
}

cudaError_t cuda_launch_square_sum(cudaStream_t stream, const struct cuda_tensors *tensors,
                                   const float *g, void *scratch, double *sum) {
    if (tensors->blocks == 0) return cudaSuccess;
    static_assert((int)CUDA_SQUARE_SUMS <= (int)SUM_THREADS, "a thread has one partial sum");
    unsigned blocks = tensors->blocks, most = CUDA_SQUARE_SUMS;
    if (blocks > most) blocks = most;
    double *partial = static_cast<double *>(scratch);
    square_tensors<<<blocks, THREADS, 0, stream>>>(*tensors, g, partial, are_whole(4, g));
    add_squares<<<1, SUM_THREADS, 0, stream>>>((int)blocks, partial, sum);
    return cudaGetLastError();
}

cudaError_t cuda_launch_round(cudaStream_t stream, size_t n, const float *from, void *bf16) {
    if (n == 0) return cudaSuccess;
    __nv_bfloat16 *to = static_cast<__nv_bfloat16 *>(bf16);
    size_t blocks = (n + 4 * THREADS - 1) / (4 * THREADS), most = 1u << 20;
    round_numbers<<<(unsigned)(blocks < most ? blocks : most), THREADS, 0, stream>>>(
        n, from, to, are_whole(4, from, to));
    return cudaGetLastError();
}

cudaError_t cuda_kernels_exist(void) {
    struct cudaFuncAttributes attributes;
    return cudaFuncGetAttributes(&attributes, round_numbers);
}
