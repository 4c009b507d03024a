/*
 * Narrow heads on the rows where they lie. A head of 8 dimensions has so few columns that bringing
 * its rows together, and adding them back, costs as much as its products do, and a library packs
 * all rows anew for each head. Here its weights are packed, a few kilobytes, and runs of neighbours
 * that chose it are multiplied where they are: nothing is gathered or scattered. Arrays are laid out
 * as where all heads run; what was not chosen is left out of them.
 *
 * Each element is one chain of multiply-adds in the order of k, to which the bias or the stream is
 * added, head after head: whatever others chose, an input has the same bits.
 */
#include "models/cpu/kernels.h"

#include <string.h>

/* A vector; a tile of rows whose sums, in up to WIDEST vectors each, stay in registers; and one whose
 * stream and sums both do. */
#ifdef __AVX512F__
enum { VECTOR = 16, TILE = 8, ADD_ROWS = 4, ADD_VECTORS = 2 };
#elif defined(__AVX__)
enum { VECTOR = 8, TILE = 4, ADD_ROWS = 6, ADD_VECTORS = 1 };
#else
enum { VECTOR = 4, TILE = 4, ADD_ROWS = 6, ADD_VECTORS = 1 };
#endif
enum { WIDEST = 3 };
typedef float vector __attribute__((vector_size(VECTOR * sizeof(float))));

/* Where this is faster (README.md): packing pays off from some tokens on, and columns that
 * fill a library's tiles have nothing to gain. */
enum { LEAST_TOKENS = 128, MOST_COLUMNS = 48, MOST_DEPTH = 128 };

static int vectors_of(int cols) {
    return (cols + VECTOR - 1) / VECTOR;
}

bool heads_fit_in_place(int heads, int head_dim, int dim, int tokens) {
    int cols = 3 * head_dim;
    return tokens >= LEAST_TOKENS && cols <= MOST_COLUMNS && dim <= MOST_DEPTH &&
           vectors_of(2 * cols) * VECTOR * dim <= ATTENTION_SCRATCH &&
           heads * head_dim * vectors_of(dim) * VECTOR <= ATTENTION_SCRATCH;
}

/* Weights as the tiles read them, in panels of up to WIDEST vectors: [k][vectors] of each. What the
 * last vector has beyond `cols` is 0. */
struct packed {
    int k, cols;
    const float *panels;
};

/* Vectors of the next panel where `cols` columns are left. */
static int panel_vectors(int cols) {
    int vectors = vectors_of(cols);
    return vectors < WIDEST ? vectors : vectors == WIDEST + 1 ? 2 : WIDEST;
}

/* B[k][cols] from b[k * step_k + col * step_col]. */
static struct packed pack(int k, int cols, const float *b, size_t step_k, size_t step_col,
                          float *panels) {
    float *to = panels;
    for (int first = 0; first < cols;) {
        int width = panel_vectors(cols - first) * VECTOR;
        int used = cols - first < width ? cols - first : width;
        for (int i = 0; i < k; i++, to += width) {
            const float *from = b + (size_t)i * step_k + (size_t)first * step_col;
            for (int c = 0; c < used; c++) to[c] = from[(size_t)c * step_col];
            for (int c = used; c < width; c++) to[c] = 0.0f;
        }
        first += width;
    }
    return (struct packed){k, cols, panels};
}

/* Up to TILE rows of A and where their products go: out = base + A B, with ld_base and ld_out floats
 * between rows. */
struct tile {
    int rows, ld_base, ld_out;
    const float *row[TILE], *base;
    float *out;
};

static inline vector load(const float *from) {
    vector value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline void add(int n, const float *base, const float *sum, float *out) {
    for (int i = 0; i < n; i++) out[i] = base[i] + sum[i];
}

/* out = base + sums for all rows of a tile; the last vector has `last` columns. Inlined with
 * constants, as its caller is. */
static inline __attribute__((always_inline)) void
keep_all(int rows, int vectors, int last, vector sum[TILE][WIDEST], const struct tile *tile) {
    for (int r = 0; r < rows; r++) {
        const float *base = tile->base + (size_t)r * (size_t)tile->ld_base;
        float *out = tile->out + (size_t)r * (size_t)tile->ld_out;
        for (int v = 0; v < vectors - (last < VECTOR); v++) {
            vector value = load(base + (size_t)v * VECTOR) + sum[r][v];
            memcpy(out + (size_t)v * VECTOR, &value, sizeof value);
        }
        if (last == VECTOR) continue;
        float part[VECTOR];
        memcpy(part, &sum[r][vectors - 1], sizeof part);
        add(last, base + (size_t)(vectors - 1) * VECTOR, part,
            out + (size_t)(vectors - 1) * VECTOR);
    }
}

/* The same for the rows and columns that are there. */
static void keep_some(int vectors, int cols, vector sum[TILE][WIDEST], const struct tile *tile) {
    float part[WIDEST * VECTOR];
    for (int r = 0; r < tile->rows; r++) {
        memcpy(part, sum[r], (size_t)vectors * sizeof(vector));
        add(cols, tile->base + (size_t)r * (size_t)tile->ld_base, part,
            tile->out + (size_t)r * (size_t)tile->ld_out);
    }
}

/* A tile of up to `rows` rows and one panel of `vectors` vectors, of which `cols` columns are there.
 * Inlined with the first two constant, so that all sums stay in registers. A tile that is not full
 * has its last row again, and does not keep it. */
static inline __attribute__((always_inline)) void
multiply_tile(int rows, int vectors, int k, const float *panel, int cols, const struct tile *tile) {
    vector sum[TILE][WIDEST];
    const float *a[TILE];
    for (int r = 0; r < rows; r++) {
        a[r] = tile->row[r];
        for (int v = 0; v < vectors; v++) sum[r][v] = (vector){0};
    }
    for (int i = 0; i < k; i++, panel += (size_t)vectors * VECTOR) {
        vector b[WIDEST];
        for (int v = 0; v < vectors; v++) b[v] = load(panel + (size_t)v * VECTOR);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++) sum[r][v] += a[r][i] * b[v];
    }
    if (tile->rows == rows && cols >= vectors * VECTOR) {
        keep_all(rows, vectors, VECTOR, sum, tile);
    } else if (tile->rows == rows && cols == vectors * VECTOR - VECTOR / 2) {
        keep_all(rows, vectors, VECTOR / 2, sum, tile);
    } else {
        vector copy[TILE][WIDEST]; /* what is passed on lies in memory; `sum` need not */
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++) copy[r][v] = sum[r][v];
        keep_some(vectors, cols < vectors * VECTOR ? cols : vectors * VECTOR, copy, tile);
    }
}

/* One tile of rows by all panels. */
static void multiply_panels(const struct packed *b, struct tile *tile) {
    const float *panel = b->panels;
    for (int left = b->cols; left > 0;) {
        int vectors = panel_vectors(left), width = vectors * VECTOR;
        if (vectors == 3)
            multiply_tile(TILE, 3, b->k, panel, left, tile);
        else if (vectors == 2)
            multiply_tile(TILE, 2, b->k, panel, left, tile);
        else
            multiply_tile(TILE, 1, b->k, panel, left, tile);
        panel += (size_t)b->k * (size_t)width;
        tile->base += width;
        tile->out += width;
        left -= width;
    }
}

/* out[rows][cols] = base + A[rows][k] B; ld_base 0: the same row, a bias, for all. */
static void multiply_rows(int rows, const float *a, const struct packed *b, const float *base,
                          int ld_base, float *out, int ld_out) {
    for (int first = 0; first < rows; first += TILE) {
        struct tile tile = {.rows = rows - first < TILE ? rows - first : TILE,
                            .ld_base = ld_base,
                            .ld_out = ld_out,
                            .base = base + (size_t)first * (size_t)ld_base,
                            .out = out + (size_t)first * (size_t)ld_out};
        for (int r = 0; r < TILE; r++)
            tile.row[r] = a + (size_t)(first + (r < tile.rows ? r : tile.rows - 1)) * (size_t)b->k;
        multiply_panels(b, &tile);
    }
}

/* Which of the n heads from h on input b chose, as bits. */
static int choice_of(const struct device_chosen *chosen, int b, int h, int n) {
    const float *gate = chosen->gates + (size_t)b * (size_t)chosen->heads + h;
    int bits = 0;
    for (int i = 0; i < n; i++) bits |= (gate[i] != 0.0f) << i;
    return bits;
}

/* Q, K, V of n heads from h on, for the inputs that chose `bits` of the `of` heads from `at` on: runs
 * of neighbours at a time. */
static void project_those(const struct batch *batch, const struct device_chosen *chosen, int at,
                          int of, int bits, int h, int n) {
    const float *x = chosen->norm;
    float *qkv = chosen->qkv;
    int dim = chosen->dim, own = 3 * chosen->head_dim, width = chosen->heads * own;
    size_t slab = (size_t)h * (size_t)own;
    struct packed b = {0};
    for (int from = 0, end; from < batch->n_samples; from = end) {
        end = from + 1;
        if (choice_of(chosen, from, at, of) != bits) continue;
        while (end < batch->n_samples && choice_of(chosen, end, at, of) == bits) end++;
        if (!b.panels)
            b = pack(dim, n * own, chosen->qkv_weight + slab * (size_t)dim, 1, (size_t)dim,
                     chosen->scratch);
        size_t first = (size_t)batch->offsets[from];
        multiply_rows(batch->offsets[end] - batch->offsets[from], x + first * (size_t)dim, &b,
                      chosen->qkv_bias + slab, 0, qkv + first * (size_t)width + slab, width);
    }
}

void heads_project_in_place(const struct batch *batch, const struct device_chosen *chosen) {
    int cols = 3 * chosen->head_dim;
    int most = vectors_of(2 * cols) < 2 * vectors_of(cols) ? 2 : 1; /* two at once if that saves */
    for (int h = 0; h < chosen->heads; h += most) {
        int of = chosen->heads - h < most ? chosen->heads - h : most;
        for (int bits = 1; bits < 1 << of; bits++)
            project_those(batch, chosen, h, of, bits, bits == 2 ? h + 1 : h, bits == 3 ? 2 : 1);
    }
}

void heads_attend_in_place(const struct batch *batch, const struct device_chosen *chosen) {
    const float *qkv = chosen->qkv;
    float *context = chosen->context;
    int d = chosen->head_dim, width = chosen->heads * d;
    for (int b = 0; b < batch->n_samples; b++) {
        size_t first = (size_t)batch->offsets[b];
        int n = batch->offsets[b + 1] - batch->offsets[b];
        for (int h = 0; h < chosen->heads; h++) {
            float a = chosen->gates[(size_t)b * (size_t)chosen->heads + (size_t)h];
            float *out = context + first * (size_t)width + (size_t)h * (size_t)d;
            if (a == 0.0f) continue;
            struct attention head = attention_of_head(qkv + first * 3 * (size_t)width, n,
                                                      chosen->heads, d, h, chosen->scratch);
            attention_forward(&head, out, NULL);
            for (int i = 0; i < n && a != 1.0f; i++, out += width)
                for (int c = 0; c < d; c++) out[c] *= a;
        }
    }
}

/* Vectors of the next panel of W_O where `left` columns are left. */
static int add_vectors(int left) {
    int vectors = vectors_of(left);
    return vectors < ADD_VECTORS ? vectors : ADD_VECTORS;
}

/* x[rows][cols] += the outputs of the heads of the set, one after the other. Inlined with constant
 * `vectors`: the rows stay in registers for all heads. `cols` columns are there. */
static inline __attribute__((always_inline)) void add_tile(int vectors, int rows, int cols,
                                                           const struct device_chosen *chosen,
                                                           const float *gate, const float *context,
                                                           const float *panel, float *x) {
    size_t d = (size_t)chosen->head_dim, width = (size_t)chosen->heads * d;
    vector value[ADD_ROWS][ADD_VECTORS];
    const float *a[ADD_ROWS];
    float *to[ADD_ROWS], part[VECTOR];
    int last = cols < vectors * VECTOR ? cols - (vectors - 1) * VECTOR : VECTOR;
    for (int r = 0; r < ADD_ROWS; r++) {
        size_t row = (size_t)(r < rows ? r : rows - 1);
        a[r] = context + row * width;
        to[r] = x + row * (size_t)chosen->dim;
        for (int v = 0; v < vectors; v++) {
            const float *from = to[r] + (size_t)v * VECTOR;
            if (v == vectors - 1 && last < VECTOR) {
                memset(part, 0, sizeof part);
                for (int i = 0; i < last; i++) part[i] = from[i];
                from = part;
            }
            value[r][v] = load(from);
        }
    }
    for (int h = 0; h < chosen->heads; h++) {
        vector sum[ADD_ROWS][ADD_VECTORS];
        const float *b = panel + (size_t)h * d * (size_t)(vectors * VECTOR);
        if (gate[h] == 0.0f) continue;
        for (int r = 0; r < ADD_ROWS; r++)
            for (int v = 0; v < vectors; v++) sum[r][v] = (vector){0};
        for (size_t i = (size_t)h * d; i < ((size_t)h + 1) * d; i++, b += (size_t)vectors * VECTOR)
            for (int r = 0; r < ADD_ROWS; r++)
                for (int v = 0; v < vectors; v++)
                    sum[r][v] += a[r][i] * load(b + (size_t)v * VECTOR);
        for (int r = 0; r < ADD_ROWS; r++)
            for (int v = 0; v < vectors; v++) value[r][v] += sum[r][v];
    }
    for (int r = 0; r < ADD_ROWS; r++)
        for (int v = 0; v < vectors; v++) {
            if (r >= rows) continue;
            if (v == vectors - 1 && last < VECTOR) {
                memcpy(part, &value[r][v], sizeof part);
                for (int i = 0; i < last; i++) to[r][(size_t)v * VECTOR + (size_t)i] = part[i];
            } else
                memcpy(to[r] + (size_t)v * VECTOR, &value[r][v], sizeof value[r][v]);
        }
}

/* Blocks of W_O of the heads that anyone chose, as [panel][heads][head_dim] rows of a panel each. */
static void pack_blocks(const struct batch *batch, const struct device_chosen *chosen,
                        const float *weight, float *panels) {
    size_t d = (size_t)chosen->head_dim, dim = (size_t)chosen->dim;
    size_t width = (size_t)chosen->heads * d;
    for (int h = 0; h < chosen->heads; h++) {
        bool any = false;
        for (int b = 0; b < batch->n_samples && !any; b++) any = choice_of(chosen, b, h, 1) != 0;
        if (!any) continue;
        for (size_t i = (size_t)h * d; i < ((size_t)h + 1) * d; i++) {
            float *panel = panels;
            for (int left = chosen->dim; left > 0;) {
                int vectors = add_vectors(left);
                int cols = left < vectors * VECTOR ? left : vectors * VECTOR;
                float *to = panel + i * (size_t)(vectors * VECTOR);
                memset(to, 0, (size_t)(vectors * VECTOR) * sizeof *to);
                memcpy(to, weight + (i + 1) * dim - left, (size_t)cols * sizeof *to);
                panel += width * (size_t)(vectors * VECTOR);
                left -= cols;
            }
        }
    }
}

void heads_add_in_place(const struct batch *batch, const struct device_chosen *chosen) {
    int width = chosen->heads * chosen->head_dim;
    pack_blocks(batch, chosen, chosen->o_weight, chosen->scratch);
    for (int b = 0; b < batch->n_samples; b++) {
        const float *gate = chosen->gates + (size_t)b * (size_t)chosen->heads;
        const float *panel = chosen->scratch;
        int first = batch->offsets[b], end = batch->offsets[b + 1];
        for (int col = 0; col < chosen->dim;) {
            int left = chosen->dim - col;
            int vectors = add_vectors(left);
            for (int t = first; t < end; t += ADD_ROWS) {
                const float *from = (const float *)chosen->context + (size_t)t * (size_t)width;
                float *to = chosen->x + (size_t)t * (size_t)chosen->dim + col;
                if (vectors < ADD_VECTORS)
                    add_tile(1, end - t, left, chosen, gate, from, panel, to);
                else
                    add_tile(ADD_VECTORS, end - t, left, chosen, gate, from, panel, to);
            }
            panel += (size_t)width * (size_t)(vectors * VECTOR);
            col += vectors * VECTOR;
        }
    }
}
