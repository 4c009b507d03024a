/*
 * The plan by which a device that works on whole batches embeds and sums gradients, against the CPU
 * engine's own words for the same: chunks cut by batch_chunk, rows looked up token by token, and
 * sums added up by row.
 */
#include "tests/models/small_model.h"
#include "models/chunk_plan.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 60, TOKENS = 1500, VOCAB = 40, LENGTH = 200, BIGRAMS = 97, SEPARATOR = 3 };

struct fixture {
    struct model_config config;
    struct chunk_plan plan;
    int32_t tokens[TOKENS], offsets[SAMPLES + 1], labels[SAMPLES], ids[SAMPLES];
    struct batch batch;
    struct rng rng;
    uint64_t drawn;
};

static int draw(struct fixture *f, int below) {
    return (int)rng_below(&f->rng, 1, f->drawn++, (uint32_t)below);
}

/* Samples of 1 to LENGTH tokens, of which half are one word, as long as they fit. */
static void draw_batch(struct fixture *f, int samples, int length) {
    int n = 0, b = 0;
    for (; b < samples; b++) {
        int own = 1 + draw(f, length);
        if (n + own > TOKENS) break;
        f->offsets[b] = n;
        f->labels[b] = draw(f, 3);
        f->ids[b] = draw(f, 1000);
        for (int i = 0; i < own; i++) f->tokens[n++] = draw(f, 2) ? 7 : draw(f, VOCAB);
    }
    f->offsets[b] = n;
    f->batch = (struct batch){b, n, f->tokens, f->offsets, f->labels, f->ids};
}

static void set_up(struct fixture *f, bool all_tables) {
    struct error error;
    *f = (struct fixture){.config = small_config(policy_find("none"), "{}", 1, 8, 2),
                          .rng = rng_stream(5, RNG_SPLIT)};
    f->config.vocab = VOCAB;
    f->config.max_len = LENGTH;
    f->config.positions = all_tables;
    f->config.separator = all_tables ? SEPARATOR : 0;
    f->config.bigrams = all_tables ? BIGRAMS : 0;
    assert_true(chunk_plan_new(&f->config, TOKENS, &f->plan, &error));
    for (int part = 0; part < 2; part++) {
        size_t most = chunk_plan_most(&f->config, SAMPLES, TOKENS, part);
        f->plan.memory[part] = malloc(most * sizeof(int32_t)); /* not a number more: ASan looks */
        assert_non_null(f->plan.memory[part]);
    }
}

static void tear_down(struct fixture *f) {
    for (int part = 0; part < 2; part++) free(f->plan.memory[part]);
    chunk_plan_free(&f->plan);
}

static void check_parts_fit(const struct fixture *f) {
    for (int part = 0; part < 2; part++)
        assert_true(f->plan.used[part] <= chunk_plan_most(&f->config, SAMPLES, TOKENS, part));
}

/* Every token's dropout element is the one that the CPU gives it chunk by chunk. */
static void check_masks(const struct fixture *f, int number, int chunk_tokens) {
    int32_t own[SAMPLES + 1];
    int first = 0, seen = 0;
    for (; first < f->batch.n_samples; number++) {
        struct batch chunk = batch_chunk(&f->batch, first, chunk_tokens, own);
        for (int i = 0; i < chunk.n_tokens; i++, seen++) {
            assert_int_equal(f->plan.mask_chunk[seen], number);
            assert_int_equal(f->plan.mask_row[seen], i);
        }
        first += chunk.n_samples;
    }
    assert_int_equal(seen, f->batch.n_tokens);
}

/* The row of token i of sample b in a table, by the words of parameters.h. */
static int row_of(const struct fixture *f, enum chunk_table table, int b, int i) {
    int first = f->batch.offsets[b];
    switch (table) {
    case CHUNK_TOKEN:
        return f->tokens[i];
    case CHUNK_POSITION:
        return i - first;
    case CHUNK_SEGMENT:
        for (int j = first; j < i; j++)
            if (f->tokens[j] == SEPARATOR) return 1;
        return 0;
    default:
        return (int)model_bigram(&f->config, i > first ? f->tokens[i - 1] : -1, f->tokens[i]);
    }
}

static void check_rows(const struct fixture *f, bool all_tables) {
    int longest = 0;
    if (!f->plan.sample) abort(); /* no analyzer knows that an assertion does not return */
    for (int b = 0; b < f->batch.n_samples; b++) {
        int own = f->batch.offsets[b + 1] - f->batch.offsets[b];
        longest = own > longest ? own : longest;
        for (int i = f->batch.offsets[b]; i < f->batch.offsets[b + 1]; i++) {
            assert_int_equal(f->plan.sample[i], b);
            for (int t = 0; t < CHUNK_TABLES; t++) {
                const int32_t *row = f->plan.table[t].row;
                assert_int_equal(row != NULL, all_tables || t == CHUNK_TOKEN);
                if (row) assert_int_equal(row[i], row_of(f, (enum chunk_table)t, b, i));
            }
        }
    }
    assert_int_equal(f->plan.max_length, longest);
}

/* Sums numbers as a device does by the plan; every slot and row is written once. */
static void check_sums(const struct fixture *f, enum chunk_table t, int64_t rows) {
    const struct chunk_rows *table = &f->plan.table[t];
    int64_t *sum = calloc((size_t)rows, sizeof *sum), *plain = calloc((size_t)rows, sizeof *plain);
    int64_t slot[2 * TOKENS / CHUNK_PIECE + 1] = {0};
    assert_non_null(sum);
    assert_non_null(plain);
    assert_true((size_t)table->n_slots <= chunk_plan_slots(f->batch.n_tokens));
    assert_int_equal(table->piece_first[0], 0);
    for (int p = 0; p < table->n_pieces; p++) {
        int64_t total = 0;
        int from = table->piece_first[p], to = table->piece_first[p + 1];
        assert_in_range(to - from, 1, CHUNK_PIECE);
        for (int i = from; i < to; i++) {
            int token = table->order[i];
            if (i > from) assert_true(token > table->order[i - 1]);
            assert_int_equal(table->row[token], table->piece_row[p]);
            total += 1000003 * (int64_t)token + 1;
        }
        int64_t *at =
            table->piece_slot[p] < 0 ? &sum[table->piece_row[p]] : &slot[table->piece_slot[p]];
        assert_int_equal(*at, 0);
        *at = total;
    }
    assert_int_equal(table->piece_first[table->n_pieces], f->batch.n_tokens);
    assert_int_equal(table->sum_first[table->n_sums], table->n_slots);
    for (int s = 0; s < table->n_sums; s++) {
        assert_int_equal(sum[table->sum_row[s]], 0);
        assert_true(table->sum_first[s + 1] - table->sum_first[s] > 1);
        for (int i = table->sum_first[s]; i < table->sum_first[s + 1]; i++)
            sum[table->sum_row[s]] += slot[i];
    }
    for (int i = 0; i < f->batch.n_tokens; i++) plain[table->row[i]] += 1000003 * (int64_t)i + 1;
    assert_memory_equal(sum, plain, (size_t)rows * sizeof *sum);
    free(sum);
    free(plain);
}

static void check_all(struct fixture *f, bool all_tables, int number, int chunk_tokens) {
    static const int64_t rows[CHUNK_TABLES] = {VOCAB, LENGTH, 2, BIGRAMS};
    chunk_plan_put(&f->plan, &f->batch, number, chunk_tokens, true);
    size_t size = (size_t)f->batch.n_samples * sizeof(int32_t);
    assert_memory_equal(f->plan.offsets, f->offsets, size + sizeof(int32_t));
    assert_memory_equal(f->plan.labels, f->labels, size);
    assert_memory_equal(f->plan.ids, f->ids, size);
    check_masks(f, number, chunk_tokens);
    check_rows(f, all_tables);
    chunk_plan_sums(&f->plan);
    check_parts_fit(f);
    for (int t = 0; t < CHUNK_TABLES; t++)
        if (f->plan.table[t].row) check_sums(f, (enum chunk_table)t, rows[t]);
}

static void ragged_batches_are_planned_as_the_cpu_goes_through_them(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, true);
    for (int i = 0; i < 20; i++) {
        draw_batch(&f, 1 + draw(&f, SAMPLES), 1 + draw(&f, LENGTH));
        check_all(&f, true, i % 3, i % 2 ? 512 : 64); /* 64: less than some samples */
    }
    tear_down(&f);
}

static void a_full_batch_of_one_word_fits_the_memory_that_was_asked_for(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, true);
    for (int i = 0; i < TOKENS; i++) f.tokens[i] = 7;
    for (int b = 0; b <= SAMPLES; b++) f.offsets[b] = b * (TOKENS / SAMPLES);
    f.batch = (struct batch){SAMPLES, TOKENS, f.tokens, f.offsets, f.labels, f.ids};
    check_all(&f, true, 0, 512);
    assert_int_equal(f.plan.table[CHUNK_TOKEN].n_sums, 1);
    tear_down(&f);
}

static void a_single_token_is_a_batch(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, false);
    draw_batch(&f, 1, 1);
    check_all(&f, false, 0, 512);
    assert_int_equal(f.plan.table[CHUNK_TOKEN].n_pieces, 1);
    tear_down(&f);
}

static void a_batch_without_labels_has_zeros(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, false);
    draw_batch(&f, 3, 5);
    f.batch.labels = f.batch.ids = NULL;
    memset(f.plan.memory[0], 0xFF, f.plan.used[0] * sizeof(int32_t));
    chunk_plan_put(&f.plan, &f.batch, 0, 512, true);
    static const int32_t zeros[3] = {0};
    assert_memory_equal(f.plan.labels, zeros, sizeof zeros);
    assert_memory_equal(f.plan.ids, zeros, sizeof zeros);
    tear_down(&f);
}

/* 3 offsets + 1, labels and ids; of 2 arrays a number for each token, and of 2 more for masks. */
static void who_drops_nothing_gets_no_masks(void **state) {
    (void)state;
    struct fixture f;
    set_up(&f, false);
    draw_batch(&f, 3, 5);
    size_t tokens = (size_t)f.batch.n_tokens;
    chunk_plan_put(&f.plan, &f.batch, 0, 512, true);
    assert_int_equal(f.plan.used[0], 10 + 4 * tokens);
    chunk_plan_put(&f.plan, &f.batch, 0, 512, false);
    assert_int_equal(f.plan.used[0], 10 + 2 * tokens);
    assert_null(f.plan.mask_chunk);
    assert_null(f.plan.mask_row);
    check_rows(&f, false);
    tear_down(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ragged_batches_are_planned_as_the_cpu_goes_through_them),
        cmocka_unit_test(a_full_batch_of_one_word_fits_the_memory_that_was_asked_for),
        cmocka_unit_test(a_single_token_is_a_batch),
        cmocka_unit_test(a_batch_without_labels_has_zeros),
        cmocka_unit_test(who_drops_nothing_gets_no_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
