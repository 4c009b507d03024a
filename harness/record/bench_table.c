/*
 * How a unit is written, and what a target is held against.
 */
#include "harness/record/bench_table.h"

#include <math.h>

const char *bench_unit_name(enum bench_unit unit) {
    static const char *const names[BENCH_UNITS] = {"GFLOP/s", "GB/s", "ms", "ratio", "MiB"};
    return names[unit];
}

double bench_reached(const struct bench_row *row) {
    return isnan(row->share) ? row->median : row->share;
}
