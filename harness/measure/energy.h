/*
 * Energy from the kernel's powercap files (RAPL). They are read here instead of through PAPI:
 * Debian builds PAPI without them, and its own reader took packages for each other where there is a
 * `psys` domain. Two parts are reported: `package` (all sockets: cores, caches, memory controller)
 * and `dram`. Other domains (core, uncore, psys) overlap these and would be counted twice.
 *
 * A package is the whole socket, whoever uses it. So the power of the idle machine is measured as
 * well and stored beside each value; taking it away is left to the reader of both.
 */
#ifndef HEADROOM_HARNESS_MEASURE_ENERGY_H
#define HEADROOM_HARNESS_MEASURE_ENERGY_H

#include <stdint.h>

#include "harness/record/results.h"

enum energy_part { ENERGY_PACKAGE, ENERGY_DRAM, ENERGY_PARTS, ENERGY_NO_PART = ENERGY_PARTS };
enum { ENERGY_DOMAINS_MAX = 16 };

/* One folder intel-rapl:N of /sys/class/powercap; AMD's have the same name. */
struct energy_domain {
    char name[32]; /* "package-0", "dram" */
    char folder[256];
    enum energy_part part;
    char reason[256]; /* why it cannot be read, with the fix; "" if it can */
    uint64_t range;   /* microjoules at which the counter starts again */
    uint64_t before;  /* at energy_start */
};

struct energy {
    int n;
    struct energy_domain domain[ENERGY_DOMAINS_MAX];
    char reason[ENERGY_PARTS][256]; /* why a part cannot be measured; "" if it can */
};

extern const char *const energy_part_names[ENERGY_PARTS];

/* Looks below `root` ("" normally) and tries to read. Never fails: there may be nothing. */
void energy_open(const char *root, struct energy *out);

/* Around a region. Joules are sums over sockets; NaN where the part cannot be measured. The kernel
 * renews the counters about every millisecond, so a region should last some hundred. One start anew
 * of a counter is seen (after minutes at full power), a second one would not be. */
void energy_start(struct energy *energy);
void energy_stop(struct energy *energy, double joules[ENERGY_PARTS]);

/* A row without a value. */
struct energy_result energy_unknown(const char *domain, const char *reason);

/* The energy of an input: the machine at rest, and then `work`, which returns how many inputs it
 * processed, over and over for half a second. Where nothing can be measured, nothing runs and the
 * rows have reasons. */
void energy_measure(const char *root, int64_t (*work)(void *context), void *context,
                    struct energy_result out[ENERGY_PARTS]);

#endif
