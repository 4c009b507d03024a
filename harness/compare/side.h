/*
 * One side of a comparison as it is named on the command line, and what it holds: models of a
 * database, or a file of predictions. One notation for all of it, of which every part may be left
 * out:
 *
 *     [FILE.db:][WORKLOAD/]ARM[@WHERE]    FILE.db[@WHERE]    @WHERE    FILE.jsonl
 *
 * WHERE is a revision's first digits or a part of a machine's name. What a side does not say is as
 * on the other side: so `old.db new.db` compares every arm of the one with the same arm of the
 * other, and `fixed-8@1a2b3c @4d5e6f` one arm with itself at another commit.
 */
#ifndef HEADROOM_HARNESS_COMPARE_SIDE_H
#define HEADROOM_HARNESS_COMPARE_SIDE_H

#include "harness/store/outcomes.h"

struct side {
    const char *text;                                     /* as written */
    char file[1024], workload[128], arm[160], where[128]; /* "": not said */
    bool predictions;                                     /* file is JSON, a line per answer */
    struct outcomes outcomes;
};

/* Reads the names of two sides: db is the database of one that names none, workload NULL or that of
 * both. What one says and the other does not is filled in. */
bool sides_parse(const char *a, const char *b, const char *db, const char *workload,
                 struct side sides[2], struct error *error);

/* Reads what they name; an error if that is nothing on either side. */
bool sides_read(struct side sides[2], struct error *error);
void sides_free(struct side sides[2]);

/* Whether the sides stand for whole sets of arms, each to be compared with its namesake. */
bool sides_by_arm(const struct side sides[2]);

/* Whether they were asked for from different databases, revisions or machines. */
bool sides_across(const struct side sides[2]);

/* Appends the models of a file of predictions: {"workload"?: text, "seed"?: 0, "input": id, "label":
 * x, "predicted": x, "latency_ns"?: number} a line, other keys unread; plain or gzip. Ids, labels and
 * predictions are compared as texts, so 1 and "1" are the same. */
bool predictions_read(const char *path, struct outcomes *out, struct error *error);

#endif
