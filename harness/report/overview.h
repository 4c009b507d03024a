/*
 * What was found on all workloads at once: a database of twenty has hundreds of findings, and nobody
 * reads the last before asking how often.
 */
#ifndef HEADROOM_HARNESS_REPORT_OVERVIEW_H
#define HEADROOM_HARNESS_REPORT_OVERVIEW_H

#include "harness/store/store.h"
#include "harness/table/table.h"
#include "models/base/text.h"

/* A sentence for each question, with on how many workloads it is answered; nothing where there is
 * but one workload. */
bool overview_append(struct store *store, struct text *out, struct error *error);

/* What the rows are. */
extern const char overview_caption[];

/* A row for each workload that there are findings of, names first; none where there is but one. */
bool overview_read(struct store *store, struct table *out, struct error *error);

#endif
