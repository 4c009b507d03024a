/*
 * What a plan has to say before anything runs, on stderr.
 */
#include "harness/cli/plan_notes.h"
#include "harness/table/shown.h"
#include "workloads/data/data_files.h"

#include <string.h>

static void print_problems(const struct plan *plan) {
    if (plan->doubts.data) shown_print(stderr, "%s", plan->doubts.data);
    for (size_t i = 0; i < plan->n_problems; i++) {
        char text[sizeof plan->problems[i].text + sizeof plan->problems[i].at.file + 32];
        error_format(&plan->problems[i], text, sizeof text);
        shown_print(stderr, "%s\n", text);
    }
}

/* One line per workload whose data is absent; a workload's trials stand together. */
static void print_absent(const struct plan *plan) {
    for (size_t i = 0; i < plan->n_trials;) {
        const struct plan_trial *first = &plan->trials[i];
        size_t length = strcspn(first->label, "/"), n_kept = 0, n_skipped = 0;
        for (; i < plan->n_trials; i++) {
            const struct plan_trial *trial = &plan->trials[i];
            if (strncmp(trial->label, first->label, length + 1) != 0) break;
            if (!trial->selected) continue;
            if (strcmp(trial->status, "ok") == 0)
                n_kept++;
            else
                n_skipped++;
        }
        if (!first->missing[0] || n_kept + n_skipped == 0) continue;
        char hint[DATA_FILES_HINT_SIZE];
        data_files_hint(first->missing, hint);
        shown_print(stderr, "%.*s: %s is absent, %zu trial%s skipped, %zu result%s kept: %s\n",
                    (int)length, first->label, first->missing, n_skipped, PLURAL_S(n_skipped),
                    n_kept, PLURAL_S(n_kept), hint);
    }
}

static void print_lost_checkpoints(const struct plan *plan) {
    for (size_t i = 0; i < plan->n_trials; i++)
        if (plan->trials[i].checkpoint != CHECKPOINT_SOUND)
            shown_print(stderr,
                        "%s: its checkpoint is %s, and a trial needs it, so it is trained again\n",
                        plan->trials[i].label,
                        plan->trials[i].checkpoint == CHECKPOINT_GONE ? "gone" : "damaged");
}

static void print_renewed(const struct plan *plan) {
    size_t n = 0;
    for (size_t i = 0; i < plan->n_trials; i++) n += plan->trials[i].retired;
    if (n > 0)
        shown_print(
            stderr,
            "%zu result%s to be made again; what was found before stays in the database, in no "
            "view\n",
            n, PLURAL_S(n));
}

static void print_hidden(const struct plan *plan) {
    if (plan->n_hidden > 0)
        fprintf(stderr,
                "%zu result%s with other settings than now stay%s in the database, in no view\n",
                plan->n_hidden, PLURAL_S(plan->n_hidden), plan->n_hidden == 1 ? "s" : "");
}

void plan_notes_print(const struct plan *plan) {
    print_problems(plan);
    print_absent(plan);
    print_lost_checkpoints(plan);
    print_renewed(plan);
    print_hidden(plan);
}
