/*
 * Whether the cards that trials want are there, asked before any of them runs: who asked for one by
 * mistake should not learn of it after hours. For trials of the CPU alone no card is touched.
 */
#ifndef HEADROOM_HARNESS_SWEEP_CARDS_H
#define HEADROOM_HARNESS_SWEEP_CARDS_H

#include "harness/sweep/plan.h"

/* Counts the cards into places->n_cards if one of the trials wants one. told: how many there are;
 * negative: none, 0: nobody has said so. Error that names the trial whose card is not there. */
bool cards_suffice(struct places *places, int told, const struct plan_trial *const *trials,
                   size_t n, struct error *error);

#endif
