/*
 * The random numbers of one generated input. They belong to that input alone, so that it depends on
 * the seed, its split and its index but not on how many inputs there are.
 */
#ifndef HEADROOM_WORKLOADS_DATA_SYNTHETIC_DRAW_H
#define HEADROOM_WORKLOADS_DATA_SYNTHETIC_DRAW_H

#include "models/base/rng.h"

#include <stdbool.h>

struct draw {
    struct rng rng;
    uint64_t input, next; /* counters: which input, and its numbers used so far */
};
int draw_below(struct draw *draw, int n);               /* uniform in 0 .. n-1 */
int draw_other(struct draw *draw, int n, int not_this); /* uniform among the other n-1 */
bool draw_chance(struct draw *draw, double probability);
void draw_permutation(struct draw *draw, int *out, int n);

#endif
