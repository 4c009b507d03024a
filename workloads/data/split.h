/*
 * Building, choosing and cutting splits: what happens to a data set between its source and the
 * model. Every choice is stratified by label and a function of the data seed alone.
 */
#ifndef HEADROOM_WORKLOADS_DATA_SPLIT_H
#define HEADROOM_WORKLOADS_DATA_SPLIT_H

#include "models/base/error.h"
#include "workloads/data/sources.h"

#include <stdint.h>

/* Inputs as token indices end to end. */
struct split {
    int n;                       /* inputs */
    int32_t *tokens;             /* [offsets[n]] */
    int32_t *offsets;            /* [n + 1] */
    int32_t *labels;             /* [n] */
    int32_t *difficulty;         /* [n] known difficulty (g: active relations); -1 where unknown */
    bool sourced;                /* while it is made: it may be tested on, so `source` is filled */
    struct input_source *source; /* [n] if so, else NULL */
};

/* An empty split with room for n inputs and n_tokens tokens, filled through split_add. */
bool split_new(int n, size_t n_tokens, bool sourced, struct split *out, struct error *error);

/* Makes room for n inputs and n_tokens tokens in all, in a split that has fewer (or is zeroed but
 * for `sourced`). */
bool split_reserve(struct split *split, int n, size_t n_tokens, struct error *error);
void split_free(struct split *split);

/* Forgets where inputs come from, or moves that to the data set's own record. */
void split_drop_sources(struct split *split);
void split_take_sources(struct split *split, struct sources *out);

/* Appends one input; the caller stays within the room. `source` is not read unless the split is
 * sourced. */
void split_add(struct split *split, const int32_t *tokens, int n_tokens, int label, int difficulty,
               const struct input_source *source);

/* Chooses `want` of the inputs, each class in proportion (largest remainders first), and sets
 * chosen[input]. `seed` and `purpose` name the draw. */
enum split_purpose { SPLIT_TRAIN_LIMIT = 1, SPLIT_TEST_LIMIT, SPLIT_VALIDATION, SPLIT_TEST };
bool split_choose(const struct split *split, int n_classes, int want, int seed,
                  enum split_purpose purpose, bool *chosen, struct error *error);

/* Copies the inputs whose chosen[input] equals `value`, in order. */
bool split_copy(const struct split *split, const bool *chosen, bool value, struct split *out,
                struct error *error);

/* Leaves only those inputs in the split, in order; after failure it is as it was. */
bool split_keep(struct split *split, const bool *chosen, bool value, struct error *error);

/* Cuts inputs to max_len tokens and returns how many were longer. Where they are pairs, `separator`
 * is the token between their texts and both are cut (text_pair.h); else it is -1. */
int split_truncate(struct split *split, int max_len, int separator);

#endif
