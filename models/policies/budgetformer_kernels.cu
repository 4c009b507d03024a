/*
 * BudgetFormer's gates on a card: one thread for one input, in double, with the arithmetic that the
 * processor runs too (budgetformer_row.h and the gates beside it), so that they agree to rounding.
 * Rows are few and short, and a layer's gates take some microseconds whatever is done; what counts
 * is that nothing goes to the host.
 *
 * Workspace of a row lies in shared memory: in local memory a card would reserve it for all threads
 * that it can hold. Sums of a layer are made by one block, in one order.
 */
#include "models/policies/budgetformer_kernels.h"
#include "models/policies/budgetformer_gate.h"

namespace {

enum { THREADS = 256, ROWS = 32, SHARED_BYTES = 48 * 1024 };

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

/* Doubles of a row's workspace: noisy scores or the task's gradient [heads], then what the gate
 * needs, or a softmax and its logarithm. */
template <typename Gate> __host__ __device__ int space_of(int heads) {
    const int gate = Gate::space(heads);
    return heads + (gate > 2 * heads ? gate : 2 * heads);
}

__device__ inline float *shared_of(const budget_rows &rows, int r) {
    return rows.shared ? rows.shared + (size_t)r * SHARED_FLOATS : nullptr;
}

/* The budget and the scores of a row, where the processor's budget_found and ask_scores or
 * draw_scores leave them. */
__device__ inline void find_row(const budget_layer &layer, const budget_rows &rows, int r) {
    const float own = layer.asks ? budget_of_logit(rows.s[r], rows.b2[0]) : 0.0f;
    float *z = rows.z + (size_t)r * (size_t)layer.heads;
    rows.s[r] = budget_found(&layer, own, shared_of(rows, r));
    for (int h = 0; h < layer.heads; h++)
        z[h] = layer.learned
                   ? z[h] + rows.bd[h]
                   : (float)philox_normal(&rows.draws, rows.high, budget_counter(rows.ids[r], h));
}

template <typename Gate>
__global__ void train_rows(const budget_layer layer, const budget_rows rows, float *a,
                           double *terms) {
    extern __shared__ double shared[];
    const int r = (int)(blockIdx.x * blockDim.x + threadIdx.x), heads = layer.heads;
    if (r >= rows.n) return;
    double *space = shared + threadIdx.x * (unsigned)space_of<Gate>(heads);
    float *noisy = reinterpret_cast<float *>(space);
    const size_t first = (size_t)r * (size_t)heads;
    const float *z = rows.z + first;
    find_row(layer, rows, r);
    for (int h = 0; h < heads; h++) {
        noisy[h] = z[h];
        if (layer.learned && layer.sigma > 0.0)
            noisy[h] += (float)(layer.sigma * Gate::noise(&rows.draws, rows.high,
                                                          budget_counter(rows.ids[r], h)));
    }
    const budget_row row = {&layer, (double)rows.s[r], rows.kept + first};
    space += heads;
    Gate::forward(&row, noisy, a + first, space);
    const double entropy = budget_has_entropy(&layer)
                               ? budget_softmax(z, layer.tau, heads, space, space + heads)
                               : 0.0;
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
__global__ void backward_rows(const budget_layer layer, const budget_rows rows, const float *da) {
    extern __shared__ double shared[];
    const int r = (int)(blockIdx.x * blockDim.x + threadIdx.x), heads = layer.heads;
    if (r >= rows.n) return;
    double *task = shared + threadIdx.x * (unsigned)space_of<Gate>(heads), *space = task + heads;
    const size_t first = (size_t)r * (size_t)heads;
    const budget_row row = {&layer, (double)rows.s[r], rows.kept + first};
    double ds = Gate::backward(&row, da + first, task, space);
    budget_scores_gradient(&layer, task, rows.z + first, space, space + heads);
    ds += layer.share * budget_regulariser_ds(&layer, row.s);
    rows.s[r] = budget_logit_gradient(&layer, row.s, ds, shared_of(rows, r));
}

__global__ void decide_rows(const budget_layer layer, const budget_rows rows, float *decision) {
    const int r = (int)(blockIdx.x * blockDim.x + threadIdx.x), heads = layer.heads;
    if (r >= rows.n) return;
    float *to = decision + (size_t)r * (size_t)(1 + heads);
    find_row(layer, rows, r);
    to[0] = rows.s[r];
    for (int h = 0; h < heads; h++) to[1 + h] = rows.z[(size_t)r * (size_t)heads + (size_t)h];
}

__global__ void select_rows(paper_mode mode, double tau, int n, int heads, const float *decision,
                            float *a) {
    extern __shared__ double shared[];
    const int r = (int)(blockIdx.x * blockDim.x + threadIdx.x);
    if (r >= n) return;
    paper_select_row(mode, tau, heads, decision + (size_t)r * (size_t)(1 + heads),
                     a + (size_t)r * (size_t)heads, shared + threadIdx.x * 2u * (unsigned)heads);
}

__global__ void __launch_bounds__(THREADS)
    make_hidden(size_t n, size_t width, const float *bias, float *hidden) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= n) return;
    const float value = hidden[i] + bias[i % width];
    hidden[i] = value > 0.0f ? value : 0.0f;
}

__global__ void __launch_bounds__(THREADS)
    hidden_gradient(size_t n, size_t width, const float *dlogit, const float *w2, float *hidden) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= n) return;
    hidden[i] = hidden[i] > 0.0f ? dlogit[i / width] * w2[i % width] : 0.0f; /* the ReLU */
}

unsigned blocks_of(size_t threads, size_t block) {
    return (unsigned)((threads + block - 1) / block);
}

/* Inputs of a block, one thread each: as many as have their workspace in shared memory. */
int block_of(size_t row_bytes) {
    const size_t most = SHARED_BYTES / row_bytes;
    return most > ROWS ? ROWS : (int)most;
}

template <typename Gate>
cudaError_t train(const budget_layer &layer, const budget_rows &rows, float *a, double *terms,
                  cudaStream_t stream) {
    const size_t bytes = (size_t)space_of<Gate>(layer.heads) * sizeof(double);
    const int block = block_of(bytes);
    train_rows<Gate>
        <<<blocks_of((size_t)rows.n, (size_t)block), block, (size_t)block * bytes, stream>>>(
            layer, rows, a, terms);
    return cudaGetLastError();
}

template <typename Gate>
cudaError_t backward(const budget_layer &layer, const budget_rows &rows, const float *da,
                     cudaStream_t stream) {
    const size_t bytes = (size_t)space_of<Gate>(layer.heads) * sizeof(double);
    const int block = block_of(bytes);
    backward_rows<Gate>
        <<<blocks_of((size_t)rows.n, (size_t)block), block, (size_t)block * bytes, stream>>>(
            layer, rows, da);
    return cudaGetLastError();
}

} // namespace

cudaError_t budget_hidden_launch(int n, int width, const float *bias, float *hidden,
                                 cudaStream_t stream) {
    const size_t size = (size_t)n * (size_t)width;
    make_hidden<<<blocks_of(size, THREADS), THREADS, 0, stream>>>(size, (size_t)width, bias,
                                                                  hidden);
    return cudaGetLastError();
}

cudaError_t budget_train_launch(enum budget_kind kind, const struct budget_layer *layer,
                                const struct budget_rows *rows, float *a, double *terms,
                                const struct budget_sums *sums, cudaStream_t stream) {
    const cudaError_t status = kind == BUDGET_SOFT ? train<soft>(*layer, *rows, a, terms, stream)
                               : kind == BUDGET_GUMBEL
                                   ? train<gumbel>(*layer, *rows, a, terms, stream)
                                   : train<softmax>(*layer, *rows, a, terms, stream);
    if (status != cudaSuccess) return status;
    sum_rows<<<1, THREADS, 0, stream>>>(rows->n, budget_has_entropy(layer), terms, rows->s, *sums);
    return cudaGetLastError();
}

cudaError_t budget_backward_launch(enum budget_kind kind, const struct budget_layer *layer,
                                   const struct budget_rows *rows, const float *da,
                                   cudaStream_t stream) {
    return kind == BUDGET_SOFT     ? backward<soft>(*layer, *rows, da, stream)
           : kind == BUDGET_GUMBEL ? backward<gumbel>(*layer, *rows, da, stream)
                                   : backward<softmax>(*layer, *rows, da, stream);
}

cudaError_t budget_hidden_gradient_launch(int n, int width, const float *dlogit, const float *w2,
                                          float *hidden, cudaStream_t stream) {
    const size_t size = (size_t)n * (size_t)width;
    hidden_gradient<<<blocks_of(size, THREADS), THREADS, 0, stream>>>(size, (size_t)width, dlogit,
                                                                      w2, hidden);
    return cudaGetLastError();
}

cudaError_t budget_decide_launch(const struct budget_layer *layer, const struct budget_rows *rows,
                                 float *decision, cudaStream_t stream) {
    decide_rows<<<blocks_of((size_t)rows->n, ROWS), ROWS, 0, stream>>>(*layer, *rows, decision);
    return cudaGetLastError();
}

cudaError_t budget_select_launch(enum paper_mode mode, double tau, int n, int heads,
                                 const float *decision, float *a, cudaStream_t stream) {
    const size_t bytes = 2 * (size_t)heads * sizeof(double);
    const int block = block_of(bytes);
    select_rows<<<blocks_of((size_t)n, (size_t)block), block, (size_t)block * bytes, stream>>>(
        mode, tau, n, heads, decision, a);
    return cudaGetLastError();
}
