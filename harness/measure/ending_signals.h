/*
 * The signals that ask a process to end in order. A shell has a program in the background ignore
 * SIGINT and nohup one ignore SIGHUP: a signal that is blocked and waited for would be heard all
 * the same, so both who starts trials and who trains ask here which ones count.
 */
#ifndef HEADROOM_HARNESS_MEASURE_ENDING_SIGNALS_H
#define HEADROOM_HARNESS_MEASURE_ENDING_SIGNALS_H

#include <signal.h>

/* SIGINT, SIGTERM and SIGHUP, without those that this process ignores. */
void ending_signals(sigset_t *out);

#endif
