/*
 * All texts of both splits are sorted, so that equal ones stand side by side. They sort by a hash
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
    int32_t input; /* index in train, or train.n + index in test */
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

/* Sets is_shared[input] for the inputs whose text is in both splits, and counts those of test. */
static bool find_shared(struct dataset *data, bool *is_shared, struct error *error) {
    int32_t n_train = data->train.n;
    size_t n = (size_t)n_train + (size_t)data->test.n;
    struct text_key *key = malloc(n * sizeof *key);
    if (!key) return error_set(error, "out of memory while comparing %zu texts", n);
    list_texts(&data->test, n_train, list_texts(&data->train, 0, key));
    qsort(key, n, sizeof *key, compare_texts);
    for (size_t first = 0, end; first < n; first = end) {
        int n_test = 0;
        for (end = first; end < n && compare_texts(key + first, key + end) == 0; end++)
            n_test += key[end].input >= n_train;
        bool shared = n_test > 0 && (size_t)n_test < end - first;
        for (size_t i = first; i < end; i++) is_shared[key[i].input] = shared;
        data->n_overlap += shared ? n_test : 0;
        data->n_overlap_texts += shared;
    }
    free(key);
    return true;
}

/* Leaves the shared inputs of a split out. */
static bool drop(struct split *split, const bool *is_shared, const char *name, struct dataset *data,
                 struct error *error) {
    int before = split->n;
    if (!split_keep(split, is_shared, false, error)) return false;
    data->n_overlap_dropped = before - split->n;
    return split->n > 0 || error_set(error,
                                     "every text of the %s split is in the other one too; set "
                                     "data.overlap to keep",
                                     name);
}

bool overlap_apply(const struct data_config *config, struct dataset *data, struct error *error) {
    bool *is_shared = malloc((size_t)data->train.n + (size_t)data->test.n);
    bool ok = is_shared || error_set(error, "out of memory while comparing texts");
    ok = ok && find_shared(data, is_shared, error);
    if (ok && data->n_overlap > 0 && config->overlap == OVERLAP_DROP_TRAIN)
        ok = drop(&data->train, is_shared, "training", data, error);
    else if (ok && data->n_overlap > 0 && config->overlap == OVERLAP_DROP_TEST)
        ok = drop(&data->test, is_shared + data->train.n, "test", data, error);
    free(is_shared);
    return ok;
}
