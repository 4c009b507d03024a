/*
 * What a trial finds out, as plain structs: filled by training.c, evaluation.c and profile.c,
 * written by store.c in one transaction. A number that could not be measured is a NaN (or a NULL
 * pointer) beside a reason, never a zero.
 */
#ifndef HEADROOM_HARNESS_RECORD_RESULTS_H
#define HEADROOM_HARNESS_RECORD_RESULTS_H

#include <stdint.h>

#include "models/flops.h"
#include "models/phase.h"
#include "workloads/data/sources.h"

/* One training epoch. */
struct epoch_result {
    int epoch;                /* from 1 */
    int64_t step;             /* optimiser steps done at its end */
    double train_loss;        /* mean cross-entropy over the epoch's inputs */
    double train_regulariser; /* mean over steps of the policy's loss terms */
    double train_mean_s;      /* NaN: policy has no budget */
    /* entropy of the learned scores over its maximum, mean over rows and layers; NaN: none */
    double train_score_entropy;
    double validation_loss, validation_accuracy;
    double validation_mean_heads; /* as in an evaluation */
    double learning_rate;         /* at its last step */
    double train_seconds, validation_seconds;
};

/* How far a training is: its last epoch, in short. */
struct training_progress {
    int candidate, n_candidates; /* from 1; 1 of 1: nothing is tuned */
    int epoch, n_epochs;         /* of this candidate, from 1 */
    double train_loss, validation_accuracy, validation_mean_heads; /* as in struct epoch_result */
};

/* One pass over one split with one set of weights and one way of choosing heads. */
struct evaluation_result {
    const char *weights;  /* "best" | "final" */
    const char *split;    /* "validation" | "test" */
    const char *control;  /* "none" | "static" | "shuffled[-by-length|-by-difficulty]" | a mode */
    int n, layers, heads; /* inputs; layers; base heads H */
    double accuracy;
    double loss;                    /* mean negative log-likelihood, nats */
    double macro_f1, matthews, ece; /* trial/metrics.h; matthews is NaN where it is undefined */
    double mean_heads; /* heads that run for a token, mean over tokens, inputs and layers */
    double mean_s;     /* NaN: policy has no budget */
    /* Of an adaptive method's best weights on the test split, else NaN: accuracy as it was trained,
     * which is the trainer's forward pass with the gates of its last step, all heads and no
     * dropout; and the entropy of the learned scores there over its maximum (NaN: they are not
     * learned). */
    double trained_accuracy, score_entropy;
    struct flops executed; /* instrumented count, summed over the split */
    struct flops formula;  /* closed form for the same heads: equal, checked before storing */
    /* closed form with every head of the full model (H per layer), same inputs */
    uint64_t dense_flops;
    uint64_t active_flops; /* flops_add_layer_active of what was chosen, same inputs */
    double seconds;
    int32_t *label;      /* [n] */
    int32_t *predicted;  /* [n] */
    double *p_predicted; /* [n] softmax of the logits: of the predicted class, and of the */
    double *p_true;      /* [n] labelled one */
    int32_t *difficulty; /* [n] -1: unknown */
    int32_t *length;     /* [n] tokens */
    /* [n][layers] heads computed for each input: any of its tokens chose them */
    int32_t *heads_run;
    float *budget;   /* [n][layers] s, or NULL */
    uint64_t *usage; /* [layers][heads] for how many inputs this head was computed */
    int classes;
    uint64_t *class_usage; /* [classes][layers][heads] the same of the inputs of each label */
};

/* One candidate of a tuned arm: what was set, and what became of it. */
struct candidate_result {
    char *settings;   /* JSON object of the tuned options */
    char reason[256]; /* why it has no result, such as that it diverged; "" if it has one */
    double validation_accuracy, validation_loss; /* of its best weights; NaN without result */
    double validation_mean_heads;                /* executed, per input and layer */
    double train_seconds;
    uint64_t train_flops;
    bool chosen;
};

/* Memory of one purpose, or of one stretch of the process's life. */
struct memory_result {
    char what[48]; /* "arena parameters", "peak resident, training", ... */
    int64_t bytes; /* -1: not measured */
    char reason[160];
    int64_t predicted;   /* bytes by the closed form (models/footprint.h); 0: it says nothing */
    int64_t page_faults; /* of a stretch; -1: not counted */
    bool on_device;      /* memory of a card, not of this process */
};

/* One class of the data set, and its inputs in each split. */
struct class_result {
    char *name;
    int n_train, n_validation, n_test;
};

enum { TRAINING_MEMORY = 18 };

/* Of a tuned trial: of the chosen candidate, but for wall_seconds, which are those of all. */
struct training_result {
    int n_candidates; /* 0: nothing was tuned */
    struct candidate_result *candidates;
    int n_epochs;
    struct epoch_result *epochs;
    int best_epoch; /* whose weights are "best" */
    int n_evaluations;
    struct evaluation_result *evaluations;
    int64_t parameters; /* trainable numbers */
    int64_t steps;
    double train_seconds;         /* forward + backward + optimiser */
    double phase_seconds[PHASES]; /* what train_seconds went to; 0 where training has no phase */
    double wall_seconds;
    bool diverged;          /* why there is no result: a loss was not finite */
    uint64_t train_flops;   /* nominal: 3 x forward GEMM, all heads; without what a base cost */
    int64_t arena_bytes;    /* high water of the counted arenas, training */
    int64_t peak_rss_bytes; /* VmHWM once the data are read; -1 unknown */
    int n_memory;
    struct memory_result memory[TRAINING_MEMORY]; /* arenas by purpose, and peaks of stretches */
    char checkpoint[512];       /* path of the best weights, relative to the database's folder */
    char checkpoint_sha256[65]; /* of that file's bytes */
    char code_sha256[65];       /* code_hash.h */
    int n_train, n_validation, n_test, n_classes, vocab, n_truncated;
    int n_dropped, n_overlap, n_overlap_texts, n_overlap_dropped;
    double mean_length, unknown_share;
    char data_sha256[65];
    struct class_result *classes; /* [n_classes]; NULL: not known */
    struct sources sources;       /* of the test inputs; without any: not known */
};

/* One counter role in one profile: value, or the reason why there is none. */
struct counter_result {
    char role[96];   /* "cycles", "instructions", ..., or an event that the workload asks for */
    char event[192]; /* the name it was counted by; "" if none worked */
    bool available;
    double value;     /* per input; meaningless unless available */
    double empty;     /* what the same pass reads around nothing, per input; NaN: unknown */
    char status[16];  /* "counted" | "multiplexed" (extrapolated) | "simulated" | "unavailable" */
    char reason[256]; /* why unavailable; "" otherwise */
    /* "thread" | "thread, user": without what the kernel does for it | "simulator" | "gpu": a card */
    char scope[16];
    int pass;    /* from 0, the first that its events were counted in; -1: none */
    int repeats; /* forward passes the value is a mean of */
};

/* One phase of a forward pass, per input. Bytes: of the operands (struct work). */
struct phase_result {
    double ns, flops, bytes;
};

/* Energy of one RAPL part, or of a card, while a batch size ran over and over. */
struct energy_result {
    const char *domain;      /* "package" | "dram" | "card" */
    double joules_per_input; /* mean of the regions; NaN: reason says why */
    double idle_watts;       /* of the machine or card at rest, just before */
    double seconds;          /* that the regions lasted */
    double seconds_per_input;
    int n_regions;
    double ci95_half; /* joules per input: of the 95% t-interval over regions; NaN: one region */
    char reason[256];
};

/* Timed passes taken without a break; other arms had their turns before and after. */
struct profile_block {
    double started_s;   /* CLOCK_MONOTONIC: orders the blocks of all arms on one machine */
    double cpu_share;   /* of the block's wall time, that this thread had a core for */
    int others_running; /* runnable threads of the machine beside this one, at the start; -1:
                           unknown */
};

/* Forward passes at one batch size. */
struct profile_result {
    int batch_size;
    int warmup, n_samples, inputs_per_sample; /* inputs in one timed sample */
    double *latency_ns; /* [n_samples] wall time of one forward pass of one batch */
    /* [n_samples] The same batch later, with marks between its phases and without, one after the
     * other; NULL: not measured. */
    double *marked_ns, *unmarked_ns;
    int n_blocks; /* sample i is of block i * n_blocks / n_samples */
    struct profile_block *blocks;
    double mean_heads, mean_s; /* as in an evaluation */
    double executed_flops_per_input, dense_flops_per_input;
    int n_counters;
    int n_simulated; /* of them, the last ones: from a simulator */
    struct counter_result *counters;
    struct phase_result phase[INFERENCE_PHASES]; /* of the marked passes; they sum to these */
    double marks;                                /* in a pass of one batch */
    double mark_ns;                              /* cost of one */
    int n_energy;
    struct energy_result energy[3];
};

struct profiling_result {
    int n_profiles;
    struct profile_result *profiles;
    int n_memory;
    struct memory_result *memory;
    double wall_seconds;
    char code_sha256[65]; /* code_hash.h */
    char warning[256];    /* what makes the numbers doubtful; "" if nothing does */
};

#endif
