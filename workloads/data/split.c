/*
 * A split is a few arrays; everything here copies or compacts them. Stratified choice uses largest
 * remainders, so that counts are exact, and shuffles each class with its own counter, so that one
 * class's size does not change which inputs of another are chosen.
 */
#include "workloads/data/split.h"
#include "models/base/rng.h"
#include "workloads/data/text_pair.h"

#include <stdlib.h>
#include <string.h>

static bool grow(int32_t **array, size_t n) {
    int32_t *grown = realloc(*array, n * sizeof **array);
    if (grown) *array = grown;
    return grown != NULL;
}

static bool grow_sources(struct split *split, size_t n) {
    if (!split->sourced) return true;
    struct input_source *grown = realloc(split->source, n * sizeof *grown);
    if (grown) split->source = grown;
    return grown != NULL;
}

bool split_reserve(struct split *split, int n, size_t n_tokens, struct error *error) {
    size_t inputs = (size_t)n;
    bool is_new = !split->offsets;
    if (n_tokens > INT32_MAX || !grow(&split->tokens, n_tokens + 1) ||
        !grow(&split->offsets, inputs + 1) || !grow(&split->labels, inputs + 1) ||
        !grow(&split->difficulty, inputs + 1) || !grow_sources(split, inputs + 1))
        return error_set(error, "no room for %d inputs of %zu tokens; shorten the training file", n,
                         n_tokens);
    if (is_new) split->offsets[0] = 0;
    return true;
}

bool split_new(int n, size_t n_tokens, bool sourced, struct split *out, struct error *error) {
    *out = (struct split){.sourced = sourced};
    if (split_reserve(out, n, n_tokens, error)) return true;
    split_free(out);
    return false;
}

void split_free(struct split *split) {
    free(split->tokens);
    free(split->offsets);
    free(split->labels);
    free(split->difficulty);
    free(split->source);
    *split = (struct split){0};
}

void split_drop_sources(struct split *split) {
    free(split->source);
    split->source = NULL;
    split->sourced = false;
}

void split_take_sources(struct split *split, struct sources *out) {
    out->n = split->n;
    out->source = split->source;
    split->source = NULL;
    split->sourced = false;
}

void split_add(struct split *split, const int32_t *tokens, int n_tokens, int label, int difficulty,
               const struct input_source *source) {
    int32_t start = split->offsets[split->n];
    if (n_tokens > 0) memcpy(split->tokens + start, tokens, (size_t)n_tokens * sizeof *tokens);
    split->labels[split->n] = label;
    split->difficulty[split->n] = difficulty;
    if (split->sourced) split->source[split->n] = *source;
    split->offsets[++split->n] = start + n_tokens;
}

struct class_share {
    int64_t remainder; /* of its exact share, whose whole part is its quota */
    int class, quota;
};

/* The largest remainder first, of equal ones the first class. */
static int compare_remainders(const void *left, const void *right) {
    const struct class_share *a = left, *b = right;
    if (a->remainder != b->remainder) return a->remainder < b->remainder ? 1 : -1;
    return a->class - b->class;
}

static int compare_classes(const void *left, const void *right) {
    const struct class_share *a = left, *b = right;
    return a->class - b->class;
}

/* share[class].quota: how many of the count[class] inputs to choose, which sum to `want` of
 * `total`. */
static void divide(const int *count, int n_classes, int want, int total,
                   struct class_share *share) {
    int left = want;
    for (int c = 0; c < n_classes; c++) {
        int64_t exact = (int64_t)count[c] * want; /* in parts of 1 / total */
        share[c] = (struct class_share){exact % total, c, (int)(exact / total)};
        left -= share[c].quota;
    }
    /* Fewer than n_classes are left: the largest remainders get one each. */
    qsort(share, (size_t)n_classes, sizeof *share, compare_remainders);
    for (int i = 0; i < left; i++) share[i].quota++;
    qsort(share, (size_t)n_classes, sizeof *share, compare_classes);
}

/* member[first[c]] to member[first[c + 1] - 1]: the inputs of class c, in their order. */
static void sort_by_class(const struct split *split, int n_classes, int *first, int32_t *member) {
    for (int i = 0; i < split->n; i++) first[split->labels[i] + 1]++;
    for (int c = 0; c < n_classes; c++) first[c + 1] += first[c];
    for (int i = split->n; i-- > 0;) member[--first[split->labels[i] + 1]] = i;
    for (int c = 0; c < n_classes; c++) first[c] = first[c + 1];
    first[n_classes] = split->n;
}

bool split_choose(const struct split *split, int n_classes, int want, int seed,
                  enum split_purpose purpose, bool *chosen, struct error *error) {
    size_t classes = (size_t)n_classes;
    int *count = calloc(classes + 1, sizeof *count);
    int *first = calloc(classes + 1, sizeof *first);
    struct class_share *share = calloc(classes + 1, sizeof *share);
    int32_t *member = malloc(((size_t)split->n + 1) * sizeof *member);
    bool ok = count && first && share && member;
    if (!ok) {
        error_set(error, "out of memory while choosing inputs");
        goto done;
    }
    memset(chosen, 0, (size_t)split->n * sizeof *chosen);
    if (want > split->n) want = split->n;
    for (int i = 0; i < split->n; i++) count[split->labels[i]]++;
    sort_by_class(split, n_classes, first, member);
    if (split->n > 0) divide(count, n_classes, want, split->n, share);
    struct rng rng = rng_stream((uint64_t)seed, RNG_SPLIT);
    for (int c = 0; c < n_classes; c++) {
        int32_t *own = member + first[c];
        rng_shuffle(&rng, (uint64_t)purpose << 32 | (uint64_t)c, own, (size_t)count[c]);
        for (int i = 0; i < share[c].quota; i++) chosen[own[i]] = true;
    }

done:
    free(count);
    free(first);
    free(share);
    free(member);
    return ok;
}

bool split_copy(const struct split *split, const bool *chosen, bool value, struct split *out,
                struct error *error) {
    int n = 0;
    size_t n_tokens = 0;
    for (int i = 0; i < split->n; i++)
        if (chosen[i] == value) {
            n++;
            n_tokens += (size_t)(split->offsets[i + 1] - split->offsets[i]);
        }
    if (!split_new(n, n_tokens, split->sourced, out, error)) return false;
    for (int i = 0; i < split->n; i++)
        if (chosen[i] == value)
            split_add(out, split->tokens + split->offsets[i],
                      split->offsets[i + 1] - split->offsets[i], split->labels[i],
                      split->difficulty[i], split->sourced ? &split->source[i] : NULL);
    return true;
}

bool split_keep(struct split *split, const bool *chosen, bool value, struct error *error) {
    struct split kept;
    if (!split_copy(split, chosen, value, &kept, error)) return false;
    split_free(split);
    *split = kept;
    return true;
}

/* Leaves at most max_len of the tokens and returns how many. */
static int cut(int32_t *tokens, int n, int max_len, int separator) {
    int first = 0;
    if (n <= max_len) return n;
    if (separator < 0) return max_len;
    while (tokens[first] != separator) first++; /* every pair has one */
    struct text_pair_kept kept = text_pair_cut(first, n - first - 1, max_len);
    memmove(tokens + kept.first, tokens + first, (size_t)(kept.second + 1) * sizeof *tokens);
    return kept.first + 1 + kept.second;
}

int split_truncate(struct split *split, int max_len, int separator) {
    int n_cut = 0;
    int32_t start = 0, write = 0;
    for (int i = 0; i < split->n; i++) {
        int32_t *tokens = split->tokens + start, size = split->offsets[i + 1] - start;
        int32_t keep = cut(tokens, size, max_len, separator);
        n_cut += keep < size;
        memmove(split->tokens + write, tokens, (size_t)keep * sizeof *tokens);
        start = split->offsets[i + 1];
        write += keep;
        split->offsets[i + 1] = write;
    }
    return n_cut;
}
