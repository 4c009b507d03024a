/*
 * The sections `train:` and `profile:` of a workload file as typed values. The sections `data:` and
 * `model:` stand beside what they describe, workloads/data/dataset.h and models/model.h. Tuning
 * reads `train:` before there is an experiment, so these stand below it.
 */
#ifndef HEADROOM_HARNESS_CONFIG_SECTIONS_H
#define HEADROOM_HARNESS_CONFIG_SECTIONS_H

#include "models/base/option.h"

/* Ends of ranges that others make room for. */
enum {
    EXPERIMENT_ARMS_MAX = 64,
    BATCH_SIZE_MAX = 4096,       /* inputs at a time, in training and in a profile */
    SIMULATED_INPUTS_MAX = 4096, /* before they are rounded up to whole batches */
    PROFILE_BLOCKS_MAX = 20      /* and the fewest repeats, so that no block is empty */
};

/* The `train:` section. */
struct train_config {
    int epochs, batch;
    double learning_rate, weight_decay, beta1, beta2, epsilon;
    double warmup;       /* share of steps with rising learning rate */
    double clip_norm;    /* gradient-norm clipping, 0 = off */
    double select_after; /* share of steps after which the best validation epoch is chosen: 0.65 */
    int eval_batch;
    char device[OPTION_STRING_MAX]; /* as device_check_name has it: cpu, cuda, cuda:N */
    int precision;                  /* enum precision */
};
extern const struct option_table train_options;

/* Whose counts a profile has beside those that PAPI and the kernel give. */
enum profile_counters { COUNTERS_MEASURED, COUNTERS_CACHEGRIND };

/* The first word of the precision of a profile; those of enum precision follow. */
enum { AS_TRAINED };

/* How often a profile measures the joules of a card. */
enum card_energy { CARD_ENERGY_OFF, CARD_ENERGY_SHORT, CARD_ENERGY_LONG };

/* The `profile:` section. */
struct profile_config {
    struct int_list batch_sizes; /* 1, 32 */
    int warmup, repeats;         /* forward passes */
    int blocks;                  /* the repeats are taken in; arms take turns between them */
    int inputs;                  /* test inputs cycled through */
    int seeds;                   /* how many of the seeds, from the first, are profiled per arm */
    int counters;                /* enum profile_counters */
    int simulated_inputs;        /* test inputs that a simulator runs, at least one batch */
    struct name_list events;     /* PAPI names to count beside the roles of counters.h */
    bool multiplex;              /* all events in one pass, scaled up and flagged */
    int again;                   /* arms, from the first, whose first seed is profiled twice */
    double grid_gco2_per_kwh;    /* of the user's electricity; 0: not given */
    struct name_list devices;    /* each checkpoint is profiled on; n = 0: that it was trained on */
    int precision;               /* of cards: AS_TRAINED, or 1 + enum precision */
    int card_energy;             /* enum card_energy */
};
extern const struct option_table profile_options;

#endif
