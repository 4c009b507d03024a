/*
 * What a plan has to say before anything runs: files that cannot be used, data that is absent,
 * checkpoints that are gone, results that are made again or leave the views.
 */
#ifndef HEADROOM_HARNESS_CLI_PLAN_NOTES_H
#define HEADROOM_HARNESS_CLI_PLAN_NOTES_H

#include "harness/sweep/plan.h"

void plan_notes_print(const struct plan *plan);

#endif
