/*
 * What is counted and by which events: names differ between CPUs and PAPI versions, so each role
 * has a chain of sources and the first that counts is taken (the name is stored beside the value).
 * events.md says which that is on which CPU.
 *
 * Native events stand first and presets behind them, because a preset is another event on another
 * CPU or in another PAPI: PAPI_BR_MSP is conditional branches only on Intel, PAPI_TLB_DM has misses
 * that the second TLB serves on Zen, and PAPI_FP_OPS is scalar operations only on Sandy Bridge.
 * Presets and perf:: names are for the CPUs that have none of the native ones; of cycles and
 * instructions there is but one kind. A name with a PMU in front (adl_glc::) is for that CPU alone,
 * because its weights hold only there.
 *
 * Intel's FP_ARITH events count instructions by width, an FMA twice; hence the weights. Alder
 * Lake's know no 512 bits. Arm counts operations, an FMA twice, those of SVE for 128 bits of
 * vector: Neoverse V1 has 256. Older Arm cores count instructions only, which are no operations.
 * The L3 of Zen counts for all its cores together, so what a core loads from memory stands for its
 * misses there. A TLB miss is one that walks the page table, where the CPU tells them apart.
 *
 * Left out on purpose: perf::CACHE-MISSES, which is the last level on Intel, the second on AMD Zen
 * and the first on Arm; and perf::CONTEXT-SWITCHES, which happen in the kernel, where PAPI's user
 * domain reads 0. Stalls mean slightly different things from source to source: compare only values
 * of the same event.
 */
#include "harness/measure/counters.h"

/* clang-format off */
#define EVENT(event_name) {.name = (event_name), .term = {{(event_name), 1}}}
#define SUM(what, ...) {.name = (what), .term = {__VA_ARGS__}}
#define KERNEL(what, field) \
    {.name = (what), .term = {{NULL, 1}}, .kernel_offset = offsetof(struct kernel_counts, field)}
#define SINGLE(pmu) \
    {pmu "FP_ARITH_INST_RETIRED:SCALAR_SINGLE", 1}, \
    {pmu "FP_ARITH_INST_RETIRED:128B_PACKED_SINGLE", 4}, \
    {pmu "FP_ARITH_INST_RETIRED:256B_PACKED_SINGLE", 8}
#define DOUBLE(pmu) \
    {pmu "FP_ARITH_INST_RETIRED:SCALAR_DOUBLE", 1}, \
    {pmu "FP_ARITH_INST_RETIRED:128B_PACKED_DOUBLE", 2}, \
    {pmu "FP_ARITH_INST_RETIRED:256B_PACKED_DOUBLE", 4}
#define SINGLE_512 SINGLE(""), {"FP_ARITH_INST_RETIRED:512B_PACKED_SINGLE", 16}
#define DOUBLE_512 DOUBLE(""), {"FP_ARITH_INST_RETIRED:512B_PACKED_DOUBLE", 8}
#define ARM_FP_OPERATIONS(pmu, what, vectors) \
    SUM(what, {pmu "FP_FIXED_OPS_SPEC", 1}, {pmu "FP_SCALE_OPS_SPEC", (vectors)})
#define ROLE(id, ...) [ROLE_##id] = {counter_role_names[ROLE_##id], __VA_ARGS__}

const struct counter_role counter_roles[COUNTER_ROLES] = {
    ROLE(CYCLES, "cycles", true, ZERO_IS_IMPOSSIBLE,
         {EVENT("PAPI_TOT_CYC"), EVENT("perf::CYCLES")}),
    ROLE(INSTRUCTIONS, "instructions", true, ZERO_IS_IMPOSSIBLE,
         {EVENT("PAPI_TOT_INS"), EVENT("perf::INSTRUCTIONS")}),
    ROLE(FP_OPERATIONS, "operations", true, ZERO_IS_SUSPECT,
         {EVENT("RETIRED_SSE_AVX_FLOPS:ANY"),
          SUM("FP_ARITH_INST_RETIRED, weighted by width", SINGLE_512, DOUBLE_512),
          SUM("adl_glc::FP_ARITH_INST_RETIRED, weighted by width",
              SINGLE("adl_glc::"), DOUBLE("adl_glc::")),
          ARM_FP_OPERATIONS("arm_v1::", "arm_v1::FP_FIXED_OPS_SPEC + 2 FP_SCALE_OPS_SPEC", 2),
          ARM_FP_OPERATIONS("arm_n2::", "arm_n2::FP_FIXED_OPS_SPEC + FP_SCALE_OPS_SPEC", 1),
          ARM_FP_OPERATIONS("arm_v2::", "arm_v2::FP_FIXED_OPS_SPEC + FP_SCALE_OPS_SPEC", 1),
          EVENT("PAPI_FP_OPS")}),
    ROLE(FP_SINGLE, "operations", true, ZERO_IS_SUSPECT,
         {SUM("FP_ARITH_INST_RETIRED single precision, weighted by width", SINGLE_512),
          SUM("adl_glc::FP_ARITH_INST_RETIRED single precision, weighted by width",
              SINGLE("adl_glc::")),
          EVENT("PAPI_SP_OPS")}),
    ROLE(FP_DOUBLE, "operations", true, ZERO_IS_SUSPECT,
         {SUM("FP_ARITH_INST_RETIRED double precision, weighted by width", DOUBLE_512),
          SUM("adl_glc::FP_ARITH_INST_RETIRED double precision, weighted by width",
              DOUBLE("adl_glc::")),
          EVENT("PAPI_DP_OPS")}),
    ROLE(L1D_MISSES, "misses", true, ZERO_IS_SUSPECT,
         {EVENT("L1D:REPLACEMENT"),
          EVENT("REQUESTS_TO_L2_GROUP1:RD_BLK_L:RD_BLK_X:LS_RD_BLK_C_S"),
          EVENT("L1D_CACHE_REFILL"),
          EVENT("PAPI_L1_DCM"), EVENT("perf::L1-DCACHE-LOAD-MISSES")}),
    ROLE(L2_MISSES, "misses", true, ZERO_IS_SUSPECT,
         {EVENT("L2_RQSTS:ALL_DEMAND_MISS"),
          EVENT("CORE_TO_L2_CACHEABLE_REQUEST_ACCESS_STATUS:LS_RD_BLK_C"),
          EVENT("L2D_CACHE_REFILL"),
          EVENT("PAPI_L2_TCM"), EVENT("PAPI_L2_DCM")}),
    ROLE(LLC_MISSES, "misses", true, ZERO_IS_SUSPECT,
         {EVENT("LONGEST_LAT_CACHE:MISS"),
          EVENT("DATA_CACHE_REFILLS_FROM_SYSTEM:LS_MABRESP_LCL_DRAM:LS_MABRESP_RMT_DRAM"),
          EVENT("DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:MEM_IO_LCL:MEM_IO_RMT"),
          EVENT("DEMAND_DATA_CACHE_FILLS_FROM_SYSTEM:DRAM_IO_NEAR:DRAM_IO_FAR"),
          EVENT("LL_CACHE_MISS_RD"),
          EVENT("PAPI_L3_TCM"), EVENT("perf::LLC-LOAD-MISSES")}),
    ROLE(BRANCH_MISSES, "misses", true, ZERO_IS_SUSPECT,
         {EVENT("BR_MISP_RETIRED:ALL_BRANCHES"),
          EVENT("RETIRED_BRANCH_INSTRUCTIONS_MISPREDICTED"),
          EVENT("BR_MIS_PRED_RETIRED"), EVENT("BRANCH_MISPRED"),
          EVENT("PAPI_BR_MSP"), EVENT("perf::BRANCH-MISSES")}),
    ROLE(DTLB_MISSES, "misses", true, ZERO_IS_SUSPECT,
         {SUM("DTLB_LOAD_MISSES + DTLB_STORE_MISSES:WALK_COMPLETED",
              {"DTLB_LOAD_MISSES:WALK_COMPLETED", 1}, {"DTLB_STORE_MISSES:WALK_COMPLETED", 1}),
          EVENT("L1_DTLB_MISS:TLB_RELOAD_4K_L2_MISS:TLB_RELOAD_COALESCED_PAGE_MISS:"
                "TLB_RELOAD_2M_L2_MISS:TLB_RELOAD_1G_L2_MISS"),
          EVENT("DTLB_WALK"), EVENT("L1D_TLB_REFILL"),
          EVENT("PAPI_TLB_DM"), EVENT("perf::DTLB-LOAD-MISSES")}),
    ROLE(STALLED_CYCLES, "cycles", true, ZERO_IS_SUSPECT,
         {EVENT("CYCLE_ACTIVITY:STALLS_TOTAL"), EVENT("STALL_BACKEND"),
          EVENT("PAPI_RES_STL"),
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
