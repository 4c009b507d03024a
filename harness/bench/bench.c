/*
 * The bench as one table: its sections in order, and how it is printed. Memory comes first, while
 * this process is still small; what it measures runs in children.
 */
#include "harness/bench/bench.h"
#include "harness/bench/bench_kernels.h"
#include "harness/bench/bench_memory.h"
#include "harness/bench/bench_saving.h"
#include "harness/bench/bench_speed.h"
#include "models/base/clock.h"

#include <math.h>
#include <string.h>

bool bench_run(bool quick, FILE *log, struct bench_table *table, struct error *error) {
    static const struct {
        const char *what;
        bool (*measure)(struct bench_table *table, struct error *error);
    } sections[] = {
        {"memory of training", bench_memory},
        {"kernels", bench_kernels},
        {"training and inference", bench_speed},
        {"time saved by leaving out heads", bench_saving},
    };
    double start = clock_seconds();
    bool ok = true;
    *table = (struct bench_table){.quick = quick};
    for (size_t i = 0; ok && i < sizeof sections / sizeof *sections; i++) {
        if (log) fprintf(log, "bench: %s\n", sections[i].what);
        ok = sections[i].measure(table, error);
    }
    table->seconds = clock_seconds() - start;
    return ok;
}

static void print_number(FILE *out, double number) {
    int digits = number < 10.0 ? 2 : number < 1000.0 ? 1 : 0;
    fprintf(out, " %9.*f", digits, number);
}

static void print_row(FILE *out, const struct bench_row *row) {
    fprintf(out, "  %-44s %-7s", row->name, bench_unit_name(row->unit));
    if (row->n_samples == 0) {
        fprintf(out, " not measured: %s\n", row->note);
        return;
    }
    print_number(out, row->median);
    if (row->n_samples > 1) {
        print_number(out, row->lowest);
        print_number(out, row->highest);
    } else {
        fprintf(out, " %9s %9s", "", "");
    }
    if (isnan(row->share))
        fprintf(out, " %6s", "");
    else
        fprintf(out, " %6.2f", row->share);
    if (row->limit != LIMIT_NONE) {
        bool least = row->limit == LIMIT_AT_LEAST;
        double reached = bench_reached(row);
        fprintf(out, "  %s %.2f %s", least ? ">=" : "<=", row->target,
                (least ? reached >= row->target : reached <= row->target) ? "met" : "missed");
    }
    fputc('\n', out);
}

void bench_print(const struct bench_table *table, FILE *out) {
    const char *section = "";
    for (int i = 0; i < table->n_rows; i++) {
        const struct bench_row *row = &table->rows[i];
        if (strcmp(section, row->section) != 0) {
            section = row->section;
            fprintf(out, "\n%-46s %-7s %9s %9s %9s %6s  %s\n", section, "unit", "median", "lowest",
                    "highest", "share", "target");
        }
        print_row(out, row);
    }
    fprintf(out,
            "\nOne thread. share: of the better sgemm median (GFLOP/s, ms) or of the triad (GB/s) "
            "of the\nsame rounds; GEMM FLOPs by the closed form, training counted as 3 forward "
            "passes. saving:\ntime(k)/time(8) over FLOPs(k)/FLOPs(8), 1 when a head left out "
            "saves all it should.\nUpdates in place exceed the triad, whose result is fetched "
            "before it is written.\n%s%.0f s.\n",
            table->quick ? "Quick: small shapes, which say nothing about speed. " : "",
            table->seconds);
}
