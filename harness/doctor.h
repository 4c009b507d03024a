/*
 * `headroom doctor`: what can be measured on this machine, what cannot, why, and the exact fix. A
 * virtual machine without hardware counters is a normal place to run Headroom; it should take one
 * screen to learn what is lost there.
 */
#ifndef HEADROOM_HARNESS_DOCTOR_H
#define HEADROOM_HARNESS_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/counters.h"
#include "harness/energy.h"
#include "harness/environment.h"
#include "harness/software_events.h"

/* One source of a measurement other than a counter role. */
struct doctor_source {
    char what[96];
    bool available;
    char detail[256]; /* where it comes from; or why not, and the fix */
};

enum { DOCTOR_MEMORY = 2 };

struct doctor {
    struct environment environment;
    char counters_problem[256]; /* "" or why no role could be tried at all */
    int n_passes;
    struct counter_result counter[COUNTER_ROLES];
    struct doctor_source software_events; /* Headroom's own counts, as PAPI reads them */
    struct doctor_source clock;
    struct doctor_source memory[DOCTOR_MEMORY];
    int n_energy;
    struct doctor_source energy[ENERGY_DOMAINS_MAX]; /* at least one: what there is, or why not */
    struct doctor_source simulator;                  /* of counts that cannot be measured */
};

void doctor_read(struct doctor *out);
void doctor_print(const struct doctor *doctor, FILE *out, bool colour);

/* The same of another machine, for tests: its counters, its files below root ("" normally) and the
 * folders that hold its programs, as in PATH. */
void doctor_read_machine(const struct counter_backend *backend, const char *root, const char *path,
                         struct doctor *out);

/* One object: can_profile, sources (each with kind, what, available, detail: where it comes from,
 * or why not and the fix; untested_on_hardware: no machine in development had it) and the
 * environment.
 */
void doctor_write_json(const struct doctor *doctor, struct text *out);

/* Profiling needs a clock; the rest adds to it. */
bool doctor_can_profile(const struct doctor *doctor);

/* Reads and prints; the exit status of the command: 0 when profiling is possible at any level. */
int doctor_run(FILE *out, bool json, bool colour);

#endif
