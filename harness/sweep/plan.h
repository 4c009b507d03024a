/*
 * From workload files to trial rows. A trial's identity is the hash of everything that decides its
 * result, so planning the same files again finds the same rows, and only what is new or has not
 * ended well is run. Planning needs no engine and no data: it is quick enough to be done always.
 * Where the data is absent, a stored trial with the same configuration is the same trial: results
 * do not go away with the files they came from.
 */
#ifndef HEADROOM_HARNESS_SWEEP_PLAN_H
#define HEADROOM_HARNESS_SWEEP_PLAN_H

#include "harness/config/experiment.h"
#include "harness/config/placement.h"
#include "harness/config/trial_key.h"
#include "harness/store/store.h"
#include "harness/sweep/places.h"
#include "harness/sweep/shard.h"
#include "models/base/text.h"

/* Which finished trials are made again. Whatever depends on one of them is, too. */
enum rerun {
    RERUN_NONE,
    RERUN_FAILED,   /* none, and of the others only those that ended without result */
    RERUN_STALE,    /* those made by other code than this program's */
    RERUN_PROFILES, /* all profiles */
    RERUN_ALL
};

struct plan_request {
    char **files; /* workload files named by the user, paths or names; run whatever their tier */
    int n_files;  /* 0: every file of `folder` whose tier fits */
    const char *folder; /* "workloads" */
    const char *tag; /* only files with this tag, whatever their tier, found where workload_files.h
                        says; NULL: all */
    bool full;       /* tier full: more files, and the overlay `full:` */
    struct overrides overrides; /* of what the files say */
    bool profile;               /* select profile trials too */
    bool no_train;              /* and no trainings, so profiles of what is trained alone */
    const char *filter;         /* extended regular expression on the label, or NULL */
    struct shard shard;         /* which part of what these select; number 0: all, shared out */
    enum rerun rerun;           /* of what `filter` and `profile` select */
    bool replace; /* a workload may come from another file than the stored one of its name, and
                     overrides may hide its results */
    bool dry_run; /* plan as always, then forget */
};

struct plan_trial {
    int64_t id, base_id; /* base_id: whose checkpoint it needs (a profile's training, the trial
                             of a training's base arm); 0: nobody's */
    int shard;           /* whose it is where work is shared out; 0: everybody's */
    int wanted;          /* where it runs: PLACE_CPU, PLACE_ANY_CARD, or the number of a card */
    bool profile, again; /* again: a second profile of the same checkpoint, for the noise floor */
    bool selected; /* selected: by `profile`, `filter` and `shard`, or because a trial that is to
                             run needs its checkpoint */
    bool retired;  /* has a new row in the place of a finished one */
    bool renewed;  /* that, or starts from one that has: what depends on it is made again */
    enum checkpoint_state checkpoint; /* not sound: planned again, as one that is to run needs it */
    char key[TRIAL_KEY_SIZE];
    char label[192]; /* workload/arm/seed */
    char device[PLACEMENT_LABEL_SIZE];
    char kind[48];   /* before the label: "", "profile ", "profile again on cuda "; the device only
                             where it is not the one that trains */
    char status[16]; /* as the database had it, "planned" for a new one */
    char missing[256]; /* first absent data file, "" if all are present */
    double expected_flops;
    double path_flops; /* its own and those of the longest chain of trainings that waits for it */
};

/* What stood in the way of one file; the others are planned all the same. */
struct plan {
    struct plan_trial *trials; /* by workload, arm, seed, but bases before who needs them; a profile
                                  right after its training */
    size_t n_trials, n_workloads;
    size_t n_hidden; /* results that leave the views: of these workloads with other settings */
    struct shard_shares shares; /* where a shard was asked for */
    struct error *problems;
    size_t n_problems;
    struct text doubts; /* lines about what files say and may not mean, which stop nothing */
};

/* Returns false only when there can be no plan: no database, a wrong filter, no memory, overrides
 * that would hide results (unless `replace`). A bad file, two files with one name (also of
 * different sweeps, unless `replace`), and absent data of a *named* file are problems of the plan.
 */
bool plan_make(struct store *store, const struct plan_request *request, struct plan *out,
               struct error *error);
void plan_free(struct plan *plan);

/* A rough cost in FLOPs, for order and remaining time: training is 3 x dense forward x inputs x
 * epochs, profiling its forward passes. `model` is resolved. For text the number of inputs is
 * guessed from the file's size. */
double plan_expected_flops(const struct experiment *experiment, const struct model_config *model,
                           bool profile);

/* The same of one trial with all its candidates; resolves its model. */
bool plan_trial_flops(const struct experiment *experiment, const struct arm *arm, bool profile,
                      struct model_config *model, double *flops, struct error *error);

#endif
