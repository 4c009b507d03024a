/*
 * Who runs a trial holds the lock of its key: a write lock on locks/KEY.lock beside the database, of the
 * kind that belongs to the open file (F_OFD_SETLK) and that the kernel drops when the process ends,
 * however it ends. So whether a trial is being run is asked of the kernel, which also knows of
 * processes in other containers and, on most network disks, on other machines; ids and host names do
 * not tell that. The lock is of the key, as the files of its checkpoint and log are, so that two
 * databases in one folder do not write them at once.
 *
 * A holder removes its file before it lets go of it; what a killed one leaves is taken by the next or
 * stays, empty, without meaning anything.
 */
#ifndef HEADROOM_HARNESS_STORE_TRIAL_LOCK_H
#define HEADROOM_HARNESS_STORE_TRIAL_LOCK_H

#include "models/base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct trial_locks;

enum lock_state {
    LOCK_FREE,
    LOCK_OURS,   /* held by this process, through this connection */
    LOCK_TAKEN,  /* by another process */
    LOCK_UNKNOWN /* the disk has no locks, or they cannot be asked for */
};

/* The locks in `folder`, which is made when the first one is taken. NULL: out of memory. */
struct trial_locks *trial_locks_new(const char *folder);

/* Lets go of all that are held. NULL is fine. */
void trial_locks_free(struct trial_locks *locks);

/* Tries to take the lock of a key, without waiting: LOCK_OURS, LOCK_TAKEN, or LOCK_UNKNOWN where the
 * disk has no locks; *is_new says whether it was not ours before. False only where the file cannot be
 * made. */
bool trial_locks_take(struct trial_locks *locks, const char *key, enum lock_state *state,
                      bool *is_new, struct error *error);

void trial_locks_drop(struct trial_locks *locks, const char *key);

/* Whose it is, without touching it. */
enum lock_state trial_locks_look(const struct trial_locks *locks, const char *key);

/* Whether any key that begins so may be held by anybody: true where it cannot be known. */
bool trial_locks_any(const struct trial_locks *locks, const char *prefix);

/* Removes the files that killed holders left. Whoever tries to take one of them just then finds it
 * taken. */
void trial_locks_clean(struct trial_locks *locks);

/* "" or why the disk has no locks, once one has been tried. */
const char *trial_locks_missing(const struct trial_locks *locks);

#endif
