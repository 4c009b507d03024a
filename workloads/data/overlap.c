/*
 * All texts of all splits are sorted, so that equal ones stand side by side. They sort by a hash
 * first, which is cheap to compare, and by their tokens where hashes agree, so that the count is
 * exact.
 */
#include "workloads/data/overlap.h"
#include "workloads/data/split.h"

#include <stdlib.h>
#include <string.h>

struct text_key {
    uint64_t hash;
    const int32_t *tokens;
    int32_t n_tokens;
    int32_t input; /* counted through train, validation and test */
};

/* FNV-1a over whole tokens. */
static uint64_t hash_tokens(const int32_t *tokens, int32_t n) {
    uint64_t hash = 0xcbf29ce484222325;
    for (int32_t i = 0; i < n; i++) hash = (hash ^ (uint32_t)tokens[i]) * 0x100000001b3;
    return hash;
}

static int compare_texts(const void *a, const void *b) {
    const struct text_key *left = a, *right = b;
    if (left->hash != right->hash) return left->hash < right->hash ? -1 : 1;
    if (left->n_tokens != right->n_tokens) return left->n_tokens < right->n_tokens ? -1 : 1;
    return memcmp(left->tokens, right->tokens, (size_t)left->n_tokens * sizeof *left->tokens);
}

static struct text_key *list_texts(const struct split *split, int32_t first, struct text_key *out) {
    for (int32_t i = 0; i < split->n; i++) {
        const int32_t *tokens = split->tokens + split->offsets[i];
        int32_t n = split->offsets[i + 1] - split->offsets[i];
        *out++ = (struct text_key){hash_tokens(tokens, n), tokens, n, first + i};
    }
    return out;
}

/* The splits in the order in which a model meets them; -1 is none. */
enum { N_SPLITS = 3, TEST = N_SPLITS - 1 };

/* Where one text is: the first and the last split that have it. */
struct presence {
    signed char first, last;
};

/* Writes where[input] for the inputs of all splits, and counts those of validation and test that
 * are in an earlier one. Before a validation slice is taken, training still holds it. */
static bool find_shared(struct dataset *data, const struct split *const splits[N_SPLITS],
                        struct presence *where, struct error *error) {
    int32_t end_of[N_SPLITS], n = 0;
    for (int s = 0; s < N_SPLITS; s++) end_of[s] = n += splits[s]->n;
    struct text_key *key = malloc((size_t)n * sizeof *key), *next = key;
    if (!key) return error_set(error, "out of memory while comparing %d texts", n);
    for (int s = 0; s < N_SPLITS; s++) next = list_texts(splits[s], end_of[s] - splits[s]->n, next);
    qsort(key, (size_t)n, sizeof *key, compare_texts);
    for (int first = 0, end; first < n; first = end) {
        int count[N_SPLITS] = {0};
        for (end = first; end < n && compare_texts(key + first, key + end) == 0; end++)
            for (int s = 0; s < N_SPLITS; s++)
                count[s] +=
                    key[end].input < end_of[s] && key[end].input >= end_of[s] - splits[s]->n;
        struct presence in = {.first = TEST, .last = 0};
        for (int s = 0; s < N_SPLITS; s++) {
            if (count[s] > 0) in.last = (signed char)s;
            if (count[TEST - s] > 0) in.first = (signed char)(TEST - s);
        }
        for (int i = first; i < end; i++) where[key[i].input] = in;
        data->n_overlap += in.first < TEST ? count[TEST] : 0;
        data->n_overlap_texts += in.first < TEST && in.last == TEST;
        data->n_overlap_validation += in.first == 0 ? count[1] : 0;
    }
    free(key);
    return true;
}

/* Leaves the inputs of split `s` out whose text stays in another: in the last one that has it, or
 * in the first. */
static bool drop(struct split *split, int s, bool keep_last, const struct presence *where,
                 struct dataset *data, struct error *error) {
    static const char *const names[N_SPLITS] = {"training", "validation", "test"};
    int before = split->n;
    bool *leaves = calloc((size_t)before + 1, sizeof *leaves);
    if (!leaves) return error_set(error, "out of memory while comparing texts");
    for (int i = 0; i < before; i++) leaves[i] = s != (keep_last ? where[i].last : where[i].first);
    bool ok = split_keep(split, leaves, false, error);
    free(leaves);
    if (!ok) return false;
    data->n_overlap_dropped += before - split->n;
    return split->n > 0 || error_set(error,
                                     "every text of the %s split is in the other one too; set "
                                     "data.overlap to keep",
                                     names[s]);
}

bool overlap_apply(const struct data_config *config, struct dataset *data, struct error *error) {
    struct split *splits[N_SPLITS] = {&data->train, &data->validation, &data->test};
    const struct split *const seen[N_SPLITS] = {splits[0], splits[1], splits[2]};
    size_t n = (size_t)data->train.n + (size_t)data->validation.n + (size_t)data->test.n;
    struct presence *where = malloc(n * sizeof *where), *next = where;
    bool ok = where || error_set(error, "out of memory while comparing texts");
    ok = ok && find_shared(data, seen, where, error);
    for (int s = 0; ok && s < N_SPLITS && config->overlap != OVERLAP_KEEP; s++) {
        int before = splits[s]->n;
        if (before == 0) continue; /* the slice of training is taken later */
        ok = drop(splits[s], s, config->overlap == OVERLAP_DROP_TRAIN, next, data, error);
        next += before;
    }
    free(where);
    return ok;
}
