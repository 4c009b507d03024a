/*
 * What an NVIDIA card's driver tells of it while others compute there: joules, clocks, power limit,
 * memory. Its library (NVML, libnvidia-ml.so.1) comes with the driver and not with the toolkit, so
 * it is looked for when the program runs, and its few functions are declared here: a machine without
 * a card needs neither. CUDA counts the cards that CUDA_VISIBLE_DEVICES leaves, NVML counts all, so
 * a card is named by its place on the PCI bus.
 */
#ifndef HEADROOM_HARNESS_MEASURE_CARD_SENSOR_H
#define HEADROOM_HARNESS_MEASURE_CARD_SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum card_quantity {
    CARD_MILLIJOULES, /* spent since the driver was loaded; renewed some ten times a second */
    CARD_SM_MHZ,      /* clock of the multiprocessors now, */
    CARD_SM_MOST_MHZ, /* and the highest that it may have */
    CARD_MEMORY_MHZ,  /* of the memory, likewise */
    CARD_MEMORY_MOST_MHZ,
    CARD_POWER_LIMIT_MW, /* milliwatts, as it is enforced */
    CARD_ECC,            /* 1: memory corrects errors */
    CARD_BUSY_PERCENT,   /* of the last moments that somebody's kernel ran: up to a second */
    CARD_MEMORY_USED,    /* bytes, by all and by the driver itself */
    CARD_PROCESS_MEMORY, /* bytes, by this process */
    CARD_QUANTITIES
};

enum { CARD_REASON = 192 };

/* NVML's functions, with the types that they have in nvml.h: pointers stand for its handles. All
 * return 0 where they succeed. */
struct card_process {
    unsigned pid;
    unsigned long long bytes; /* all ones: not told */
    unsigned gpu_instance, compute_instance;
};
struct card_calls {
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*error)(int status);
    int (*find)(const char *pci, void **card);
    int (*energy)(void *card, unsigned long long *millijoules);
    int (*clock)(void *card, unsigned kind, unsigned *mhz);
    int (*most_clock)(void *card, unsigned kind, unsigned *mhz);
    int (*power_limit)(void *card, unsigned *milliwatts);
    int (*ecc)(void *card, int *now, int *pending);
    int (*busy)(void *card, unsigned percent[2]);           /* of kernels, of memory */
    int (*memory)(void *card, unsigned long long bytes[3]); /* in all, free, used */
    int (*processes)(void *card, unsigned *n, struct card_process *process);
};

struct card_sensor;

/* The card at a place of the PCI bus, "0000:1b:00.0", by the driver's library. False with the reason,
 * and the fix where there is one. */
bool card_sensor_open(const char *pci, struct card_sensor **out, char reason[CARD_REASON]);

/* The same by another library, or by these functions, for tests. */
bool card_sensor_open_library(const char *library, const char *pci, struct card_sensor **out,
                              char reason[CARD_REASON]);
bool card_sensor_open_calls(const struct card_calls *calls, const char *pci,
                            struct card_sensor **out, char reason[CARD_REASON]);
void card_sensor_close(struct card_sensor *sensor); /* may be NULL */

/* False with the reason where the card, or the driver, does not tell. */
bool card_sensor_read(const struct card_sensor *sensor, enum card_quantity what, uint64_t *value,
                      char reason[CARD_REASON]);

#endif
