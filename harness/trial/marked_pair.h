/*
 * One batch run twice, once with marks between the phases and once without. What marks cost is less
 * than a machine drifts between two blocks, so the two stand side by side. If one of them took twice
 * as long as the other it was interrupted, and whatever phase that fell into would seem to be slow:
 * both run again, a few times at most, and the last ones are kept.
 */
#ifndef HEADROOM_HARNESS_TRIAL_MARKED_PAIR_H
#define HEADROOM_HARNESS_TRIAL_MARKED_PAIR_H

#include <stdbool.h>

/* How often a pair is run at most. */
enum { MARKED_PAIR_TRIES = 4 };

/* `begin` forgets what an earlier try of this pair has noted; `pass` runs the batch and returns its
 * nanoseconds. The marked pass comes first if `marked_first`. ns[0]: without marks, ns[1]: with. */
void marked_pair_take(bool marked_first, void (*begin)(void *context),
                      double (*pass)(void *context, bool marked), void *context, double ns[2]);

#endif
