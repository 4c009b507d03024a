/*
 * A process has one peak, so each size is trained in a child of this process, which should be small
 * itself when it starts one.
 */
#include "harness/bench/bench_memory.h"
#include "harness/bench/bench_model.h"
#include "harness/bench/bench_timing.h"
#include "harness/measure/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARAMETERS, GRADIENTS, OPTIMISER, ACTIVATIONS, WORKSPACE, RESIDENT, MEMORY_KINDS };
static const char *const memory_names[MEMORY_KINDS] = {
    "parameters", "gradients", "optimiser", "activations", "workspace", "peak resident",
};

struct memory_report {
    int64_t bytes[MEMORY_KINDS];
    char reason[160]; /* why a peak of -1 is unknown; or what failed */
    bool ok;
};

/* Two training steps in this process, then what they needed. */
static void train_and_report(const struct bench_shape *shape, struct memory_report *report) {
    struct bench_model m = {0};
    struct error error = {0};
    memory_reset_peak(report->reason, sizeof report->reason);
    report->ok = bench_model_new(shape, "fixed", true, &m, &error);
    if (!report->ok) {
        snprintf(report->reason, sizeof report->reason, "%.150s", error.text);
        return;
    }
    for (int i = 0; i < 2; i++) bench_model_train(&m);
    int64_t *bytes = report->bytes;
    bytes[PARAMETERS] = (int64_t)m.parameters->arena.size;
    bytes[GRADIENTS] = (int64_t)trainer_gradients(m.trainer)->arena.size;
    bytes[OPTIMISER] = optimizer_bytes(m.optimizer);
    bytes[ACTIVATIONS] = trainer_activation_bytes(m.trainer);
    bytes[WORKSPACE] = trainer_bytes(m.trainer) - bytes[GRADIENTS] - bytes[ACTIVATIONS];
    bytes[RESIDENT] = memory_peak_resident(report->reason, sizeof report->reason);
    bench_model_free(&m);
}

static bool report_from_child(const struct bench_shape *shape, struct memory_report *report,
                              struct error *error) {
    int ends[2], status = 0;
    memset(report, 0, sizeof *report);
    if (pipe(ends) != 0) return error_set(error, "pipe: %s", strerror(errno));
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        close(ends[0]);
        close(ends[1]);
        return error_set(error, "cannot start a process to measure memory: %s", strerror(errno));
    }
    if (child == 0) {
        train_and_report(shape, report);
        _exit(write(ends[1], report, sizeof *report) == sizeof *report ? 0 : 1);
    }
    close(ends[1]);
    bool whole = read(ends[0], report, sizeof *report) == sizeof *report;
    close(ends[0]);
    waitpid(child, &status, 0);
    if (whole && report->ok) return true;
    return error_set(error, "training at D=%d in a process of its own failed: %s", shape->dim,
                     whole ? report->reason : "it ended without a report");
}

bool bench_memory(struct bench_table *table, struct error *error) {
    int n;
    const struct bench_target *shapes = bench_targets(table->quick, &n);
    for (int i = 0; i < n; i++) {
        const struct bench_shape *s = &shapes[i].shape;
        struct memory_report report;
        if (!report_from_child(s, &report, error)) return false;
        for (int kind = 0; kind < MEMORY_KINDS; kind++) {
            struct bench_row *row =
                bench_row_add(table, "memory", MEBIBYTES, "%s, training D=%d N=%d batch %d",
                              memory_names[kind], s->dim, s->length, s->batch);
            double mebibytes = (double)report.bytes[kind] / 1048576.0;
            if (report.bytes[kind] >= 0)
                bench_row_fill(row, &mebibytes, 1);
            else
                snprintf(row->note, sizeof row->note, "%s", report.reason);
        }
    }
    return true;
}
