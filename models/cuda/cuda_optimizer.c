/*
 * The optimiser's step and the clearing of gradients on the card: the table of tensors, cut into
 * launches of as many as a kernel's argument holds. A model of 4 layers is one launch. And the
 * steps of late rows, table by table, before a batch reads them or when all are asked for.
 */
#include "models/cuda/optimizer_kernels.h"
#include "models/cuda/cuda_chunk.h"
#include "models/cuda/cuda_device.h"
#include "models/parameters.h"

/* A tensor in a launch, as its next one. */
static struct cuda_tensor tensor_of(const struct adamw_tensor *tensor, uint32_t first_block) {
    return (struct cuda_tensor){.offset = tensor->offset,
                                .count = tensor->count,
                                .size = tensor->size,
                                .keep = tensor->keep,
                                .first_block = first_block,
                                .dim = tensor->dim,
                                .touched = tensor->touched,
                                .since = tensor->since};
}

/* The tensors of a launch from `first` on; one past the last of them. Of a table with `touched`, or
 * with `since`, a block has so many rows; 0: as many numbers as of any tensor. */
static int group_from(int first, int n, const struct adamw_tensor *tensor, size_t touched_rows,
                      size_t late_rows, struct cuda_tensors *out) {
    int i = first;
    *out = (struct cuda_tensors){0};
    for (; i < n && out->n < CUDA_TENSORS; i++) {
        size_t own = CUDA_TENSOR_BLOCK;
        if (touched_rows && tensor[i].touched) own = touched_rows * (size_t)tensor[i].dim;
        if (late_rows && tensor[i].since) own = late_rows * (size_t)tensor[i].dim;
        size_t blocks = (tensor[i].count + own - 1) / own;
        if (blocks == 0) continue;
        out->tensor[out->n++] = tensor_of(&tensor[i], out->blocks);
        out->blocks += (uint32_t)blocks;
    }
    return i;
}

void cuda_clear_tensors(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                        float *g) {
    struct cuda_tensors group;
    for (int first = 0; first < n_tensors;) {
        first = group_from(first, n_tensors, tensor, CUDA_CLEARED_ROWS, 0, &group);
        cuda_check(d, cuda_launch_clear_tensors(cuda_stream_of(d), &group, g),
                   "the clearing of gradients");
    }
}

void cuda_square_sum(const struct device *d, int n_tensors, const struct adamw_tensor *tensor,
                     const float *g, double *sum) {
    struct cuda_tensors group;
    for (int first = 0; first < n_tensors;) {
        first = group_from(first, n_tensors, tensor, 0, 0, &group);
        cuda_check(
            d, cuda_launch_square_sum(cuda_stream_of(d), &group, g, cuda_state_of(d)->scratch, sum),
            "the norm of the gradients");
    }
}

static struct cuda_adamw rule_of(const struct adamw *step) {
    return (struct cuda_adamw){.beta1 = step->beta1,
                               .beta2 = step->beta2,
                               .epsilon = step->epsilon,
                               .clip_norm = step->clip_norm,
                               .square_sum = step->square_sum,
                               .past = step->past,
                               .n_past = step->n_past};
}

void cuda_adamw(const struct device *d, const struct adamw *step, const float *g, float *mean,
                float *square, float *value) {
    struct cuda_adamw rule = rule_of(step);
    struct cuda_tensors group;
    for (int first = 0; first < step->n_tensors;) {
        first = group_from(first, step->n_tensors, step->tensor, 0, CUDA_LATE_ROWS, &group);
        cuda_check(d,
                   cuda_launch_adamw(cuda_stream_of(d), &group, &rule, g, mean, square, value,
                                     cuda_weights_copy(d, value)),
                   "the optimiser");
    }
}

void cuda_adamw_late(const struct device *d, const struct adamw *step,
                     const struct device_chunk *chunk, const struct parameters *p, float *mean,
                     float *square) {
    struct cuda_adamw rule = rule_of(step);
    float *value = (float *)(void *)p->arena.base;
    for (int i = 0; i < step->n_tensors; i++) {
        if (!step->tensor[i].since) continue;
        struct cuda_tensor table = tensor_of(&step->tensor[i], 0);
        const int32_t *row = chunk ? cuda_chunk_rows(chunk, p, value + table.offset) : NULL;
        cuda_check(d,
                   cuda_launch_late(cuda_stream_of(d), &table, &rule,
                                    chunk ? chunk->batch.n_tokens : 0, row, mean, square, value),
                   "the optimiser's late steps");
    }
}
