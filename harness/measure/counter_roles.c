/*
 * What is counted and by which events: names differ between CPUs and PAPI versions, so each role
 * has a chain of sources and the first that counts is taken (the name is stored beside the value).
 *
 * Left out on purpose: perf::CACHE-MISSES, which is the last level on Intel, the second on AMD Zen
 * and the first on Arm; and perf::CONTEXT-SWITCHES, which happen in the kernel, where PAPI's user
 * domain reads 0. Native events stand before PAPI_FP_OPS because that preset counts scalar
 * operations only on some Intel CPUs (papi_events.csv, Sandy Bridge). Intel's FP_ARITH events count
 * instructions by width, an FMA twice; hence the weights. Stalls mean slightly different things
 * from source to source: compare only values of the same event.
 */
#include "harness/measure/counters.h"

/* clang-format off */
#define EVENT(event_name) {.name = (event_name), .term = {{(event_name), 1}}}
#define KERNEL(what, field) \
    {.name = (what), .term = {{NULL, 1}}, .kernel_offset = offsetof(struct kernel_counts, field)}
#define SINGLE \
    {"FP_ARITH_INST_RETIRED:SCALAR_SINGLE", 1}, {"FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE", 4}, \
    {"FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE", 8}, \
    {"FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE", 16}
#define DOUBLE \
    {"FP_ARITH_INST_RETIRED:SCALAR_DOUBLE", 1}, {"FP_ARITH_INST_RETIRED:128B_PACKED_DOUBLE", 2}, \
    {"FP_ARITH_INST_RETIRED:256B_PACKED_DOUBLE", 4}, \
    {"FP_ARITH_INST_RETIRED:512B_PACKED_DOUBLE", 8}
#define ROLE(id, ...) [ROLE_##id] = {counter_role_names[ROLE_##id], __VA_ARGS__}

const struct counter_role counter_roles[COUNTER_ROLES] = {
    ROLE(CYCLES, "cycles", true, ZERO_IS_IMPOSSIBLE,
         {EVENT("PAPI_TOT_CYC"), EVENT("perf::CYCLES")}),
    ROLE(INSTRUCTIONS, "instructions", true, ZERO_IS_IMPOSSIBLE,
         {EVENT("PAPI_TOT_INS"), EVENT("perf::INSTRUCTIONS")}),
    ROLE(FP_OPERATIONS, "operations", true, ZERO_IS_SUSPECT,
         {EVENT("RETIRED_SSE_AVX_FLOPS:ANY"),
          {.name = "FP_ARITH_INST_RETIRED, weighted by width", .term = {SINGLE, DOUBLE}},
          EVENT("PAPI_FP_OPS")}),
    ROLE(FP_SINGLE, "operations", true, ZERO_IS_SUSPECT,
         {EVENT("PAPI_SP_OPS"),
          {.name = "FP_ARITH_INST_RETIRED single precision, weighted by width", .term = {SINGLE}}}),
    ROLE(FP_DOUBLE, "operations", true, ZERO_IS_SUSPECT,
         {EVENT("PAPI_DP_OPS"),
          {.name = "FP_ARITH_INST_RETIRED double precision, weighted by width", .term = {DOUBLE}}}),
    ROLE(L1D_MISSES, "misses", true, ZERO_IS_SUSPECT,
         {EVENT("PAPI_L1_DCM"), EVENT("perf::L1-DCACHE-LOAD-MISSES")}),
    ROLE(L2_MISSES, "misses", true, ZERO_IS_FINE,
         {EVENT("PAPI_L2_TCM"), EVENT("PAPI_L2_DCM"), EVENT("L2_RQSTS:ALL_DEMAND_MISS"),
          EVENT("CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C")}),
    ROLE(LLC_MISSES, "misses", true, ZERO_IS_FINE,
         {EVENT("PAPI_L3_TCM"), EVENT("LONGEST_LAT_CACHE:MISS"), EVENT("perf::LLC-LOAD-MISSES")}),
    ROLE(BRANCH_MISSES, "misses", true, ZERO_IS_SUSPECT,
         {EVENT("PAPI_BR_MSP"), EVENT("perf::BRANCH-MISSES")}),
    ROLE(DTLB_MISSES, "misses", true, ZERO_IS_SUSPECT,
         {EVENT("PAPI_TLB_DM"), EVENT("DTLB_LOAD_MISSES:MISS_CAUSES_A_WALK"),
          EVENT("perf::DTLB-LOAD-MISSES")}),
    ROLE(STALLED_CYCLES, "cycles", true, ZERO_IS_SUSPECT,
         {EVENT("CYCLE_ACTIVITY:STALLS_TOTAL"), EVENT("PAPI_RES_STL"),
          EVENT("perf::STALLED-CYCLES-BACKEND"), EVENT("perf::STALLED-CYCLES-FRONTEND")}),
    ROLE(TASK_CLOCK_NS, "ns", false, ZERO_IS_IMPOSSIBLE,
         {EVENT("perf::TASK-CLOCK"),
          KERNEL("clock_gettime(CLOCK_THREAD_CPUTIME_ID)", thread_cpu_ns)}),
    ROLE(PAGE_FAULTS, "faults", false, ZERO_IS_SUSPECT,
         {EVENT("perf::PAGE-FAULTS"), KERNEL("getrusage ru_minflt + ru_majflt", page_faults)}),
    ROLE(CONTEXT_SWITCHES, "switches", false, ZERO_IS_FINE,
         {KERNEL("getrusage ru_nvcsw + ru_nivcsw", context_switches)}),
};
/* clang-format on */
