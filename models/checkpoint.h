/*
 * Checkpoints in the safetensors layout (8-byte little-endian header length, JSON header, raw
 * little- endian F32 tensors), so that Python users open them with the library they have, and can
 * train elsewhere and profile here. The engine keeps weights head-major; a file is always PyTorch's
 * [out, in]. The strided views below carry one into the other, so neither side knows the other's
 * layout.
 */
#ifndef HEADROOM_MODELS_CHECKPOINT_H
#define HEADROOM_MODELS_CHECKPOINT_H

#include "models/base/error.h"
#include <stdint.h>

/* One tensor as the file names it, over the engine's memory. Element (g, r, c) of a tensor of
 * groups x rows x cols lives at data[g*group_stride + r*row_stride + c*col_stride]; in the file
 * it is row (g*rows + r), column c of shape[0] x shape[1] (rank 1: rows*groups numbers, cols =
 * 1). */
struct tensor_view {
    char name[96];
    int rank;
    int64_t shape[2];
    float *data;
    int64_t groups, rows, cols;
    int64_t group_stride, row_stride, col_stride;
};

struct metadata {
    const char *key, *value;
};

/* Writes path atomically (temporary name, fsync, rename). Tensors in the given order, offsets
 * packed. */
bool checkpoint_write(const char *path, const struct metadata *meta, size_t n_meta,
                      const struct tensor_view *views, size_t n_views, struct error *error);

/* An opened file: header parsed and every offset checked against the file's size. */
struct checkpoint;
bool checkpoint_open(const char *path, struct checkpoint **out, struct error *error);
const char *checkpoint_metadata(const struct checkpoint *checkpoint, const char *key); /* or NULL */

/* SHA-256 of all bytes of the file, as 64 hexadecimal digits. */
bool checkpoint_sha256(const struct checkpoint *checkpoint, char out[65], struct error *error);

/* Fills all views. Refuses, by name, a tensor that is missing, undeclared (in the file but in no
 * view), misshapen, of another dtype, overlapping, out of range, or with a number that is not
 * finite. */
bool checkpoint_read(const struct checkpoint *checkpoint, const struct tensor_view *views,
                     size_t n_views, struct error *error);
void checkpoint_close(struct checkpoint *checkpoint);

#endif
