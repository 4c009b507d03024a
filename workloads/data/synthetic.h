/*
 * Generated tasks: the controlled end of the granularity axis. Each one is a file that fills one
 * input at a time from a stream of random numbers that belongs to that input alone, so that an
 * input depends on the seed, its split and its index but not on how many inputs there are.
 */
#ifndef HEADROOM_WORKLOADS_DATA_SYNTHETIC_H
#define HEADROOM_WORKLOADS_DATA_SYNTHETIC_H

#include "models/base/rng.h"
#include "workloads/data/dataset.h"

/* The random numbers of one input. */
struct draw {
    struct rng rng;
    uint64_t input, next;
};
int draw_below(struct draw *draw, int n);               /* uniform in 0 .. n-1 */
int draw_other(struct draw *draw, int n, int not_this); /* uniform among the other n-1 */
bool draw_chance(struct draw *draw, double probability);
void draw_permutation(struct draw *draw, int *out, int n);

struct generator {
    bool (*check)(const struct data_config *config, struct error *error);
    int (*n_classes)(const struct data_config *config);
    int (*vocab)(const struct data_config *config);
    /* Fills tokens[config->length] and *label; returns the difficulty. Labels follow from the
     * index, so that classes are balanced exactly. */
    int (*make)(const struct data_config *config, struct draw *draw, int index, int32_t *tokens,
                int *label);
};
extern const struct generator generator_topic, generator_offsets, generator_pairs, generator_mixed;

/* The generator of a source; NULL if it reads files. */
const struct generator *generator_find(int source);

/* Generates both splits (their random numbers are disjoint). */
bool synthetic_generate(const struct data_config *config, struct split *train, struct split *test,
                        struct error *error);

/* Two tokens that stand `distance` apart, the second after the first, on the ring of the input. */
struct offset_pair {
    int first, second, distance;
};

/* Places the pairs uniformly at random among all placements without collision, and tokens
 * first_filler .. first_filler + fillers - 1 elsewhere. offsets and mixed share it. */
void offsets_place(const struct data_config *config, const struct offset_pair *pairs, int n_pairs,
                   int first_filler, struct draw *draw, int32_t *tokens);
bool offsets_check(const struct data_config *config, struct error *error);

#endif
