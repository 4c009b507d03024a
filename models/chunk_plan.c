/*
 * See chunk_plan.h. Tokens are sorted by row with one count per row of the table. Only the rows of
 * the chunk are visited, and their counts are 0 again afterwards, so the work does not grow with
 * the vocabulary.
 */
#include "models/chunk_plan.h"

#include <stdlib.h>
#include <string.h>

static size_t table_rows(const struct model_config *c, int table) {
    switch (table) {
    case CHUNK_TOKEN:
        return (size_t)c->vocab;
    case CHUNK_POSITION:
        return c->positions ? (size_t)c->max_len : 0;
    case CHUNK_SEGMENT:
        return c->separator ? 2 : 0;
    default:
        return (size_t)c->bigrams;
    }
}

bool chunk_plan_new(const struct model_config *config, int tokens, struct chunk_plan *out,
                    struct error *error) {
    *out = (struct chunk_plan){.config = *config};
    out->distinct = calloc((size_t)tokens + 1, sizeof *out->distinct);
    bool fits = out->distinct != NULL;
    for (int i = 0; i < CHUNK_TABLES; i++) {
        size_t rows = table_rows(config, i);
        if (rows == 0) continue;
        out->count[i] = calloc(rows, sizeof *out->count[i]);
        fits = fits && out->count[i];
    }
    if (fits) return true;
    chunk_plan_free(out);
    return error_set(error, "out of memory for the plan of a chunk");
}

void chunk_plan_free(struct chunk_plan *plan) {
    for (int i = 0; i < CHUNK_TABLES; i++) free(plan->count[i]);
    free(plan->distinct);
    *plan = (struct chunk_plan){0};
}

size_t chunk_plan_slots(int tokens) {
    return 2 * ((size_t)tokens / CHUNK_PIECE) + 1; /* of rows with more than a piece */
}

size_t chunk_plan_most(const struct model_config *config, int samples, int tokens, int part) {
    size_t n = (size_t)tokens, b = (size_t)samples, tables = 0;
    for (int i = 0; i < CHUNK_TABLES; i++) tables += table_rows(config, i) > 0;
    if (part == 0) return 3 * n + 3 * b + 1 + tables * n;
    return tables * (4 * n + 1 + chunk_plan_slots(tokens) + 1);
}

static int32_t *take(struct chunk_plan *plan, int part, int n) {
    int32_t *at = plan->memory[part] + plan->used[part];
    plan->used[part] += (size_t)n;
    return at;
}

static void copy_or_clear(int32_t *to, const int32_t *from, int n) {
    if (from)
        memcpy(to, from, (size_t)n * sizeof *to);
    else
        memset(to, 0, (size_t)n * sizeof *to);
}

static void take_first_part(struct chunk_plan *plan, bool masks) {
    int n = plan->n_tokens, b = plan->n_samples;
    plan->used[0] = 0;
    plan->offsets = take(plan, 0, b + 1);
    plan->labels = take(plan, 0, b);
    plan->ids = take(plan, 0, b);
    plan->sample = take(plan, 0, n);
    plan->mask_chunk = masks ? take(plan, 0, n) : NULL;
    plan->mask_row = masks ? take(plan, 0, n) : NULL;
    for (int i = 0; i < CHUNK_TABLES; i++)
        plan->table[i].row = table_rows(&plan->config, i) ? take(plan, 0, n) : NULL;
}

/* numbers[first] .. numbers[end - 1] = from, from + 1, ... */
static void count_up(int32_t *numbers, int first, int end, int32_t from) {
    for (int i = first; i < end; i++) numbers[i] = from + (i - first);
}

/* The rows of one sample's tokens in the tables but the tokens' own. */
static void put_rows(struct chunk_plan *plan, int first, int end) {
    const struct model_config *c = &plan->config;
    const int32_t *token = plan->table[CHUNK_TOKEN].row;
    int32_t *position = plan->table[CHUNK_POSITION].row, *segment = plan->table[CHUNK_SEGMENT].row;
    int32_t *bigram = plan->table[CHUNK_BIGRAM].row;
    if (position) count_up(position, first, end, 0);
    for (int i = first, after = 0; segment && i < end; i++) {
        segment[i] = after;
        after |= token[i] == c->separator;
    }
    for (int i = first; bigram && i < end; i++)
        bigram[i] = (int32_t)model_bigram(c, i > first ? token[i - 1] : -1, token[i]);
}

void chunk_plan_put(struct chunk_plan *plan, const struct batch *batch, int number,
                    int chunk_tokens, bool masks) {
    plan->n_samples = batch->n_samples;
    plan->n_tokens = batch->n_tokens;
    plan->max_length = 0;
    take_first_part(plan, masks);
    copy_or_clear(plan->table[CHUNK_TOKEN].row, batch->tokens, batch->n_tokens);
    copy_or_clear(plan->offsets, batch->offsets, batch->n_samples + 1);
    copy_or_clear(plan->labels, batch->labels, batch->n_samples);
    copy_or_clear(plan->ids, batch->ids, batch->n_samples);
    for (int first = 0; first < batch->n_samples; number++) {
        int end = batch_chunk_end(batch, first, chunk_tokens), start = batch->offsets[first];
        for (int b = first; b < end; b++) {
            int from = batch->offsets[b], to = batch->offsets[b + 1];
            if (to - from > plan->max_length) plan->max_length = to - from;
            for (int i = from; i < to; i++) plan->sample[i] = b;
            for (int i = from; masks && i < to; i++) plan->mask_chunk[i] = number;
            if (masks) count_up(plan->mask_row, from, to, from - start);
            put_rows(plan, from, to);
        }
        first = end;
    }
}

static int pieces_of(int count) {
    return (count + CHUNK_PIECE - 1) / CHUNK_PIECE;
}

/* Counts the tokens of each row, and the pieces and sums that this makes; how many rows
 * there are. */
static int count_rows(struct chunk_plan *plan, struct chunk_rows *table, int32_t *count) {
    int n = 0;
    table->n_pieces = table->n_sums = table->n_slots = 0;
    for (int i = 0; i < plan->n_tokens; i++)
        if (count[table->row[i]]++ == 0) plan->distinct[n++] = table->row[i];
    for (int r = 0; r < n; r++) {
        int pieces = pieces_of(count[plan->distinct[r]]);
        table->n_pieces += pieces;
        if (pieces == 1) continue;
        table->n_slots += pieces;
        table->n_sums++;
    }
    return n;
}

/* Cuts the rows into pieces; count[row] becomes where the row's tokens begin in `order`. */
static void cut_rows(const struct chunk_plan *plan, struct chunk_rows *table, int32_t *count,
                     int n) {
    int first = 0, piece = 0, sum = 0, slot = 0;
    for (int r = 0; r < n; r++) {
        int32_t row = plan->distinct[r];
        int end = first + count[row], pieces = pieces_of(count[row]);
        if (pieces > 1) {
            table->sum_row[sum] = row;
            table->sum_first[sum++] = slot;
        }
        count[row] = first;
        for (; first < end; piece++) {
            table->piece_row[piece] = row;
            table->piece_slot[piece] = pieces > 1 ? slot++ : -1;
            table->piece_first[piece] = first;
            first = end - first > CHUNK_PIECE ? first + CHUNK_PIECE : end;
        }
    }
    table->piece_first[piece] = first;
    table->sum_first[sum] = slot;
}

void chunk_plan_sums(struct chunk_plan *plan) {
    plan->used[1] = 0;
    for (int t = 0; t < CHUNK_TABLES; t++) {
        struct chunk_rows *table = &plan->table[t];
        int32_t *count = plan->count[t];
        if (!table->row) continue;
        int n = count_rows(plan, table, count);
        table->order = take(plan, 1, plan->n_tokens);
        table->piece_row = take(plan, 1, table->n_pieces);
        table->piece_slot = take(plan, 1, table->n_pieces);
        table->piece_first = take(plan, 1, table->n_pieces + 1);
        table->sum_row = take(plan, 1, table->n_sums);
        table->sum_first = take(plan, 1, table->n_sums + 1);
        cut_rows(plan, table, count, n);
        for (int i = 0; i < plan->n_tokens; i++) table->order[count[table->row[i]]++] = i;
        for (int r = 0; r < n; r++) count[plan->distinct[r]] = 0;
    }
}
