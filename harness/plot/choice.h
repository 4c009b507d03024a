/*
 * Which workloads are drawn: those that a user chooses, or all of them, but no more than can be looked at.
 * Of a sweep of hundreds the first are drawn, and whoever wants others says which: then as many as that is.
 */
#ifndef HEADROOM_HARNESS_PLOT_CHOICE_H
#define HEADROOM_HARNESS_PLOT_CHOICE_H

#include "harness/plot/sheet.h"
#include "harness/store/store.h"

/* Ten pages of a panel for each. */
enum { WORKLOADS_SHOWN = 60 };

struct choice {
    struct sheet_choice of; /* what a row has to meet */
    char *workloads; /* JSON list of the names of those that are drawn; NULL: all there are */
    char *left_out;  /* a sentence on what nobody chose to leave out; NULL: nothing */
    regex_t filter;
    bool filtering;
    bool not_understood; /* the error is one of the request */
};

/* workload: a name; filter: a regular expression of workload/arm; NULL: not asked for. A choice that
 * nothing meets is an error: it must not remove every picture. */
bool choice_make(struct store *store, const char *workload, const char *filter, struct choice *out,
                 struct error *error);
void choice_free(struct choice *choice);

#endif
