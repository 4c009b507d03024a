/*
 * The names; see counter_names.h. They are stored, queried and plotted by: one that is changed here
 * is another counter to every database that exists.
 */
#include "harness/record/counter_names.h"

#include <string.h>

const char counter_role_names[COUNTER_ROLES][COUNTER_NAME_SIZE] = {
    [ROLE_CYCLES] = "cycles",
    [ROLE_INSTRUCTIONS] = "instructions",
    [ROLE_FP_OPERATIONS] = "fp_operations",
    [ROLE_FP_SINGLE] = "fp_single",
    [ROLE_FP_DOUBLE] = "fp_double",
    [ROLE_L1D_MISSES] = "l1d_misses",
    [ROLE_L2_MISSES] = "l2_misses",
    [ROLE_LLC_MISSES] = "llc_misses",
    [ROLE_BRANCH_MISSES] = "branch_misses",
    [ROLE_DTLB_MISSES] = "dtlb_misses",
    [ROLE_STALLED_CYCLES] = "stalled_cycles",
    [ROLE_TASK_CLOCK_NS] = "task_clock_ns",
    [ROLE_PAGE_FAULTS] = "page_faults",
    [ROLE_CONTEXT_SWITCHES] = "context_switches",
};

const char card_role_names[CARD_ROLES][COUNTER_NAME_SIZE] = {
    [CARD_CYCLES] = "gpu_cycles",
    [CARD_INSTRUCTIONS] = "gpu_instructions",
    [CARD_FMA] = "gpu_fma",
    [CARD_TENSOR_OPERATIONS] = "gpu_tensor_operations",
    [CARD_TENSOR_INSTRUCTIONS] = "gpu_tensor_instructions",
    [CARD_DRAM_READ_BYTES] = "gpu_dram_read_bytes",
    [CARD_DRAM_WRITE_BYTES] = "gpu_dram_write_bytes",
    [CARD_L2_SECTORS] = "gpu_l2_sectors",
};

const char *const software_event_names[SOFTWARE_EVENTS] = {
    [EVENT_EXECUTED_FLOPS] = "executed_flops",
    [EVENT_HEADS_RUN] = "heads_run",
    [EVENT_TOKENS] = "tokens",
    [EVENT_BYTES_GATHERED] = "bytes_gathered",
};

bool counter_is_built_in(const char *name) {
    for (int i = 0; i < COUNTER_ROLES; i++)
        if (strcmp(name, counter_role_names[i]) == 0) return true;
    for (int i = 0; i < CARD_ROLES; i++)
        if (strcmp(name, card_role_names[i]) == 0) return true;
    for (int i = 0; i < SOFTWARE_EVENTS; i++)
        if (strcmp(name, software_event_names[i]) == 0) return true;
    return false;
}
