/*
 * What a device that works on whole batches must know of one before it can embed it, made on the
 * host: whose each token is, which element of which dropout mask it has, which rows of the
 * embedding tables it reads; and, for their gradients, which tokens each row sums over. Without
 * atomic additions a gradient has the same bits every time only if each row is summed by somebody
 * who knows its tokens.
 *
 * All arrays lie packed in one block of memory in two parts, so that each part travels in one copy
 * and only training pays for the second. A place in the block is the same place in its copy.
 */
#ifndef HEADROOM_MODELS_CHUNK_PLAN_H
#define HEADROOM_MODELS_CHUNK_PLAN_H

#include "models/base/error.h"
#include "models/batch.h"
#include "models/model.h"

#include <stddef.h>

enum chunk_table { CHUNK_TOKEN, CHUNK_POSITION, CHUNK_SEGMENT, CHUNK_BIGRAM, CHUNK_TABLES };

/* Tokens that are summed by one worker. A row with more is summed in pieces, and these are added up
 * afterwards: frequent words and segments have thousands of tokens, most rows one or two. */
enum { CHUNK_PIECE = 64 };

/* The rows of one embedding table. Pieces are consecutive in `order`: piece p sums the tokens
 * order[piece_first[p]] .. order[piece_first[p + 1] - 1], ascending, into row piece_row[p], or, if
 * the row has more pieces, into partial sum piece_slot[p]. Row sum_row[s] is then the sum of the
 * partial sums sum_first[s] .. sum_first[s + 1] - 1. */
struct chunk_rows {
    int32_t *row;                    /* [T] of each token; NULL: the model has no such table */
    int32_t *order;                  /* [T] */
    int32_t *piece_row, *piece_slot; /* [n_pieces]; slot -1: the row's only piece */
    int32_t *piece_first;            /* [n_pieces + 1] */
    int32_t *sum_row, *sum_first;    /* [n_sums], [n_sums + 1] */
    int n_pieces, n_sums, n_slots;
};

struct chunk_plan {
    struct model_config config;
    int n_samples, n_tokens, max_length;
    /* first part, by chunk_plan_put: the batch (its tokens are the rows of CHUNK_TOKEN), and per
     * token its sample and, for masks alone, else NULL, the number of the CPU's chunk that it would
     * be in, and its row there (models/batch.h) */
    int32_t *offsets, *labels, *ids;         /* [B + 1], [B], [B] */
    int32_t *sample, *mask_chunk, *mask_row; /* [T] */
    struct chunk_rows table[CHUNK_TABLES];   /* rows; the rest by chunk_plan_sums */
    /* where the parts lie, and how many numbers they have at present */
    int32_t *memory[2];
    size_t used[2];
    /* the host's own: tokens of each row, 0 between calls; rows of a chunk, by first occurrence */
    int32_t *count[CHUNK_TABLES], *distinct;
};

/* For chunks of at most so many tokens. Whoever has memory for the two parts (chunk_plan_most) sets
 * plan->memory. */
bool chunk_plan_new(const struct model_config *config, int tokens, struct chunk_plan *out,
                    struct error *error);
void chunk_plan_free(struct chunk_plan *plan);

/* How many numbers part 0 or 1 has at most. */
size_t chunk_plan_most(const struct model_config *config, int samples, int tokens, int part);

/* Partial sums that one table needs at most. */
size_t chunk_plan_slots(int tokens);

/* Fills the first part, in memory[0]; `number` is that of the batch's first chunk. labels and ids
 * may be NULL. */
void chunk_plan_put(struct chunk_plan *plan, const struct batch *batch, int number,
                    int chunk_tokens, bool masks);

/* Fills the second part, in memory[1], for what was put last. */
void chunk_plan_sums(struct chunk_plan *plan);

#endif
