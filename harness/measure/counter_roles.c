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
    {"FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE", 8}, {"FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE", 16}
#define DOUBLE \
    {"FP_ARITH_INST_RETIRED:SCALAR_DOUBLE", 1}, {"FP_ARITH_INST_RETIRED:128B_PACKED_DOUBLE", 2}, \
    {"FP_ARITH_INST_RETIRED:256B_PACKED_DOUBLE", 4}, {"FP_ARITH_INST_RETIRED:512B_PACKED_DOUBLE", 8}

const struct counter_role counter_roles[COUNTER_ROLES] = {
    {"cycles", "cycles", true, ZERO_IS_IMPOSSIBLE,
     {EVENT("PAPI_TOT_CYC"), EVENT("perf::CYCLES")}},
    {"instructions", "instructions", true, ZERO_IS_IMPOSSIBLE,
     {EVENT("PAPI_TOT_INS"), EVENT("perf::INSTRUCTIONS")}},
    {"fp_operations", "operations", true, ZERO_IS_SUSPECT,
     {EVENT("RETIRED_SSE_AVX_FLOPS:ANY"),
      {.name = "FP_ARITH_INST_RETIRED, weighted by width", .term = {SINGLE, DOUBLE}},
      EVENT("PAPI_FP_OPS")}},
    {"fp_single", "operations", true, ZERO_IS_SUSPECT,
     {EVENT("PAPI_SP_OPS"),
      {.name = "FP_ARITH_INST_RETIRED single precision, weighted by width", .term = {SINGLE}}}},
    {"fp_double", "operations", true, ZERO_IS_SUSPECT,
     {EVENT("PAPI_DP_OPS"),
      {.name = "FP_ARITH_INST_RETIRED double precision, weighted by width", .term = {DOUBLE}}}},
    {"l1d_misses", "misses", true, ZERO_IS_SUSPECT,
     {EVENT("PAPI_L1_DCM"), EVENT("perf::L1-DCACHE-LOAD-MISSES")}},
    {"l2_misses", "misses", true, ZERO_IS_FINE,
     {EVENT("PAPI_L2_TCM"), EVENT("PAPI_L2_DCM"), EVENT("L2_RQSTS:ALL_DEMAND_MISS"),
      EVENT("CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C")}},
    {"llc_misses", "misses", true, ZERO_IS_FINE,
     {EVENT("PAPI_L3_TCM"), EVENT("LONGEST_LAT_CACHE:MISS"), EVENT("perf::LLC-LOAD-MISSES")}},
    {"branch_misses", "misses", true, ZERO_IS_SUSPECT,
     {EVENT("PAPI_BR_MSP"), EVENT("perf::BRANCH-MISSES")}},
    {"dtlb_misses", "misses", true, ZERO_IS_SUSPECT,
     {EVENT("PAPI_TLB_DM"), EVENT("DTLB_LOAD_MISSES:MISS_CAUSES_A_WALK"),
      EVENT("perf::DTLB-LOAD-MISSES")}},
    {"stalled_cycles", "cycles", true, ZERO_IS_SUSPECT,
     {EVENT("CYCLE_ACTIVITY:STALLS_TOTAL"), EVENT("PAPI_RES_STL"),
      EVENT("perf::STALLED-CYCLES-BACKEND"), EVENT("perf::STALLED-CYCLES-FRONTEND")}},
    {"task_clock_ns", "ns", false, ZERO_IS_IMPOSSIBLE,
     {EVENT("perf::TASK-CLOCK"), KERNEL("clock_gettime(CLOCK_THREAD_CPUTIME_ID)", thread_cpu_ns)}},
    {"page_faults", "faults", false, ZERO_IS_SUSPECT,
     {EVENT("perf::PAGE-FAULTS"), KERNEL("getrusage ru_minflt + ru_majflt", page_faults)}},
    {"context_switches", "switches", false, ZERO_IS_FINE,
     {KERNEL("getrusage ru_nvcsw + ru_nivcsw", context_switches)}},
};
/* clang-format on */
