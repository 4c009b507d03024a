/*
 * Batches on the card: the plan of one (models/chunk_plan.h) is made in page-locked memory and
 * copied as it lies, its first part when the batch is put, its second, which only training needs,
 * when the card still works on the passes before the embeddings' gradient. And the embeddings, which
 * are what the plan is for.
 */
#include "models/cuda/cuda_chunk.h"
#include "models/chunk_plan.h"
#include "models/cuda/cuda_device.h"
#include "models/cuda/cuda_sums.h"
#include "models/parameters.h"
#include "models/policy.h"

#include <stdlib.h>

enum { SUMS_PUT_OFF = 5 }; /* of the largest size; all of a step with 1,024 tokens */

struct chunk_memory {
    struct cuda_chunk on_card; /* what device_chunk.own points to */
    struct chunk_plan plan;    /* in `pinned` */
    int32_t *pinned, *card;    /* both parts of the plan, laid out alike */
    size_t bytes;              /* of each */
    cudaEvent_t copied[2];     /* by part: when its pinned memory is free again */
    bool summed;               /* the second part is that of the batch at hand */
};

static struct chunk_memory *memory_of(const struct device_chunk *chunk) {
    return cuda_chunk_of(chunk)->rest;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* The columns of the widest bias, those of the policy's networks too. */
static size_t most_columns(const struct model_config *c) {
    size_t narrow = larger((size_t)c->dim, (size_t)c->classes);
    size_t most = larger(
        narrow, larger((size_t)c->ffn, 3 * (size_t)model_most_heads(c) * (size_t)c->head_dim));
    for (int l = 0; c->policy->tensors && l < c->layers; l++) {
        struct policy_tensor tensor[POLICY_TENSORS_MAX];
        int n = c->policy->tensors(c, l, tensor);
        for (int i = 0; i < n; i++)
            if (tensor[i].rank == 1) most = larger(most, (size_t)tensor[i].cols);
    }
    return most;
}

static bool reserve(const struct device *d, const struct model_config *c, int samples, int tokens,
                    struct error *error) {
    size_t rows = larger((size_t)samples, (size_t)tokens), heads = (size_t)model_most_heads(c);
    size_t scratch = cuda_attention_scratch(c, samples, tokens, heads);
    scratch = larger(scratch, cuda_loss_scratch((size_t)samples));
    scratch = larger(scratch, chunk_plan_slots(tokens) * (size_t)c->dim * sizeof(float));
    /* The largest array that a call is told: who runs which head. */
    size_t told = c->policy->unit == GATE_NONE
                      ? 0
                      : larger((size_t)samples * heads * sizeof(struct head_segment),
                               rows * heads * sizeof(float));
    size_t sum = larger(cuda_column_floats(most_columns(c)), cuda_norm_floats((size_t)c->dim));
    return cuda_scratch_reserve(d, scratch, error) && cuda_staging_reserve(d, told, error) &&
           cuda_sums_reserve(d, SUMS_PUT_OFF * sum, error);
}

bool cuda_chunk_new(const struct device *d, const struct model_config *config, int samples,
                    int tokens, int length, struct device_chunk *out, struct error *error) {
    size_t most[2], bytes;
    void *pinned = NULL, *card = NULL;
    (void)length; /* attention's scratch does not grow with it */
    for (int part = 0; part < 2; part++) {
        size_t whole = CUDA_WHOLE_BYTES / sizeof(int32_t); /* so that both parts begin well */
        most[part] = (chunk_plan_most(config, samples, tokens, part) + whole - 1) / whole * whole;
    }
    bytes = (most[0] + most[1]) * sizeof(int32_t);
    *out = (struct device_chunk){0};
    struct chunk_memory *m = calloc(1, sizeof *m);
    if (!m) return error_set(error, "out of memory for a chunk");
    m->on_card.rest = m;
    out->own = &m->on_card;
    cudaError_t status = cudaMallocHost(&pinned, bytes);
    m->pinned = pinned;
    for (int part = 0; part < 2 && status == cudaSuccess; part++)
        status = cudaEventCreateWithFlags(&m->copied[part], cudaEventDisableTiming);
    if (status != cudaSuccess) {
        cudaGetLastError();
        error_set(error, "cannot reserve %zu bytes of page-locked memory: %s", bytes,
                  cudaGetErrorString(status));
        goto failed;
    }
    if (!cuda_reserve(d, USE_BATCHES, bytes, &card, error)) goto failed;
    m->card = card;
    m->bytes = bytes;
    if (!chunk_plan_new(config, tokens, &m->plan, error)) goto failed;
    m->plan.memory[0] = m->pinned;
    m->plan.memory[1] = m->pinned + most[0];
    if (!reserve(d, config, samples, tokens, error)) goto failed;
    return true;
failed:
    cuda_chunk_free(d, out);
    return false;
}

void cuda_chunk_free(const struct device *d, struct device_chunk *chunk) {
    if (!chunk->own) return;
    struct chunk_memory *m = memory_of(chunk);
    cuda_wait(d); /* for the copies out of `pinned` */
    for (int part = 0; part < 2; part++)
        if (m->copied[part]) cudaEventDestroy(m->copied[part]);
    chunk_plan_free(&m->plan);
    cudaFreeHost(m->pinned);
    cuda_give_back(d, USE_BATCHES, m->card, m->bytes);
    free(m);
    *chunk = (struct device_chunk){0};
}

/* Where an array of the plan lies on the card. */
static int32_t *on_card(const struct chunk_memory *m, const int32_t *planned) {
    return planned ? m->card + (planned - m->pinned) : NULL;
}

/* The first part mostly finds an idle card, where a copy engine begins at once; the second is wanted
 * amid kernels. */
static void copy_part(const struct device *d, struct chunk_memory *m, int part) {
    int32_t *from = m->plan.memory[part], *to = on_card(m, from);
    size_t bytes = m->plan.used[part] * sizeof *from;
    if (part == 0)
        cuda_check(d, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, cuda_stream_of(d)),
                   "the copy of a batch");
    else
        cuda_carry(d, to, from, bytes, cudaMemcpyHostToDevice);
    cuda_check(d, cudaEventRecord(m->copied[part], cuda_stream_of(d)), "the copy of a batch");
}

void cuda_chunk_put(const struct device *d, struct device_chunk *chunk) {
    struct chunk_memory *m = memory_of(chunk);
    struct chunk_plan *plan = &m->plan;
    cuda_check(d, cudaEventSynchronize(m->copied[0]), "the copy of a batch");
    chunk_plan_put(plan, &chunk->batch, chunk->number, chunk->chunk_tokens, chunk->drops);
    copy_part(d, m, 0);
    m->summed = false;
    m->on_card = (struct cuda_chunk){.offsets = on_card(m, plan->offsets),
                                     .labels = on_card(m, plan->labels),
                                     .ids = on_card(m, plan->ids),
                                     .sample = on_card(m, plan->sample),
                                     .mask_chunk = on_card(m, plan->mask_chunk),
                                     .mask_row = on_card(m, plan->mask_row),
                                     .max_length = plan->max_length,
                                     .rest = m};
    chunk->ids = m->on_card.ids;
}

struct cuda_mask cuda_mask_of(const struct device_chunk *chunk,
                              const struct device_dropout *dropout) {
    if (!dropout || dropout->p <= 0.0) return (struct cuda_mask){0};
    return (struct cuda_mask){.drops = true,
                              .rng = dropout->rng,
                              .counter = dropout->counter,
                              .threshold = (uint32_t)(dropout->p * 4294967296.0),
                              .scale = (float)(1.0 / (1.0 - dropout->p)),
                              .chunk = cuda_chunk_of(chunk)->mask_chunk,
                              .row = cuda_chunk_of(chunk)->mask_row};
}

/* The embedding tables of parameters or gradients, in the order of enum chunk_table. */
static void tables_of(const struct parameters *p, float *table[CHUNK_TABLES]) {
    table[CHUNK_TOKEN] = p->token;
    table[CHUNK_POSITION] = p->position;
    table[CHUNK_SEGMENT] = p->segment;
    table[CHUNK_BIGRAM] = p->bigram;
}

const int32_t *cuda_chunk_rows(const struct device_chunk *chunk, const struct parameters *p,
                               const float *values) {
    const struct chunk_memory *m = memory_of(chunk);
    float *table[CHUNK_TABLES];
    int i = 0;
    tables_of(p, table);
    while (i < CHUNK_TABLES - 1 && table[i] != values) i++;
    return on_card(m, m->plan.table[i].row);
}

void cuda_embed_rows(const struct device *d, const struct device_chunk *chunk,
                     const struct parameters *p, const struct device_dropout *dropout, float *x) {
    const struct chunk_memory *m = memory_of(chunk);
    struct cuda_mask mask = cuda_mask_of(chunk, dropout);
    struct cuda_embed embed;
    float *table[CHUNK_TABLES];
    tables_of(p, table);
    for (int i = 0; i < CHUNK_TABLES; i++)
        embed.table[i] = (struct cuda_embed_table){table[i], on_card(m, m->plan.table[i].row)};
    cuda_check(d,
               cuda_launch_embed(cuda_stream_of(d), chunk->batch.n_tokens, p->config.dim, &embed,
                                 &mask, x),
               "the embedding");
}

/* The marks of a table of the gradients, or NULL. */
static uint8_t *touched_of(const struct parameters *g, const float *table) {
    const float *base = (const float *)(const void *)g->arena.base;
    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].touched && base + g->tensors[i].offset == table)
            return g->tensors[i].touched;
    return NULL;
}

void cuda_embed_gradient(const struct device *d, const struct device_chunk *chunk,
                         const struct device_dropout *dropout, float *dx, struct parameters *g) {
    struct chunk_memory *m = memory_of(chunk);
    struct cuda_mask mask = cuda_mask_of(chunk, dropout);
    float *table[CHUNK_TABLES];
    tables_of(g, table);
    if (!m->summed) {
        cuda_check(d, cudaEventSynchronize(m->copied[1]), "the copy of a batch");
        chunk_plan_sums(&m->plan);
        copy_part(d, m, 1);
        m->summed = true;
    }
    cuda_check(d,
               cuda_launch_drop(cuda_stream_of(d), chunk->batch.n_tokens, g->config.dim, &mask, dx),
               "the gradient of the embedding");
    for (int i = 0; i < CHUNK_TABLES; i++) {
        const struct chunk_rows *rows = &m->plan.table[i];
        if (!table[i] || !rows->row) continue;
        struct cuda_embed_sums sums = {.n_pieces = rows->n_pieces,
                                       .n_sums = rows->n_sums,
                                       .order = on_card(m, rows->order),
                                       .piece_row = on_card(m, rows->piece_row),
                                       .piece_slot = on_card(m, rows->piece_slot),
                                       .piece_first = on_card(m, rows->piece_first),
                                       .sum_row = on_card(m, rows->sum_row),
                                       .sum_first = on_card(m, rows->sum_first),
                                       .touched = touched_of(g, table[i])};
        cuda_check(d,
                   cuda_launch_embed_sums(cuda_stream_of(d), g->config.dim, &sums, dx,
                                          cuda_state_of(d)->scratch, table[i]),
                   "the gradient of the embedding");
    }
}
