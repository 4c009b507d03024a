/*
 * Turns of profiles. In a sweep the profiles of one workload exist at the same time, each a process
 * of its own (so that memory peaks are its own), but only one of them runs: between two blocks of
 * timed passes, and between two regions of a card's joules, a profile stops itself, and the sweep
 * continues the one whose turn is next. Stopping is SIGSTOP and continuing SIGCONT, so there is no
 * protocol that could go wrong: the kernel tells the parent who has stopped, and a stopped process
 * takes no time from the one that is measured.
 */
#ifndef HEADROOM_HARNESS_MEASURE_TURN_H
#define HEADROOM_HARNESS_MEASURE_TURN_H

#include <sys/types.h>

/* Set by a sweep for processes that take turns; a trial that is run by hand never stops. */
#define TURN_VARIABLE "HEADROOM_TAKES_TURNS"

/* Stops until it is this process's turn. Returns at once where nobody hands out turns. */
void turn_wait(void);

/* Runnable threads of the whole machine beside the calling one and the sweep that handed it its
 * turn, now; -1 where the kernel does not tell. Anything above 0 competes with what is about to be
 * timed. The sweep is no neighbour: on a machine of one core it cannot even fall asleep before the
 * process that it continued stops. */
int turn_others_running(void);

/* The same with /proc/loadavg below `root`, for tests; `sweep`: its process, 0 where there is
 * none. */
int turn_others_running_beside(const char *root, pid_t sweep);

#endif
