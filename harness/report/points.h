/*
 * Every trained model as a point: accuracy over heads, a picture for each workload.
 */
#ifndef HEADROOM_HARNESS_REPORT_POINTS_H
#define HEADROOM_HARNESS_REPORT_POINTS_H

#include "harness/report/trial_index.h"
#include "harness/store/store.h"
#include "models/base/text.h"

bool points_append(struct text *out, struct store *store, const struct trial_index *trials,
                   struct error *error);

#endif
