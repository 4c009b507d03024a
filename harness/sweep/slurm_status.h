/*
 * How a sweep stands that a Slurm cluster runs: what the elements have brought to the folder that
 * all nodes see, beside what Slurm says of them.
 */
#ifndef HEADROOM_HARNESS_SWEEP_SLURM_STATUS_H
#define HEADROOM_HARNESS_SWEEP_SLURM_STATUS_H

#include "harness/sweep/slurm_queue.h"

#include <stdio.h>

/* What an element has to do, a line of the file `elements` in the folder: number, how many
 * trainings, the name of the first. */
struct slurm_element {
    int n_trainings;
    char label[192];
};

/* Writes a table of the elements that have not all of their results, for every folder slurm-*
 * beside the database; nothing where there is none. Where Slurm does not answer it says so, and
 * what was brought is shown all the same. */
bool slurm_status_write(const char *db, FILE *out, struct error *error);

/* The folder of a sweep's name, "headroom-1a2b3c4d" to .../slurm-1a2b3c4d, beside its database. */
bool slurm_folder(const char *db, const char *name, char *out, size_t size);

/* What an element has brought to the folder, to be closed; NULL where it has no database yet, or one
 * that is just written. */
struct store *slurm_shard(const char *folder, int number);

#endif
