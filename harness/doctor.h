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
#include "harness/environment.h"

/* One source of a measurement other than a counter role. */
struct doctor_source {
    char what[64];
    bool available;
    char detail[256]; /* where it comes from; or why not, and the fix */
};

enum { DOCTOR_MEMORY = 2, DOCTOR_ENERGY_MAX = 16 };

struct doctor {
    struct environment environment;
    char counters_problem[256]; /* "" or why no role could be tried at all */
    int n_passes;
    struct counter_result counter[COUNTER_ROLES];
    struct doctor_source clock;
    struct doctor_source memory[DOCTOR_MEMORY];
    int n_energy;
    struct doctor_source energy[DOCTOR_ENERGY_MAX];
};

void doctor_read(struct doctor *out);
void doctor_print(const struct doctor *doctor, FILE *out, bool colour);

/* The energy sources below root ("" normally): RAPL domains of /sys/class/powercap. At least one
 * entry: without any domain, it says so. */
int doctor_read_energy(const char *root, struct doctor_source out[DOCTOR_ENERGY_MAX]);

/* Profiling needs a clock; the rest adds to it. */
bool doctor_can_profile(const struct doctor *doctor);

/* Reads and prints; the exit status of the command: 0 when profiling is possible at any level. */
int doctor_run(FILE *out, bool colour);

#endif
