/*
 * Pairs of tokens at a distance: what `offsets` and `mixed` share.
 */
#ifndef HEADROOM_WORKLOADS_DATA_SYNTHETIC_OFFSETS_H
#define HEADROOM_WORKLOADS_DATA_SYNTHETIC_OFFSETS_H

#include "workloads/data/data_config.h"
#include "workloads/data/synthetic_draw.h"

/* Two tokens that stand `distance` apart, the second after the first, on the ring of the input. */
struct offset_pair {
    int first, second, distance;
};

/* Places the pairs uniformly at random among all placements without collision, and tokens
 * first_filler .. first_filler + fillers - 1 elsewhere. */
void offsets_place(const struct data_config *config, const struct offset_pair *pairs, int n_pairs,
                   int first_filler, struct draw *draw, int32_t *tokens);
bool offsets_check(const struct data_config *config, struct error *error);

#endif
