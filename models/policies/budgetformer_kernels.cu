/*
 * BudgetFormer's gates on a card: a warp for one input, its heads shared out among the lanes, in
 * double, with the arithmetic that the processor runs too (budgetformer_row.h and the gates beside
 * it), so that they agree to rounding.
 *
 * There are few rows, and a call is over in some microseconds: what counts is that nothing goes to
 * the host, that nobody does one head after the other, and how few launches there are. So the
 * products of both networks are made here, as one, in float32: they are small, and each output has
 * one owner, who adds up in an order that does not depend on how many rows there are.
 */
#include "models/cuda/number.cuh"
#include "models/policies/budgetformer_gate.h"
#include "models/policies/budgetformer_kernels.h"

namespace {

enum { THREADS = 256, WARP = 32, WARPS = THREADS / WARP };

/* ---- the gate of a variant ---- */

struct soft {
    static __host__ __device__ int space(int) {
        return 0;
    }
    static __device__ double noise(const rng *draws, uint64_t high, uint64_t low) {
        return philox_normal(draws, high, low);
    }
    static __device__ void forward(const budget_row *row, const float *z, float *a, double *space) {
        soft_forward(row, z, a, space);
    }
    static __device__ double backward(const budget_row *row, const float *da, double *dz,
                                      double *space) {
        return soft_backward(row, da, dz, space);
    }
};

struct gumbel {
    static __host__ __device__ int space(int heads) {
        return gumbel_space(heads);
    }
    static __device__ double noise(const rng *draws, uint64_t high, uint64_t low) {
        return gumbel_draw(draws, high, low);
    }
    static __device__ void forward(const budget_row *row, const float *z, float *a, double *space) {
        gumbel_forward(row, z, a, space);
    }
    static __device__ double backward(const budget_row *row, const float *da, double *dz,
                                      double *space) {
        return gumbel_backward(row, da, dz, space);
    }
};

struct softmax {
    static __host__ __device__ int space(int heads) {
        return 2 * heads;
    }
    static __device__ double noise(const rng *draws, uint64_t high, uint64_t low) {
        return philox_normal(draws, high, low);
    }
    static __device__ void forward(const budget_row *row, const float *z, float *a, double *space) {
        softmax_forward(row, z, a, space);
    }
    static __device__ double backward(const budget_row *row, const float *da, double *dz,
                                      double *space) {
        return softmax_backward(row, da, dz, space);
    }
};

/* Doubles of a row's workspace, in shared memory: noisy scores or the task's gradient [heads], then
 * what the gate needs, or a softmax and its logarithm. */
template <typename Gate> __host__ __device__ int space_of(int heads) {
    const int gate = Gate::space(heads);
    return heads + (gate > 2 * heads ? gate : 2 * heads);
}

/* ---- the first layers of both networks ---- */

__device__ inline const float *weights_of(const budget_networks &net, int column) {
    return column < net.width ? net.w1 + (size_t)column * (size_t)net.dim
                              : net.wd + (size_t)(column - net.width) * (size_t)net.dim;
}

/* A warp for a column of ASK_ROWS rows, whose weights it reads once. */
enum { ASK_ROWS = 8 };

__global__ void __launch_bounds__(THREADS) ask_networks(const budget_networks net, bool whole) {
    const int column = (int)blockIdx.x * WARPS + (int)threadIdx.x / WARP, own = lane();
    const int first = (int)blockIdx.y * ASK_ROWS, rows = min((int)ASK_ROWS, net.rows - first);
    if (column >= net.width + net.heads) return;
    const float *weights = weights_of(net, column);
    const float *x = net.x + (size_t)first * (size_t)net.dim;
    float sum[ASK_ROWS] = {}, mine = 0.0f;
#pragma unroll 2
    for (int c = 4 * own; c < net.dim; c += 4 * WARP) {
        const quad w = load_quad(weights + c, net.dim - c, whole);
        quad q[ASK_ROWS];
#pragma unroll
        for (int i = 0; i < ASK_ROWS; i++) /* the last row for those that are not there */
            q[i] =
                load_quad(x + (size_t)min(i, rows - 1) * (size_t)net.dim + c, net.dim - c, whole);
#pragma unroll
        for (int i = 0; i < ASK_ROWS; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) sum[i] = fmaf(q[i].at[j], w.at[j], sum[i]);
    }
#pragma unroll
    for (int i = 0; i < ASK_ROWS; i++) {
        const float total = warp_sum(sum[i]);
        if (own == i) mine = total;
    }
    if (own >= rows) return;
    const size_t row = (size_t)(first + own);
    if (column < net.width)
        net.hidden[row * (size_t)net.width + (size_t)column] = fmaxf(mine + net.b1[column], 0.0f);
    else
        net.z[row * (size_t)net.heads + (size_t)(column - net.width)] =
            mine + net.bd[column - net.width];
}

/* ---- rows: a block is a warp, and has one ---- */

__device__ inline float *shared_of(const budget_rows &rows, int r) {
    return rows.shared ? rows.shared + (size_t)r * SHARED_FLOATS : nullptr;
}

/* s of a row, and its scores where they are drawn; the processor's find_budget and draw_scores. */
__device__ inline float find_row(const budget_layer &layer, uint64_t high,
                                 const budget_networks &net, const budget_rows &rows, int r) {
    const float *hidden = net.hidden + (size_t)r * (size_t)net.width;
    float *z = net.z + (size_t)r * (size_t)layer.heads;
    float logit = 0.0f, s = 0.0f;
    for (int i = lane(); i < net.width; i += LANES) logit = fmaf(hidden[i], net.w2[i], logit);
    logit = warp_sum(logit);
    if (!layer.learned)
        for (int h = lane(); h < layer.heads; h += LANES)
            z[h] = (float)philox_normal(&rows.draws, high, budget_counter(rows.ids[r], h));
    if (lane() == 0) {
        s = budget_found(&layer, layer.asks ? budget_of_logit(logit, net.b2[0]) : 0.0f,
                         shared_of(rows, r));
        net.s[r] = s;
    }
    lanes_meet();
    return __shfl_sync(0xFFFFFFFFu, s, 0);
}

template <typename Gate>
__global__ void __launch_bounds__(WARP)
    train_rows(const budget_told *told, const budget_networks net, const budget_rows rows, float *a,
               double *terms) {
    extern __shared__ double shared[];
    const budget_layer layer = told->layer;
    const uint64_t high = told->high;
    const int r = (int)blockIdx.x, heads = layer.heads;
    double *space = shared + heads;
    float *noisy = reinterpret_cast<float *>(shared);
    const size_t first = (size_t)r * (size_t)heads;
    const float *z = net.z + first;
    const float s = find_row(layer, high, net, rows, r);
    for (int h = lane(); h < heads; h += LANES) {
        noisy[h] = z[h];
        if (layer.learned && layer.sigma > 0.0)
            noisy[h] += (float)(layer.sigma *
                                Gate::noise(&rows.draws, high, budget_counter(rows.ids[r], h)));
    }
    lanes_meet();
    const budget_row row = {&layer, (double)s, rows.kept + first};
    Gate::forward(&row, noisy, a + first, space);
    lanes_meet();
    const double entropy = budget_has_entropy(&layer)
                               ? budget_softmax(z, layer.tau, heads, space, space + heads)
                               : 0.0;
    if (lane() > 0) return;
    terms[2 * (size_t)r] = layer.share * budget_regulariser(&layer, row.s, entropy);
    terms[2 * (size_t)r + 1] = entropy;
}

/* Adds up what the rows of a layer have to say: one block. */
__global__ void __launch_bounds__(THREADS)
    sum_rows(int n, bool has_entropy, const double *terms, const float *s, const budget_sums sums) {
    __shared__ double part[3][THREADS];
    const int thread = (int)threadIdx.x;
    double regulariser = 0.0, entropy = 0.0, budget = 0.0;
    for (int r = thread; r < n; r += THREADS) {
        regulariser += terms[2 * (size_t)r];
        entropy += terms[2 * (size_t)r + 1];
        budget += (double)s[r];
    }
    part[0][thread] = regulariser;
    part[1][thread] = entropy;
    part[2][thread] = budget;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();
        if (thread < half)
            for (int i = 0; i < 3; i++) part[i][thread] += part[i][thread + half];
    }
    if (thread > 0) return;
    *sums.regulariser += part[0][0];
    *sums.budget += part[2][0];
    *sums.n_budget += n;
    if (!has_entropy) return;
    *sums.entropy += part[1][0];
    *sums.n_entropy += n;
}

template <typename Gate>
__global__ void __launch_bounds__(WARP)
    backward_rows(const budget_told *told, const budget_networks net, const budget_rows rows,
                  const float *da) {
    extern __shared__ double shared[];
    const budget_layer layer = told->layer;
    const int r = (int)blockIdx.x, heads = layer.heads;
    double *task = shared, *space = shared + heads;
    const size_t first = (size_t)r * (size_t)heads;
    const budget_row row = {&layer, (double)net.s[r], rows.kept + first};
    const double ds = Gate::backward(&row, da + first, task, space);
    lanes_meet();
    budget_scores_gradient(&layer, task, net.z + first, space, space + heads);
    if (lane() > 0) return;
    net.s[r] = budget_logit_gradient(
        &layer, row.s, ds + layer.share * budget_regulariser_ds(&layer, row.s), shared_of(rows, r));
}

__global__ void __launch_bounds__(WARP)
    decide_rows(paper_mode mode, double tau, const budget_told told, const budget_networks net,
                const budget_rows rows, float *decision, float *a) {
    extern __shared__ double shared[];
    const budget_layer &layer = told.layer;
    const int r = (int)blockIdx.x, heads = layer.heads;
    float *to = decision + (size_t)r * (size_t)(1 + heads);
    const float *z = net.z + (size_t)r * (size_t)heads;
    const float s = find_row(layer, told.high, net, rows, r);
    if (lane() == 0) to[0] = s;
    for (int h = lane(); h < heads; h += LANES) to[1 + h] = z[h];
    lanes_meet();
    paper_select_row(mode, tau, heads, to, a + (size_t)r * (size_t)heads, shared);
}

/* ---- gradients of the networks, from those of z and of f_o's end ---- */

/* Of column j of row r of the first layers. */
__device__ inline float column_gradient(const budget_networks &net, int r, int j) {
    if (j >= net.width) return net.z[(size_t)r * (size_t)net.heads + (size_t)(j - net.width)];
    const float hidden = net.hidden[(size_t)r * (size_t)net.width + (size_t)j];
    const float down = net.s[r] * net.w2[j]; /* asked for with `hidden`, and not after it */
    return hidden > 0.0f ? down : 0.0f;      /* the ReLU */
}

/* A block's tile of a product, TILE x 4 WARP of it, added to `out`: out(i)[c] += sum over k of
 * factor(k, i) row(k)[c], for i below `left`. A warp takes every WARPS-th k. */
enum { TILE = 4 };

template <typename Factor, typename Row, typename Out>
__device__ void add_tile(int left, int depth, int dim, int first, bool whole, const Factor &factor,
                         const Row &row, const Out &out) {
    __shared__ quad part[WARPS][TILE][WARP];
    const int own = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP, c = first + 4 * own;
    quad sum[TILE] = {};
    if (c < dim)
#pragma unroll 4
        for (int k = warp; k < depth; k += WARPS) {
            const quad q = load_quad(row(k) + c, dim - c, whole);
#pragma unroll
            for (int i = 0; i < TILE; i++) {
                const float f = i < left ? factor(k, i) : 0.0f;
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i].at[j] = fmaf(f, q.at[j], sum[i].at[j]);
            }
        }
#pragma unroll
    for (int i = 0; i < TILE; i++) part[warp][i][own] = sum[i];
    __syncthreads();
    if (warp >= TILE || warp >= left || c >= dim) return; /* warp i ends row i */
    float *to = out(warp) + c;
    quad total = load_quad(to, dim - c, whole);
    for (int w = 0; w < WARPS; w++)
#pragma unroll
        for (int j = 0; j < 4; j++) total.at[j] += part[w][warp][own].at[j];
    store_quad(to, total, dim - c, whole);
}

/* What is a sum over rows alone, a warp for each column: all biases, and w2. */
__device__ inline void add_columns(const budget_networks &net, int j) {
    const int columns = net.width + net.heads;
    float sum = 0.0f, product = 0.0f;
    if (j > columns || (j == columns && net.width == 0)) return;
    for (int r = lane(); r < net.rows; r += LANES) {
        sum += j < columns ? column_gradient(net, r, j) : net.s[r];
        if (j < net.width)
            product =
                fmaf(net.s[r], net.hidden[(size_t)r * (size_t)net.width + (size_t)j], product);
    }
    sum = warp_sum(sum);
    product = warp_sum(product);
    if (lane() > 0) return;
    if (j < net.width) {
        net.db1[j] += sum;
        net.dw2[j] += product;
    } else if (j < columns) {
        net.dbd[j - net.width] += sum;
    } else {
        net.db2[0] += sum;
    }
}

/* blockIdx.y: tiles of the weights' rows, then of x's rows, then columns by themselves. */
__global__ void __launch_bounds__(THREADS)
    add_gradients(const budget_networks net, int weight_tiles, int x_tiles, bool whole) {
    const int y = (int)blockIdx.y, columns = net.width + net.heads;
    const int first = (int)blockIdx.x * 4 * WARP;
    const size_t dim = (size_t)net.dim;
    if (y < weight_tiles) {
        const int j = TILE * y;
        add_tile(
            columns - j, net.rows, net.dim, first, whole,
            [&](int r, int i) { return column_gradient(net, r, j + i); },
            [&](int r) { return net.x + (size_t)r * dim; },
            [&](int i) {
                return j + i < net.width ? net.dw1 + (size_t)(j + i) * dim
                                         : net.dwd + (size_t)(j + i - net.width) * dim;
            });
    } else if (y < weight_tiles + x_tiles) {
        const int r = TILE * (y - weight_tiles);
        add_tile(
            net.rows - r, columns, net.dim, first, whole,
            [&](int j, int i) { return column_gradient(net, r + i, j); },
            [&](int j) { return weights_of(net, j); },
            [&](int i) { return net.dx + (size_t)(r + i) * dim; });
    } else if (blockIdx.x == 0) {
        add_columns(net, (y - weight_tiles - x_tiles) * WARPS + (int)threadIdx.x / WARP);
    }
}

int tiles_for(int n, int tile) {
    return (n + tile - 1) / tile;
}

template <typename Gate> size_t space_bytes(int heads) {
    return (size_t)space_of<Gate>(heads) * sizeof(double);
}

template <typename Gate>
cudaError_t train(int heads, const budget_told *told, const budget_networks &net,
                  const budget_rows &rows, float *a, double *terms, cudaStream_t stream) {
    train_rows<Gate>
        <<<(unsigned)net.rows, WARP, space_bytes<Gate>(heads), stream>>>(told, net, rows, a, terms);
    return cudaGetLastError();
}

template <typename Gate>
cudaError_t backward(int heads, const budget_told *told, const budget_networks &net,
                     const budget_rows &rows, const float *da, cudaStream_t stream) {
    backward_rows<Gate>
        <<<(unsigned)net.rows, WARP, space_bytes<Gate>(heads), stream>>>(told, net, rows, da);
    return cudaGetLastError();
}

} // namespace

cudaError_t budget_ask_launch(const struct budget_networks *networks, cudaStream_t stream) {
    const budget_networks &net = *networks;
    const int columns = net.width + net.heads;
    if (columns == 0 || net.rows == 0) return cudaSuccess;
    const dim3 grid((unsigned)tiles_for(columns, WARPS), (unsigned)tiles_for(net.rows, ASK_ROWS));
    ask_networks<<<grid, THREADS, 0, stream>>>(net, are_whole(net.dim, net.x, net.w1, net.wd));
    return cudaGetLastError();
}

cudaError_t budget_train_launch(enum budget_kind kind, const struct budget_layer *layer,
                                const struct budget_told *told,
                                const struct budget_networks *networks,
                                const struct budget_rows *rows, float *a, double *terms,
                                const struct budget_sums *sums, cudaStream_t stream) {
    const int n = networks->rows, heads = layer->heads;
    if (n == 0) return cudaSuccess;
    const cudaError_t status =
        kind == BUDGET_SOFT     ? train<soft>(heads, told, *networks, *rows, a, terms, stream)
        : kind == BUDGET_GUMBEL ? train<gumbel>(heads, told, *networks, *rows, a, terms, stream)
                                : train<softmax>(heads, told, *networks, *rows, a, terms, stream);
    if (status != cudaSuccess) return status;
    sum_rows<<<1, THREADS, 0, stream>>>(n, budget_has_entropy(layer), terms, networks->s, *sums);
    return cudaGetLastError();
}

cudaError_t budget_backward_launch(enum budget_kind kind, const struct budget_layer *layer,
                                   const struct budget_told *told,
                                   const struct budget_networks *networks,
                                   const struct budget_rows *rows, const float *da,
                                   cudaStream_t stream) {
    if (networks->rows == 0) return cudaSuccess;
    const int heads = layer->heads;
    return kind == BUDGET_SOFT     ? backward<soft>(heads, told, *networks, *rows, da, stream)
           : kind == BUDGET_GUMBEL ? backward<gumbel>(heads, told, *networks, *rows, da, stream)
                                   : backward<softmax>(heads, told, *networks, *rows, da, stream);
}

cudaError_t budget_gradient_launch(const struct budget_networks *networks, cudaStream_t stream) {
    const budget_networks &net = *networks;
    const int columns = net.width + net.heads;
    if (columns == 0 || net.rows == 0) return cudaSuccess;
    const int weight_tiles = tiles_for(columns, TILE), x_tiles = tiles_for(net.rows, TILE);
    const dim3 grid((unsigned)tiles_for(net.dim, 4 * WARP),
                    (unsigned)(weight_tiles + x_tiles + tiles_for(columns + 1, WARPS)));
    add_gradients<<<grid, THREADS, 0, stream>>>(
        net, weight_tiles, x_tiles,
        are_whole(net.dim, net.x, net.w1, net.wd, net.dw1, net.dwd, net.dx));
    return cudaGetLastError();
}

cudaError_t budget_decide_launch(enum paper_mode mode, double tau, const struct budget_told *told,
                                 const struct budget_networks *networks,
                                 const struct budget_rows *rows, float *decision, float *a,
                                 cudaStream_t stream) {
    if (networks->rows == 0) return cudaSuccess;
    decide_rows<<<(unsigned)networks->rows, WARP, 2 * (size_t)told->layer.heads * sizeof(double),
                  stream>>>(mode, tau, *told, *networks, *rows, decision, a);
    return cudaGetLastError();
}
