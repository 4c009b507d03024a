/*
 * The optimiser's step and the clearing of gradients on the card: the table of tensors, cut into
 * launches of as many as a kernel's argument holds. A model of 4 layers is one launch.
 */
#include "models/cuda/optimizer_kernels.h"
#include "models/cuda/cuda_device.h"

/* The tensors of a launch from `first` on; one past the last of them. by_row: of a table with
 * `touched` a block has so many rows. */
static int group_from(int first, int n, const struct adamw_tensor *tensor, size_t by_row,
                      struct cuda_tensors *out) {
    int i = first;
    *out = (struct cuda_tensors){0};
    for (; i < n && out->n < CUDA_TENSORS; i++) {
        size_t own = CUDA_TENSOR_BLOCK;
        if (by_row && tensor[i].touched) own = by_row * (size_t)tensor[i].dim;
        size_t blocks = (tensor[i].count + own - 1) / own;
        if (blocks == 0) continue;
        out->tensor[out->n++] = (struct cuda_tensor){.offset = tensor[i].offset,
                                                     .count = tensor[i].count,
                                                     .size = tensor[i].size,
                                                     .keep = tensor[i].keep,
                                                     .first_block = out->blocks,
                                                     .dim = tensor[i].dim,
                                                     .touched = tensor[i].touched};
        out->blocks += (uint32_t)blocks;
    }
    return i;
}

void cuda_clear_tensors(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                        float *g) {
    struct cuda_tensors group;
    for (int first = 0; first < n_tensors;) {
        first = group_from(first, n_tensors, tensor, CUDA_CLEARED_ROWS, &group);
        cuda_check(d, cuda_launch_clear_tensors(cuda_stream_of(d), &group, g),
                   "the clearing of gradients");
    }
}

void cuda_square_sum(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                     const float *g, double *sum) {
    struct cuda_tensors group;
    for (int first = 0; first < n_tensors;) {
        first = group_from(first, n_tensors, tensor, 0, &group);
        cuda_check(
            d, cuda_launch_square_sum(cuda_stream_of(d), &group, g, cuda_state_of(d)->scratch, sum),
            "the norm of the gradients");
    }
}

void cuda_adamw(const struct device *d, const struct adamw *step, const float *g, float *mean,
                float *square, float *value) {
    struct cuda_adamw rule = {.beta1 = step->beta1,
                              .beta2 = step->beta2,
                              .epsilon = step->epsilon,
                              .clip_norm = step->clip_norm,
                              .square_sum = step->square_sum};
    struct cuda_tensors group;
    for (int first = 0; first < step->n_tensors;) {
        first = group_from(first, step->n_tensors, step->tensor, 0, &group);
        cuda_check(d,
                   cuda_launch_adamw(cuda_stream_of(d), &group, &rule, g, mean, square, value,
                                     cuda_weights_copy(d, value)),
                   "the optimiser");
    }
}
