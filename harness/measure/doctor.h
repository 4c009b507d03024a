/*
 * `headroom doctor`: what can be measured on this machine, what cannot, why, and the exact fix. A
 * virtual machine without hardware counters is a normal place to run Headroom; it should take one
 * screen to learn what is lost there.
 */
#ifndef HEADROOM_HARNESS_MEASURE_DOCTOR_H
#define HEADROOM_HARNESS_MEASURE_DOCTOR_H

#include <stdbool.h>
#include <stdio.h>

#include "harness/measure/counters.h"
#include "harness/measure/cpu_quota.h"
#include "harness/measure/energy.h"
#include "harness/measure/environment.h"
#include "harness/measure/memory_bound.h"
#include "harness/measure/space.h"
#include "models/device_card.h"

/* One source of measurements. */
struct doctor_source {
    /* "time", "counter", "software events", "memory", "energy", "simulation", "card counter" */
    const char *kind;
    char what[96];
    bool available;
    bool untested;    /* no machine used in development had it */
    char detail[512]; /* where it comes from; or why not, and the fix */
};

enum { DOCTOR_CARDS_MAX = 16 };
enum {
    DOCTOR_SOURCES_MAX = (int)COUNTER_ROLES + CARD_ROLES + ENERGY_DOMAINS_MAX + DOCTOR_CARDS_MAX + 5
};

struct doctor {
    struct environment environment;
    const char *better_kernels; /* than OpenBLAS's generic ones, which run; NULL: none */
    struct cpu_quota quota;
    struct space temporary, cache;
    char memory_group[MEMORY_GROUP_SIZE]; /* that would hold a trial to its memory; "": none can be
                                             made, and RLIMIT_DATA does */
    bool can_profile;                     /* there is a clock: the rest adds to it */
    int n_passes;                         /* that the counters take */
    int n_hardware; /* counters that need a performance-monitoring unit and work */
    int n_sources;
    struct doctor_source source[DOCTOR_SOURCES_MAX];
    int n_cards;
    struct device_card card[DOCTOR_CARDS_MAX];
    /* Clocks, power limit and ECC of each, by the driver; "": not known. */
    char card_state[DOCTOR_CARDS_MAX][128];
    char driver[64];   /* of the cards; "": not known */
    char no_card[256]; /* why there is none, with the fix */
};

/* sqlite_version: of the environment. */
void doctor_read(const char *sqlite_version, struct doctor *out);
void doctor_print(const struct doctor *doctor, FILE *out, bool colour);

/* The same of another machine, for tests: its counters, its files below root ("" normally) and the
 * folders that hold its programs, as in PATH. */
void doctor_read_machine(const struct counter_backend *backend, const char *root, const char *path,
                         const char *sqlite_version, struct doctor *out);

/* One object: can_profile, counter_passes, sources (each with kind, what, available, detail: where
 * it comes from, or why not and the fix, and untested_on_hardware), cards, no_card (why there is
 * none), temporary and cache (folder, free_bytes; of the cache n_files and bytes), memory_group and the
 * environment. */
void doctor_write_json(const struct doctor *doctor, struct text *out);

/* Reads and prints; the exit status of the command: 0 when profiling is possible at any level. */
int doctor_run(const char *sqlite_version, FILE *out, bool json, bool colour);

#endif
