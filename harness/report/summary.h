/*
 * What both reports say in words, of the whole database: the page for browsers and the file for a
 * repository.
 */
#ifndef HEADROOM_HARNESS_REPORT_SUMMARY_H
#define HEADROOM_HARNESS_REPORT_SUMMARY_H

#include "harness/store/report.h"
#include "harness/store/store.h"
#include "models/base/text.h"

/* Appends how many trials there are of how many workloads, and how they ended; nothing where there are
 * none. */
bool summary_append_counts(struct store *store, struct text *out, struct error *error);

/* Stands for findings where there are none, and below them. */
extern const char summary_no_findings[], summary_verdicts[];

/* What is doubtful, in the order in which it is told. */
enum { SUMMARY_DOUBTS = 7 };
extern const enum report_list summary_doubts[SUMMARY_DOUBTS];

/* Appends how many results are of older code, without the line's end; nothing where none is. */
bool summary_append_older_code(struct store *store, struct text *out, struct error *error);

/* Writes a report whole or not at all, and never through a link or over what is no file. */
bool summary_write_file(const char *path, const struct text *text, struct error *error);

#endif
