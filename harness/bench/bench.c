/*
 * The bench as one table: its sections in order, and how it is printed. Memory comes first, while
 * this process is still small; what it measures runs in children.
 */
#include "harness/bench/bench.h"
#include "harness/bench/bench_kernels.h"
#include "harness/bench/bench_memory.h"
#include "harness/bench/bench_saving.h"
#include "harness/bench/bench_speed.h"
#include "harness/table/table.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
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

/* ---- as text ---- */

enum { COLUMNS = 6, TEXT_SIZE = 32 };

static void write_number(double number, char out[TEXT_SIZE]) {
    int digits = number < 10.0 ? 2 : number < 1000.0 ? 1 : 0;
    snprintf(out, TEXT_SIZE, "%.*f", digits, number);
}

static void add_row(struct table *table, const struct bench_row *row) {
    char median[TEXT_SIZE] = "-", lowest[TEXT_SIZE], highest[TEXT_SIZE];
    char range[3 * TEXT_SIZE] = "", share[TEXT_SIZE] = "",
                   target[sizeof row->note + TEXT_SIZE] = "";
    bool least = row->limit == LIMIT_AT_LEAST;
    double reached = bench_reached(row);
    if (row->n_samples > 0) write_number(row->median, median);
    if (row->n_samples > 1) {
        write_number(row->lowest, lowest);
        write_number(row->highest, highest);
        snprintf(range, sizeof range, "%s..%s", lowest, highest);
    }
    if (row->n_samples > 0 && !isnan(row->share)) snprintf(share, TEXT_SIZE, "%.2f", row->share);
    if (row->n_samples == 0)
        snprintf(target, sizeof target, "not measured: %s", row->note);
    else if (row->limit != LIMIT_NONE)
        snprintf(target, sizeof target, "%s%.2f %s", least ? "≥" : "≤", row->target,
                 (least ? reached >= row->target : reached <= row->target) ? "met" : "missed");
    table_append(
        table, COLUMNS,
        (const char *[]){row->name, median, range, bench_unit_name(row->unit), share, target});
}

bool bench_print(const struct bench_table *bench, FILE *out, struct error *error) {
    bool ok = true;
    for (int i = 0; ok && i < bench->n_rows;) {
        const char *section = bench->rows[i].section;
        struct table table = {.middle_right = true};
        table_append(&table, COLUMNS,
                     (const char *[]){section, "median", "range", "unit", "share", "target"});
        for (; i < bench->n_rows && strcmp(bench->rows[i].section, section) == 0; i++)
            add_row(&table, &bench->rows[i]);
        fputc('\n', out);
        ok = table_write(&table, TABLE_ALIGNED, out, error);
        table_free(&table);
    }
    wrap_print(
        out, width_of(out), 0,
        "\nOne thread. share: of the better sgemm median (GFLOP/s, ms) or of the triad (GB/s) "
        "of the same rounds; GEMM FLOPs by the closed form, training counted as 3 forward "
        "passes. saving: time(k)/time(8) over FLOPs(k)/FLOPs(8), 1 when a head left out "
        "saves all it should. Updates in place exceed the triad, whose result is fetched "
        "before it is written. %s%.0f s.",
        bench->quick ? "Quick: small shapes, which say nothing about speed. " : "", bench->seconds);
    return ok;
}
