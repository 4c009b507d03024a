/*
 * Embedding: rows of up to four tables are added up for each token. Its gradient goes the other way
 * round: each row of a table sums its own tokens, in ascending order, by the plan that the host
 * made (models/chunk_plan.h), so no two threads add to the same number.
 */
#include "models/cuda/dropout.cuh"

static __global__ void __launch_bounds__(256)
    embed_rows(int tokens, int dim, cuda_embed embed, cuda_mask mask, float *x, bool whole) {
    int token = tile_row();
    if (token >= tokens) return;
    for (int c = tile_first(); c < dim; c += tile_step()) {
        int left = dim - c;
        quad sum = {};
#pragma unroll
        for (int t = 0; t < CUDA_EMBED_TABLES; t++) {
            const cuda_embed_table &table = embed.table[t];
            if (!table.values) continue;
            const float *row = table.values + (size_t)table.row[token] * (size_t)dim;
            quad q = load_quad(row + c, left, whole);
#pragma unroll
            for (int j = 0; j < 4; j++) sum.at[j] += q.at[j];
        }
        drop_quad(mask, token, dim, c, sum);
        store_quad(x + (size_t)token * (size_t)dim + c, sum, left, whole);
    }
}

static __global__ void __launch_bounds__(256)
    drop_rows(int tokens, int dim, cuda_mask mask, float *x, bool whole) {
    int token = tile_row();
    if (token >= tokens) return;
    float *row = x + (size_t)token * (size_t)dim;
    for (int c = tile_first(); c < dim; c += tile_step()) {
        quad q = load_quad(row + c, dim - c, whole);
        drop_quad(mask, token, dim, c, q);
        store_quad(row + c, q, dim - c, whole);
    }
}

/* A row's only piece goes on from what the row of the gradient holds, in the CPU's order. */
static __global__ void __launch_bounds__(256)
    sum_pieces(int dim, cuda_embed_sums sums, const float *dx, float *partial, float *g,
               bool whole) {
    int piece = tile_row();
    if (piece >= sums.n_pieces) return;
    int slot = sums.piece_slot[piece], end = sums.piece_first[piece + 1];
    if (sums.touched && tile_first() == 0) sums.touched[sums.piece_row[piece]] = 1;
    float *to = slot < 0 ? g + (size_t)sums.piece_row[piece] * (size_t)dim
                         : partial + (size_t)slot * (size_t)dim;
    for (int c = tile_first(); c < dim; c += tile_step()) {
        int left = dim - c;
        quad sum = {};
        if (slot < 0) sum = load_quad(to + c, left, whole);
#pragma unroll 4
        for (int i = sums.piece_first[piece]; i < end; i++) {
            quad q = load_quad(dx + (size_t)sums.order[i] * (size_t)dim + c, left, whole);
#pragma unroll
            for (int j = 0; j < 4; j++) sum.at[j] += q.at[j];
        }
        store_quad(to + c, sum, left, whole);
    }
}

static __global__ void __launch_bounds__(256)
    add_pieces(int dim, cuda_embed_sums sums, const float *partial, float *g, bool whole) {
    int own = tile_row();
    if (own >= sums.n_sums) return;
    float *to = g + (size_t)sums.sum_row[own] * (size_t)dim;
    int end = sums.sum_first[own + 1];
    for (int c = tile_first(); c < dim; c += tile_step()) {
        int left = dim - c;
        quad sum = load_quad(to + c, left, whole);
#pragma unroll 4
        for (int slot = sums.sum_first[own]; slot < end; slot++) {
            quad q = load_quad(partial + (size_t)slot * (size_t)dim + c, left, whole);
#pragma unroll
            for (int j = 0; j < 4; j++) sum.at[j] += q.at[j];
        }
        store_quad(to + c, sum, left, whole);
    }
}

cudaError_t cuda_launch_embed(cudaStream_t stream, int tokens, int dim,
                              const struct cuda_embed *embed, const struct cuda_mask *mask,
                              float *x) {
    if (tokens == 0) return cudaSuccess;
    row_tiles tiles = tiles_of(tokens, dim);
    const cuda_embed_table *t = embed->table;
    bool whole = are_whole(dim, t[0].values, t[1].values, t[2].values, t[3].values, x);
    embed_rows<<<tiles.grid, tiles.block, 0, stream>>>(tokens, dim, *embed, *mask, x, whole);
    return cudaGetLastError();
}

cudaError_t cuda_launch_drop(cudaStream_t stream, int tokens, int dim, const struct cuda_mask *mask,
                             float *x) {
    if (tokens == 0 || !mask->drops) return cudaSuccess;
    row_tiles tiles = tiles_of(tokens, dim);
    drop_rows<<<tiles.grid, tiles.block, 0, stream>>>(tokens, dim, *mask, x, are_whole(dim, x));
    return cudaGetLastError();
}

cudaError_t cuda_launch_embed_sums(cudaStream_t stream, int dim, const struct cuda_embed_sums *sums,
                                   const float *dx, void *scratch, float *g) {
    if (sums->n_pieces == 0) return cudaSuccess;
    float *partial = static_cast<float *>(scratch);
    bool whole = are_whole(dim, dx, partial, g);
    row_tiles tiles = tiles_of(sums->n_pieces, dim, true);
    sum_pieces<<<tiles.grid, tiles.block, 0, stream>>>(dim, *sums, dx, partial, g, whole);
    if (sums->n_sums > 0) {
        tiles = tiles_of(sums->n_sums, dim, true);
        add_pieces<<<tiles.grid, tiles.block, 0, stream>>>(dim, *sums, partial, g, whole);
    }
    return cudaGetLastError();
}
