/*
 * The machine, the system and the build that a measurement was made with. Everything is read,
 * nothing assumed: what this process may not read is unknown, which is not "off" and not 0, and
 * `unknown` says why. One table (environment_fields) drives JSON, hash and printing, so a new field
 * is one line.
 */
#ifndef HEADROOM_HARNESS_MEASURE_ENVIRONMENT_H
#define HEADROOM_HARNESS_MEASURE_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/base/text.h"

enum tristate { STATE_UNKNOWN = -1, STATE_OFF = 0, STATE_ON = 1 };

enum { ENVIRONMENT_UNKNOWN_MAX = 40, ENVIRONMENT_HASH_SIZE = 17 };

/* Text "" and numbers -1 mean unknown (load: NaN). */
struct environment {
    char hostname[128];
    char cpu_model[128];
    char microcode[32];
    int64_t cores;         /* online */
    int64_t cores_allowed; /* that this process may run on */
    char affinity[128];    /* which these are, "0-3,8" */
    double cpu_quota;      /* in cores, of its control group and those around; NaN also: none */
    char governor[32];     /* of cpu0 */
    enum tristate turbo, smt;
    char hypervisor[16]; /* "none" on bare metal */
    enum tristate container;
    char pmu[64];                /* kernel's core PMU; "none" */
    char perf_event_paranoid[8]; /* text, because -1 is a level */
    int64_t memory_bytes;
    char kernel[160];
    char distribution[128];
    char compiler[64];
    char compiler_flags[1024];
    char build[24]; /* "release" | "debug" | "sanitizer": only a release may be timed */
    char blas_config[192];
    char blas_core[32];           /* the kernel set that OpenBLAS runs */
    char blas_core_chosen_by[16]; /* see blas_kernels.h */
    int64_t blas_threads;         /* 1 in trials */
    char papi_version[16];
    char sqlite_version[16];
    char git_revision[64];
    enum tristate git_dirty;
    double load_average; /* 1 minute; not part of the hash */
    char card[128];      /* that computes; unknown where the CPU does */
    char card_driver[64];
    char cuda[32]; /* that the program was built with */
    /* Of the card, by its driver: MHz now (not part of the hash) and at most, as it is allowed. */
    int64_t card_sm_mhz, card_sm_most_mhz, card_memory_mhz, card_memory_most_mhz;
    int64_t card_power_limit_watts;
    enum tristate card_ecc;

    int n_unknown;
    struct {
        const char *field;
        char reason[128];
    } unknown[ENVIRONMENT_UNKNOWN_MAX];
};

enum environment_kind { FIELD_TEXT, FIELD_INTEGER, FIELD_REAL, FIELD_STATE };

struct environment_field {
    const char *name;
    enum environment_kind kind;
    size_t offset, size;
    bool stable; /* part of the hash */
};
extern const struct environment_field environment_fields[];
extern const int environment_n_fields;

/* Never fails: what cannot be read is unknown. sqlite_version is the caller's, who may know the
 * store; "" is unknown. `root` ("" normally) is put before every path read. */
void environment_read(const char *sqlite_version, struct environment *environment);
void environment_read_root(const char *root, const char *sqlite_version,
                           struct environment *environment);

/* Adds the card that computes: the first that this process sees, with its clocks of this moment. It is
 * no part of the environment of what runs on the CPU. */
void environment_read_card(const char *root, struct environment *environment);

/* What this program was built from: "5a2acd0", "5a2acd0-dirty", "5a2acd0-archive", "unknown". */
const char *environment_revision(void);

/* One line for captions: "AMD EPYC, 2 cores, KVMKVMKVM guest, Linux 6.18.0, Debian GNU/Linux
 * 12". */
void environment_summary(const struct environment *environment, char *out, size_t size);

/* Why a field is unknown, or NULL if it is known. */
const char *environment_why_unknown(const struct environment *environment, const char *field);

/* A flat JSON object, unknown values as null, and "unknown": {field: reason}. */
void environment_write_json(const struct environment *environment, struct text *out);

/* FNV-1a, 64 bits, as 16 hexadecimal digits, of the stable fields: equal for two trials that may be
 * compared as run in the same environment. */
void environment_hash(const struct environment *environment, char out[ENVIRONMENT_HASH_SIZE]);

#endif
