/*
 * The two scripts of a sweep that a Slurm cluster runs: an array of jobs whose elements train a
 * shard each, and one job behind it that merges what they found, profiles, draws and reports.
 * Profiles are in one job, alone on its node, because times are compared only within one machine.
 *
 * An element works on the disk of its node and brings what it has to a folder that all nodes see,
 * while it runs and when it ends; an element that runs again begins with what is there. What is
 * brought goes through `headroom merge`, which takes a whole result or none, so a node that dies
 * while it writes spoils nothing.
 */
#ifndef HEADROOM_HARNESS_SWEEP_SLURM_SCRIPTS_H
#define HEADROOM_HARNESS_SWEEP_SLURM_SCRIPTS_H

#include "models/base/text.h"

struct slurm_sweep {
    const char *name;   /* of the jobs: "headroom-1a2b3c4d"; the last one's has "-end" behind it */
    const char *folder; /* of its scripts, logs and shards; absolute, as all paths here */
    const char *program, *db, *from; /* from: where the command was given */
    const char *words;               /* for `headroom sweep`, quoted: files, --set and the like */
    int n_elements, jobs, save_every;
    bool profiles, replace;
    bool trains_on_card, profiles_on_card;
    const char *const *options; /* for sbatch, [n_options] */
    int n_options;
};

/* Appends a word for a shell, in single quotes, whatever it holds. */
void slurm_quote(struct text *out, const char *word);

void slurm_element_script(const struct slurm_sweep *sweep, struct text *out);
void slurm_end_script(const struct slurm_sweep *sweep, struct text *out);

#endif
