/*
 * What a database shows, in sentences: each with its numbers, its interval and how many seeds and
 * inputs stand behind it. The numbers and the verdicts are those of the views `claim`,
 * `attention_gain`, `heads_needed`, `latency_note` and `budget_trend`; here they only become words,
 * and a sentence says that something cannot be told where the views say so.
 */
#ifndef HEADROOM_HARNESS_STORE_FINDINGS_H
#define HEADROOM_HARNESS_STORE_FINDINGS_H

#include "harness/store/store.h"
#include "harness/table/table.h"

/* Two columns, the workload and a sentence about it, workloads together and each in the order of
 * the questions: what attention adds, all heads and one, budgets, decisions per input, difficulty,
 * heads needed, times. No row at all, not even names, where nothing is found yet. Arms must have
 * been compared (comparison.h). */
bool findings_read(struct store *store, struct table *out, struct error *error);

#endif
