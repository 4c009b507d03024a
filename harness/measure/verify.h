/*
 * `headroom doctor --verify`: holds every role that is said to count against work of which it is
 * known what it causes (known_work.h). Counting something is enough to be believed in a profile;
 * whether it is the right number is a question for whoever comes to a new machine.
 */
#ifndef HEADROOM_HARNESS_MEASURE_VERIFY_H
#define HEADROOM_HARNESS_MEASURE_VERIFY_H

#include <stdio.h>

#include "harness/measure/counters.h"
#include "harness/measure/known_work.h"
#include "models/base/text.h"

enum verdict { VERDICT_NOT_COUNTED, VERDICT_AS_EXPECTED, VERDICT_WRONG };

struct verified {
    struct counter_result read;  /* around the known work */
    struct known_range expected; /* of that */
    enum verdict verdict;        /* not counted: counters_open had a reason against it already */
};

/* Runs the known work once per pass. Fails only when memory runs out. */
bool verify_counters(const struct counter_backend *backend, struct verified out[COUNTER_ROLES],
                     struct error *error);

/* A table with a line for each role. Why one is not counted is the doctor's to say, once. */
bool verify_print(const struct verified verified[COUNTER_ROLES], FILE *out, struct error *error);

/* An array of objects: role, event, least, most, read, verdict, reason; null where nothing is
 * counted, and for the reason of what is. */
void verify_write_json(const struct verified verified[COUNTER_ROLES], struct text *out);

/* Whether nothing is wrong; otherwise the error names every role that is. */
bool verify_passed(const struct verified verified[COUNTER_ROLES], struct error *error);

/* All of it on this machine, as the command does it. */
bool verify_run(FILE *out, bool json, struct error *error);

#endif
