/*
 * What every profile counts, by the names that the database stores. The workload file's reader must
 * know them too, because an event that it asks for is stored under a name of its own beside these;
 * so they stand here, below both, and what each is counted with stays in harness/measure.
 */
#ifndef HEADROOM_HARNESS_RECORD_COUNTER_NAMES_H
#define HEADROOM_HARNESS_RECORD_COUNTER_NAMES_H

#include <stdbool.h>

/* Roles: what is asked of the hardware or the kernel, whichever event has it on this machine. */
enum counter_role_id {
    ROLE_CYCLES,
    ROLE_INSTRUCTIONS,
    ROLE_FP_OPERATIONS,
    ROLE_FP_SINGLE,
    ROLE_FP_DOUBLE,
    ROLE_L1D_MISSES,
    ROLE_L2_MISSES,
    ROLE_LLC_MISSES,
    ROLE_BRANCH_MISSES,
    ROLE_DTLB_MISSES,
    ROLE_STALLED_CYCLES,
    ROLE_TASK_CLOCK_NS,
    ROLE_PAGE_FAULTS,
    ROLE_CONTEXT_SWITCHES,
    COUNTER_ROLES
};

/* The same of a card that runs the passes. FMAs are those of float32, by threads; operations of
 * tensor cores are FLOPs, 2 to a multiplication and addition; sectors are 32 bytes. */
enum card_role_id {
    CARD_CYCLES,
    CARD_INSTRUCTIONS,
    CARD_FMA,
    CARD_TENSOR_OPERATIONS,
    CARD_TENSOR_INSTRUCTIONS,
    CARD_DRAM_READ_BYTES,
    CARD_DRAM_WRITE_BYTES,
    CARD_L2_SECTORS,
    CARD_ROLES
};

/* Headroom's own counts. */
enum software_event {
    EVENT_EXECUTED_FLOPS, /* by the rules of models/flops.h */
    EVENT_HEADS_RUN,      /* heads computed, summed over inputs and layers */
    EVENT_TOKENS,         /* tokens processed */
    EVENT_BYTES_GATHERED, /* read and written while rows were gathered and added back */
    SOFTWARE_EVENTS
};

enum { COUNTER_NAME_SIZE = 32 };

/* Arrays, not pointers, so that counter_roles, a table of constants, can point at them. */
extern const char counter_role_names[COUNTER_ROLES][COUNTER_NAME_SIZE];
extern const char card_role_names[CARD_ROLES][COUNTER_NAME_SIZE];
extern const char *const software_event_names[SOFTWARE_EVENTS];

/* Whether every profile, or every one on a card, has a counter of this name. */
bool counter_is_built_in(const char *name);

#endif
