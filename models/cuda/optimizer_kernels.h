/*
 * Launches of the optimiser's kernels (optimizer_kernels.cu), and of the copy of weights in bfloat16.
 */
#ifndef HEADROOM_MODELS_CUDA_OPTIMIZER_KERNELS_H
#define HEADROOM_MODELS_CUDA_OPTIMIZER_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Tensors of one launch. They travel as an argument of the kernel, which has room for 4 KB, so
 * nothing is copied to the card first and nothing has to outlive the call. */
enum { CUDA_TENSORS = 80, CUDA_TENSOR_BLOCK = 4096 }; /* floats that a block works on */
struct cuda_tensor {
    size_t offset, count; /* floats */
    float size, keep;
    uint32_t first_block; /* of the launch */
    int dim;              /* columns of embeddings, else 0: only these have a copy in bfloat16 */
    uint8_t *touched;     /* [count / dim], or NULL */
    int32_t *since;       /* [count / dim] of a table whose rows may be late, or NULL */
};
struct cuda_tensors {
    int n;
    uint32_t blocks; /* of all */
    struct cuda_tensor tensor[CUDA_TENSORS];
};

struct cuda_adamw {
    float beta1, beta2, epsilon;
    double clip_norm; /* 0: none */
    const double *square_sum;
    float *past; /* [n_past][2] size, epsilon; room for one more */
    int n_past;
};

/* Blocks of a table with `touched` have CUDA_CLEARED_ROWS rows here. */
enum { CUDA_CLEARED_ROWS = 256 };
cudaError_t cuda_launch_clear_tensors(cudaStream_t stream, const struct cuda_tensors *tensors,
                                      float *g);

/* copy: the values in bfloat16, or NULL; that of embeddings stays as it is. Blocks of a table with
 * `since` have CUDA_LATE_ROWS rows here. */
enum { CUDA_LATE_ROWS = 32 };
cudaError_t cuda_launch_adamw(cudaStream_t stream, const struct cuda_tensors *tensors,
                              const struct cuda_adamw *step, const float *g, float *mean,
                              float *square, float *value, void *copy);

/* Rows row[0] .. row[n - 1] of a table with `since`, which may be there more than once, have all
 * steps of the past; all of its rows where the list is no shorter than the table. row NULL: all,
 * and `since` is 0 then. */
cudaError_t cuda_launch_late(cudaStream_t stream, const struct cuda_tensor *table,
                             const struct cuda_adamw *step, int n, const int32_t *row, float *mean,
                             float *square, float *value);

/* scratch: CUDA_SQUARE_SUMS doubles. */
enum { CUDA_SQUARE_SUMS = 1024 };
cudaError_t cuda_launch_square_sum(cudaStream_t stream, const struct cuda_tensors *tensors,
                                   const float *g, void *scratch, double *sum);

cudaError_t cuda_launch_round(cudaStream_t stream, size_t n, const float *from, void *bf16);

/* Whether the program has kernels for this card: cudaSuccess, or what asking for one gives. */
cudaError_t cuda_kernels_exist(void);

#ifdef __cplusplus
}
#endif

#endif
