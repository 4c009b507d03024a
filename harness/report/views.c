/*
 * Which views are shown, under which question: those that results/views.sql lists by question, less
 * those that others are built from and those of single inputs, which are too long for any page.
 * What a view holds is said by its comment there.
 */
#include "harness/report/views.h"
#include "harness/report/html.h"
#include "harness/report/rows.h"
#include "harness/store/export.h"

#include <stdlib.h>

/* A row without a view begins a group. */
static const struct {
    const char *view, *title;
} shown[] = {
    {NULL, "How accurate, with how many heads"},
    {"accuracy_vs_budget", "Accuracy and heads of each arm"},
    {"accuracy_by_seed", "Accuracy and heads of each trained model"},
    {"methods_by_arm", "All that methods are compared by"},
    {"pareto_front", "Arms that no other one beats"},
    {"accuracy_at_equal_flops", "Against fixed heads at equal FLOPs"},
    {"accuracy_by_device", "Accuracy on a card and on the CPU"},
    {NULL, "Is one better than another"},
    {"claim", "Claims, corrected for how many there are"},
    {"difference_to_all_heads", "Every arm against all heads"},
    {"attention_gain", "What attention adds"},
    {"heads_needed", "Heads needed to be as good as all"},
    {"split_outcome", "Arms that some seeds solve and some do not"},
    {"data_card", "What the data can test"},
    {NULL, "Where the heads go"},
    {"budget_by_layer", "Heads by layer"},
    {"budget_by_difficulty", "Heads by known difficulty"},
    {"budget_trend", "Heads of the hardest inputs over the easiest"},
    {"heads_by_class", "Heads by class"},
    {"oracle_heads", "Heads by what an oracle needs"},
    {NULL, "Are saved FLOPs saved time"},
    {"latency_note", "Times of each arm, and notes on them"},
    {"latency_quantiles", "Median and tails of times"},
    {"saving_by_batch", "What leaving heads out saves"},
    {"energy_by_batch", "Energy"},
    {"flops_by_convention", "FLOPs by other counting rules"},
    {"noise_floor", "Noise floor of times"},
    {"timing_noise", "Whether the machine was quiet"},
    {"latency_outlier", "Samples that stand apart"},
    {NULL, "Where time and memory go"},
    {"phase_by_budget", "Phases of a forward pass"},
    {"roofline_by_phase", "Phases below the roof of the machine"},
    {"memory_by_purpose", "Memory by purpose"},
    {"training_cost", "Cost of training"},
    {"training_phase_share", "Phases of training"},
    {NULL, "What the hardware counted"},
    {"counter_rates", "Rates of counters"},
    {"counter_vs_budget", "Counters of each arm"},
    {"instructions_vs_flops", "Instructions against FLOPs"},
    {NULL, "What ran, on what"},
    {"workload_status", "Workloads"},
    {"data_set", "Data"},
    {"trial_status", "Trials"},
    {"trial_warning", "Warnings"},
    {"machine_by_kind", "Machines"},
    {"bench_latest", "Bench of the kernels"},
};

static bool append_view(struct text *out, struct store *store, const struct trial_index *trials,
                        size_t i, size_t *n_rows, struct error *error) {
    struct text note = {0};
    char *sql = NULL, *id = NULL, *source = NULL;
    export_comment(shown[i].view, &note);
    bool ok = (!note.failed && asprintf(&sql, "SELECT * FROM %s", shown[i].view) >= 0 &&
               asprintf(&id, "view-%s", shown[i].view) >= 0 &&
               asprintf(&source, "headroom export %s", shown[i].view) >= 0) ||
              error_set(error, "out of memory");
    const struct rows_wanted wanted = {id, shown[i].title, note.data, sql, source};
    ok = ok && rows_append(out, store, trials, &wanted, n_rows, error);
    text_free(&note);
    free(sql);
    free(id);
    free(source);
    return ok;
}

bool views_append(struct text *out, struct store *store, const struct trial_index *trials,
                  struct error *error) {
    struct text empty = {0};
    const char *group = NULL; /* whose heading is still to be written */
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof shown / sizeof *shown; i++) {
        if (!shown[i].view) {
            group = shown[i].title;
            continue;
        }
        struct text table = {0};
        size_t n_rows = 0;
        ok = append_view(&table, store, trials, i, &n_rows, error);
        if (ok && n_rows == 0)
            text_append(&empty, "%s<code>%s</code>", empty.size ? ", " : "", shown[i].view);
        if (ok && n_rows > 0 && group) {
            text_append(out, "<h3>%s</h3>\n", group);
            group = NULL;
        }
        text_append_bytes(out, table.data ? table.data : "", table.size);
        out->failed |= table.failed;
        text_free(&table);
    }
    if (ok && empty.size)
        text_append(out, "<p class=\"note\">Without rows here: %s.</p>\n", empty.data);
    out->failed |= empty.failed;
    text_free(&empty);
    return ok && (!out->failed || error_set(error, "out of memory"));
}
