/*
 * Parts of a sweep for several machines or the tasks of a batch queue: `--shard 2/8`. Which trials
 * a part has follows from the planned trials alone, never from what is done, from the time or from
 * the machine, so that parts that know nothing of each other are disjoint and together the whole.
 */
#ifndef HEADROOM_HARNESS_SWEEP_SHARD_H
#define HEADROOM_HARNESS_SWEEP_SHARD_H

#include "models/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { SHARDS_MAX = 1000, SHARD_PLAN_SIZE = 9 };

struct shard {
    int number, of; /* 1 .. of; of = 0: all of the sweep */
};

/* Reads `2/8`. */
bool shard_parse(const char *text, struct shard *out, struct error *error);

/* Trials that need each other's checkpoints, and so stay together. */
struct shard_group {
    char label[192]; /* of its first training; different in every group */
    double flops;    /* expected, of all its trials */
    int *shard;      /* is set to the number of its shard */
};

/* How the work is shared out. */
struct shard_shares {
    int n_groups, groups[SHARDS_MAX]; /* in all, and of each shard */
    double share[SHARDS_MAX];         /* of the work, sum 1 */
    char plan[SHARD_PLAN_SIZE]; /* names groups and work; equal wherever they are shared alike */
};

/* Shares n groups out among n_shards, the longest first, each to the shard that has the least work
 * so far: none gets more than the mean and one group. Their order changes; the result is the same
 * for every order that they come in. */
void shard_share(struct shard_group *groups, size_t n, int n_shards, struct shard_shares *out);

#endif
