/*
 * LayerNorm, a warp to a row, and the ends of sublayers, which meet it on both sides: forward, the
 * residual sum is normalised by the warp that makes it; backward, the gradient that LayerNorm adds
 * to goes through the end of the sublayer before while it is at hand. The variance is that of the
 * centred values, as on the CPU, of a row that lies in registers until then, and in shared memory
 * what is beyond 768 columns. Of few rows the time is that of waiting for memory, so a lane asks
 * for all that it needs before it uses, and above all before it stores, any of it.
 *
 * Gradients of weight, bias and the branch's bias are column sums. Here a warp keeps those of its
 * rows in shared memory, where each lane has columns of its own, and a block writes the sum of its
 * warps; the blocks are added up later, always in the same order (columns.cuh).
 */
#include "models/cuda/columns.cuh"
#include "models/cuda/dropout.cuh"

enum { NORM_ROWS = 8 };           /* warps of a block, at most */
enum { KEPT = 6 };                /* quads that a lane keeps: a row of 768 */
enum { FREE_SHARED = 48 << 10 };  /* bytes that a block has without asking */
enum { ASKED_SHARED = 96 << 10 }; /* and that every card of 8.0 or later has */

/* Warps of a block that each need so many floats of shared memory; bytes: of all. */
static int warps_of(int floats, size_t *bytes) {
    size_t own = (size_t)floats * sizeof(float);
    int warps = NORM_ROWS;
    while (warps > 1 && (size_t)warps * own > ASKED_SHARED) warps /= 2;
    *bytes = (size_t)warps * own;
    return warps;
}

template <typename Kernel> static cudaError_t allow(Kernel kernel, size_t bytes) {
    if (bytes <= FREE_SHARED) return cudaSuccess;
    return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
}

static __host__ __device__ __forceinline__ int padded(int dim) {
    return (dim + 3) / 4 * 4;
}

/* Where the rows that are normalised come from: x, or out = x + drop(branch + bias). */
template <typename T> struct norm_source {
    const float *x;
    const T *branch; /* NULL: x alone */
    const float *bias;
    float *out;
    cuda_mask mask;
};

/* What four numbers of a row are made of. */
struct source_quad {
    quad x, branch, bias;
};

/* ENDS: there is a branch. */
template <bool WHOLE, bool ENDS, typename T>
static __device__ __forceinline__ source_quad load_source(const norm_source<T> &from, int row,
                                                          int dim, int c) {
    size_t at = (size_t)row * (size_t)dim + c;
    int left = dim - c;
    source_quad s = {};
    s.x = load_quad(from.x + at, left, WHOLE);
    if (!ENDS) return s;
    s.branch = load_quad(from.branch + at, left, WHOLE);
    s.bias = load_quad(from.bias + c, left, WHOLE);
    return s;
}

template <bool WHOLE, bool ENDS, typename T>
static __device__ __forceinline__ quad finish_source(const norm_source<T> &from, int row, int dim,
                                                     int c, const source_quad &s) {
    if (!ENDS) return s.x;
    quad q = s.branch;
#pragma unroll
    for (int j = 0; j < 4; j++) q.at[j] += s.bias.at[j];
    drop_quad(from.mask, row, dim, c, q);
#pragma unroll
    for (int j = 0; j < 4; j++) q.at[j] += s.x.at[j];
    store_quad(from.out + (size_t)row * (size_t)dim + c, q, dim - c, WHOLE);
    return q;
}

/* The quad normalised, to y. */
template <bool WHOLE, typename T>
static __device__ __forceinline__ void store_norm(T *y, const quad &x, const quad &weight,
                                                  const quad &bias, float mu, float inv, int left) {
    quad q;
#pragma unroll
    for (int j = 0; j < 4; j++) q.at[j] = (x.at[j] - mu) * inv * weight.at[j] + bias.at[j];
    store_quad(y, q, left, WHOLE);
}

static __device__ __forceinline__ void add_quad(const quad &q, float *sum) {
#pragma unroll
    for (int j = 0; j < 4; j++) *sum += q.at[j];
}

static __device__ __forceinline__ void add_deviation(const quad &q, float mu, int left,
                                                     float *square) {
#pragma unroll
    for (int j = 0; j < 4; j++)
        if (j < left) *square += (q.at[j] - mu) * (q.at[j] - mu);
}

/* Floats of shared memory for what a warp does not keep. */
static __host__ __device__ __forceinline__ int norm_rest(int dim) {
    return dim > 128 * KEPT ? padded(dim - 128 * KEPT) : 0;
}

template <bool WHOLE, bool ENDS, typename T>
static __global__ void __launch_bounds__(32 * NORM_ROWS, 2)
    norm_rows(int rows, int dim, norm_source<T> from, cuda_norm_of norm, T *y) {
    extern __shared__ float4 norm_shared[];
    int row = (int)(blockIdx.x * blockDim.y + threadIdx.y);
    if (row >= rows) return;
    float *rest = reinterpret_cast<float *>(norm_shared) + threadIdx.y * norm_rest(dim);
    int first = 4 * (int)threadIdx.x, beyond = first + 128 * KEPT;
    float sum = 0.0f, square = 0.0f;
    source_quad asked[KEPT];
    quad kept[KEPT], weight[KEPT], bias[KEPT];
    T *to = y + (size_t)row * (size_t)dim;
#pragma unroll
    for (int i = 0, c = first; i < KEPT; i++, c += 128)
        if (c < dim) asked[i] = load_source<WHOLE, ENDS>(from, row, dim, c);
#pragma unroll
    for (int i = 0, c = first; i < KEPT; i++, c += 128)
        if (c < dim) {
            kept[i] = finish_source<WHOLE, ENDS>(from, row, dim, c, asked[i]);
            add_quad(kept[i], &sum);
        }
#pragma unroll
    for (int i = 0, c = first; i < KEPT; i++, c += 128)
        if (c < dim) {
            weight[i] = load_quad(norm.weight + c, dim - c, WHOLE);
            bias[i] = load_quad(norm.bias + c, dim - c, WHOLE);
        }
    for (int c = beyond; c < dim; c += 128) {
        source_quad s = load_source<WHOLE, ENDS>(from, row, dim, c);
        quad q = finish_source<WHOLE, ENDS>(from, row, dim, c, s);
        operands_put<4>(rest + (c - 128 * KEPT), q.at);
        add_quad(q, &sum);
    }
    float mu = warp_sum(sum) / (float)dim;
#pragma unroll
    for (int i = 0, c = first; i < KEPT; i++, c += 128)
        if (c < dim) add_deviation(kept[i], mu, dim - c, &square);
    for (int c = beyond; c < dim; c += 128)
        add_deviation(operands_get<4>(rest + (c - 128 * KEPT)), mu, dim - c, &square);
    float inv = 1.0f / sqrtf(warp_sum(square) / (float)dim + norm.eps);
#pragma unroll
    for (int i = 0, c = first; i < KEPT; i++, c += 128)
        if (c < dim) store_norm<WHOLE>(to + c, kept[i], weight[i], bias[i], mu, inv, dim - c);
    for (int c = beyond; c < dim; c += 128)
        store_norm<WHOLE>(to + c, operands_get<4>(rest + (c - 128 * KEPT)),
                          load_quad(norm.weight + c, dim - c, WHOLE),
                          load_quad(norm.bias + c, dim - c, WHOLE), mu, inv, dim - c);
    if (threadIdx.x != 0) return;
    if (norm.mean) norm.mean[row] = mu;
    if (norm.rstd) norm.rstd[row] = inv;
}

/* What the gradient of a LayerNorm reads and writes; dy and branch may be one array. */
template <typename T> struct norm_gradient_of {
    const float *x, *weight, *mean, *rstd;
    const T *dy;
    float *dx;
    T *branch; /* NULL: no sublayer ends before */
    cuda_mask mask;
};

static __device__ __forceinline__ void add_to_quad(float *sum, const quad &q) {
    quad own = operands_get<4>(sum);
#pragma unroll
    for (int j = 0; j < 4; j++) own.at[j] += q.at[j];
    operands_put<4>(sum, own.at);
}

/* Four columns of a row: x becomes xhat. */
struct gradient_quad {
    quad x, dy, dx;
};

template <bool WHOLE, typename T>
static __device__ __forceinline__ gradient_quad load_gradient(const norm_gradient_of<T> &of,
                                                              size_t at, int left) {
    return {load_quad(of.x + at, left, WHOLE), load_quad(of.dy + at, left, WHOLE),
            load_quad(of.dx + at, left, WHOLE)};
}

/* To the sums over the row of g and g xhat; beyond the row the weight reads 0. */
static __device__ __forceinline__ void add_gradient(gradient_quad &g, const quad &weight, float mu,
                                                    float inv, float *sum, float *dot) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
        float down = g.dy.at[j] * weight.at[j];
        g.x.at[j] = (g.x.at[j] - mu) * inv;
        *sum += down;
        *dot += down * g.x.at[j];
    }
}

/* dx += inv (g - sum - xhat dot), and the branch's gradient from it; to the columns' sums. */
template <bool WHOLE, typename T>
static __device__ __forceinline__ void
finish_gradient(const norm_gradient_of<T> &of, int row, int dim, int c, gradient_quad &g,
                const quad &weight, float inv, float sum, float dot, float *sums) {
    size_t at = (size_t)row * (size_t)dim + c;
    int left = dim - c, stride = padded(dim);
#pragma unroll
    for (int j = 0; j < 4; j++) {
        g.dx.at[j] += inv * (g.dy.at[j] * weight.at[j] - sum - g.x.at[j] * dot);
        g.x.at[j] *= g.dy.at[j];
    }
    store_quad(of.dx + at, g.dx, left, WHOLE);
    add_to_quad(sums + c, g.x);
    add_to_quad(sums + stride + c, g.dy);
    if (!of.branch) return;
    drop_quad(of.mask, row, dim, c, g.dx);
    store_quad(of.branch + at, g.dx, left, WHOLE);
    add_to_quad(sums + 2 * stride + c, g.dx);
}

/* With g = dy * weight and xhat = (x - mean) * rstd: dx += rstd (g - mean(g) - xhat mean(g xhat)).
 * A lane asks for its first quads of x, dy and dx at once and keeps them; later ones it reads
 * again. sums: the warp's of dy xhat, dy and the branch's gradient, [3][padded(dim)]. */
template <bool WHOLE, typename T>
static __device__ __forceinline__ void gradient_row(int row, int dim, const norm_gradient_of<T> &of,
                                                    float *sums) {
    size_t at = (size_t)row * (size_t)dim;
    int first = 4 * (int)threadIdx.x;
    float mu = of.mean[row], inv = of.rstd[row], sum = 0.0f, dot = 0.0f;
    gradient_quad kept[KEPT];
#pragma unroll
    for (int i = 0; i < KEPT; i++) {
        int c = first + 128 * i;
        if (c < dim) kept[i] = load_gradient<WHOLE>(of, at + c, dim - c);
    }
#pragma unroll
    for (int i = 0; i < KEPT; i++) {
        int c = first + 128 * i;
        if (c < dim)
            add_gradient(kept[i], load_quad(of.weight + c, dim - c, WHOLE), mu, inv, &sum, &dot);
    }
    for (int c = first + 128 * KEPT; c < dim; c += 128) {
        gradient_quad g = load_gradient<WHOLE>(of, at + c, dim - c);
        add_gradient(g, load_quad(of.weight + c, dim - c, WHOLE), mu, inv, &sum, &dot);
    }
    sum = warp_sum(sum) / (float)dim;
    dot = warp_sum(dot) / (float)dim;
#pragma unroll
    for (int i = 0; i < KEPT; i++) {
        int c = first + 128 * i;
        if (c < dim)
            finish_gradient<WHOLE>(of, row, dim, c, kept[i],
                                   load_quad(of.weight + c, dim - c, WHOLE), inv, sum, dot, sums);
    }
    for (int c = first + 128 * KEPT; c < dim; c += 128) {
        gradient_quad g = load_gradient<WHOLE>(of, at + c, dim - c);
        quad weight = load_quad(of.weight + c, dim - c, WHOLE);
        float unused = 0.0f;
        add_gradient(g, weight, mu, inv, &unused, &unused);
        finish_gradient<WHOLE>(of, row, dim, c, g, weight, inv, sum, dot, sums);
    }
}

/* partial[3][part][dim], a part of part_rows rows to a block; blockDim.y divides part_rows. */
template <bool WHOLE, typename T>
static __global__ void __launch_bounds__(32 * NORM_ROWS, 2)
    norm_rows_gradient(int rows, int dim, int part_rows, norm_gradient_of<T> of, float *partial) {
    extern __shared__ float4 norm_shared[];
    float *shared = reinterpret_cast<float *>(norm_shared);
    int stride = padded(dim), first = (int)blockIdx.x * part_rows;
    int end = rows - first < part_rows ? rows : first + part_rows;
    float *own = shared + threadIdx.y * 3 * stride;
    for (int c = (int)threadIdx.x; c < 3 * stride; c += 32) own[c] = 0.0f;
    __syncwarp();
    for (int row = first + (int)threadIdx.y; row < end; row += (int)blockDim.y)
        gradient_row<WHOLE>(row, dim, of, own);
    __syncthreads();
    int sums = of.branch ? 3 : 2;
    for (int n = 0; n < sums; n++)
        for (int c = (int)(threadIdx.y * 32 + threadIdx.x); c < dim; c += 32 * (int)blockDim.y) {
            float total = 0.0f;
            for (int warp = 0; warp < (int)blockDim.y; warp++)
                total += shared[(warp * 3 + n) * stride + c];
            partial[((size_t)n * gridDim.x + blockIdx.x) * (size_t)dim + c] = total;
        }
}

template <typename T>
static cudaError_t norm(cudaStream_t stream, int rows, int dim, const norm_source<T> &from,
                        const cuda_norm_of &norm, T *y) {
    bool whole =
        are_whole(dim, from.x, from.branch, from.bias, from.out, norm.weight, norm.bias, y);
    size_t bytes;
    int warps = warps_of(norm_rest(dim), &bytes);
    auto kernel = from.branch ? (whole ? norm_rows<true, true, T> : norm_rows<false, true, T>)
                              : (whole ? norm_rows<true, false, T> : norm_rows<false, false, T>);
    cudaError_t status = allow(kernel, bytes);
    if (status != cudaSuccess) return status;
    kernel<<<(unsigned)((rows + warps - 1) / warps), dim3(32, (unsigned)warps), bytes, stream>>>(
        rows, dim, from, norm, y);
    return cudaGetLastError();
}

template <typename T>
static cudaError_t norm_gradient(cudaStream_t stream, int rows, int dim,
                                 const norm_gradient_of<T> &of, struct cuda_column_sums *sums,
                                 float *const *out) {
    bool whole = are_whole(dim, of.x, of.weight, of.dy, static_cast<const float *>(of.dx),
                           static_cast<const T *>(of.branch));
    size_t bytes;
    int warps = warps_of(3 * padded(dim), &bytes);
    int part_rows = warps; /* the least, so that few rows still go to many blocks */
    while ((rows + part_rows - 1) / part_rows > CUDA_NORM_PARTS) part_rows += warps;
    int parts = (rows + part_rows - 1) / part_rows;
    auto kernel = whole ? norm_rows_gradient<true, T> : norm_rows_gradient<false, T>;
    cudaError_t status = allow(kernel, bytes);
    if (status != cudaSuccess) return status;
    kernel<<<(unsigned)parts, dim3(32, (unsigned)warps), bytes, stream>>>(
        rows, dim, part_rows, of, sums->memory + sums->used);
    put_off(sums, of.branch ? 3 : 2, parts, dim, out);
    return cudaGetLastError();
}

cudaError_t cuda_launch_norm(cudaStream_t stream, bool bf16, int rows, int dim, const float *x,
                             const struct cuda_norm_of *of, void *y) {
    if (rows == 0) return cudaSuccess;
    if (bf16)
        return norm<__nv_bfloat16>(stream, rows, dim, {x, nullptr, nullptr, nullptr, {}}, *of,
                                   static_cast<__nv_bfloat16 *>(y));
    return norm<float>(stream, rows, dim, {x, nullptr, nullptr, nullptr, {}}, *of,
                       static_cast<float *>(y));
}

cudaError_t cuda_launch_residual_norm(cudaStream_t stream, bool bf16, int tokens, int dim,
                                      const float *bias, const struct cuda_mask *mask,
                                      const void *branch, const float *x, float *out,
                                      const struct cuda_norm_of *of, void *y) {
    if (tokens == 0) return cudaSuccess;
    if (bf16)
        return norm<__nv_bfloat16>(
            stream, tokens, dim, {x, static_cast<const __nv_bfloat16 *>(branch), bias, out, *mask},
            *of, static_cast<__nv_bfloat16 *>(y));
    return norm<float>(stream, tokens, dim,
                       {x, static_cast<const float *>(branch), bias, out, *mask}, *of,
                       static_cast<float *>(y));
}

cudaError_t cuda_launch_norm_gradient(cudaStream_t stream, bool bf16, int rows, int dim,
                                      const float *x, const struct cuda_norm_of *of, const void *dy,
                                      struct cuda_column_sums *sums, float *dweight, float *dbias,
                                      float *dx, const struct cuda_mask *mask, void *branch,
                                      float *dbranch_bias) {
    if (rows == 0) return cudaSuccess;
    float *out[] = {dweight, dbias, dbranch_bias};
    if (bf16)
        return norm_gradient<__nv_bfloat16>(stream, rows, dim,
                                            {x, of->weight, of->mean, of->rstd,
                                             static_cast<const __nv_bfloat16 *>(dy), dx,
                                             static_cast<__nv_bfloat16 *>(branch), *mask},
                                            sums, out);
    return norm_gradient<float>(stream, rows, dim,
                                {x, of->weight, of->mean, of->rstd, static_cast<const float *>(dy),
                                 dx, static_cast<float *>(branch), *mask},
                                sums, out);
}
