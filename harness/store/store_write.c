/*
 * What a trial found out, written in one transaction: the status becomes ok together with the last
 * row, so a reader never sees half a trial.
 */
#include "harness/store/statistics.h"
#include "harness/store/store_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OF_TRIAL "WHERE evaluation_id IN (SELECT id FROM evaluation WHERE trial_id = ?1)"

/* The trial must be ours to finish; a sweep may have declared it dead meanwhile. */
static bool check_finished(struct store *store, int64_t id, struct error *error) {
    if (sqlite3_changes(store->db) == 1) return true;
    return error_set(error,
                     "trial %lld is not running, so its results are not stored; it may have been "
                     "stopped or finished by another process",
                     (long long)id);
}

/* A text that says nothing is an absent one. */
static const char *or_null(const char *text) {
    return text[0] ? text : NULL;
}

static bool write_memory(struct store *store, int64_t trial_id, const struct memory_result *m,
                         struct error *error) {
    return store_insert(store, "memory",
                        COLUMNS({"trial_id", INT(trial_id)}, {"what", TEXT(m->what)},
                                {"bytes", COUNT(m->bytes)},
                                {"reason", TEXT(m->bytes < 0 ? m->reason : "")},
                                {"predicted_bytes", COUNT(m->predicted > 0 ? m->predicted : -1)},
                                {"page_faults", COUNT(m->page_faults)}),
                        error);
}

/* The two numbers that every training has, and its rows by purpose. */
static bool write_training_memory(struct store *store, int64_t id, const struct training_result *r,
                                  struct error *error) {
    struct memory_result arenas = {"arena training", r->arena_bytes, "not counted", 0, -1, false};
    struct memory_result peak = {
        "peak resident", r->peak_rss_bytes, "VmHWM is not in /proc/self/status", 0, -1, false};
    bool ok = write_memory(store, id, &arenas, error) && write_memory(store, id, &peak, error);
    for (int i = 0; ok && i < r->n_memory; i++) ok = write_memory(store, id, &r->memory[i], error);
    return ok;
}

static bool write_epochs(struct store *store, int64_t trial_id,
                         const struct training_result *result, struct error *error) {
    bool ok = true;
    for (int i = 0; ok && i < result->n_epochs; i++) {
        const struct epoch_result *e = &result->epochs[i];
        ok = store_insert(store, "epoch",
                          COLUMNS({"trial_id", INT(trial_id)}, {"epoch", INT(e->epoch)},
                                  {"step", INT(e->step)}, {"train_loss", REAL(e->train_loss)},
                                  {"train_regulariser", REAL(e->train_regulariser)},
                                  {"train_mean_s", REAL(e->train_mean_s)},
                                  {"train_score_entropy", REAL(e->train_score_entropy)},
                                  {"validation_loss", REAL(e->validation_loss)},
                                  {"validation_accuracy", REAL(e->validation_accuracy)},
                                  {"validation_mean_heads", REAL(e->validation_mean_heads)},
                                  {"learning_rate", REAL(e->learning_rate)},
                                  {"train_seconds", REAL(e->train_seconds)},
                                  {"validation_seconds", REAL(e->validation_seconds)}),
                          error);
    }
    return ok;
}

/* The candidates of a tuned trial. If they differ in the budget's weight, which was unknown until
 * now, the trial has that of the chosen one. */
static bool write_tuning(struct store *store, int64_t trial_id,
                         const struct training_result *result, struct error *error) {
    bool ok = true;
    for (int i = 0; ok && i < result->n_candidates; i++) {
        const struct candidate_result *c = &result->candidates[i];
        ok = store_insert(
            store, "tuning",
            COLUMNS({"trial_id", INT(trial_id)}, {"candidate", INT(i)},
                    {"settings", TEXT(c->settings)},
                    {"validation_accuracy", REAL(c->validation_accuracy)},
                    {"validation_loss", REAL(c->validation_loss)},
                    {"validation_mean_heads", REAL(c->validation_mean_heads)},
                    {"train_seconds", c->reason[0] ? REAL(NAN) : REAL(c->train_seconds)},
                    {"train_flops", c->reason[0] ? REAL(NAN) : INT((int64_t)c->train_flops)},
                    {"chosen", INT(c->chosen)}, {"reason", TEXT(c->reason)}),
            error);
    }
    return ok && (result->n_candidates == 0 ||
                  store_run(store,
                            "UPDATE trial SET cost_weight = json_extract(settings, '$.cost') "
                            "FROM tuning WHERE id = ?1 AND trial_id = ?1 AND chosen "
                            "AND json_type(settings, '$.cost') IS NOT NULL",
                            VALUES(INT(trial_id)), error));
}

static bool write_training_phases(struct store *store, int64_t trial_id,
                                  const struct training_result *r, struct error *error) {
    bool ok = true;
    double sum = 0.0;
    for (int p = 0; p < PHASES; p++) sum += r->phase_seconds[p];
    for (int p = 0; ok && p < PHASES; p++)
        if (r->phase_seconds[p] > 0.0)
            ok = store_insert(store, "training_phase",
                              COLUMNS({"trial_id", INT(trial_id)},
                                      {"phase", TEXT(phase_name((enum phase)p))},
                                      {"seconds", REAL(r->phase_seconds[p])},
                                      {"share", REAL(r->phase_seconds[p] / sum)}),
                              error);
    return ok;
}

/* ---- evaluations ---- */

static bool check_flops(const struct evaluation_result *e, struct error *error) {
    for (int c = 0; c < FLOP_COMPONENTS; c++)
        if (e->executed.count[c] != e->formula.count[c])
            return error_set(error,
                             "counted and closed-form FLOPs differ in %s: %" PRIu64
                             " executed, %" PRIu64 " by the formula (%s weights, %s split, control "
                             "%s): this is a bug in the program",
                             flops_component_name((enum flop_component)c), e->executed.count[c],
                             e->formula.count[c], e->weights, e->split, e->control);
    return true;
}

static bool write_evaluation_row(struct store *store, int64_t trial_id,
                                 const struct evaluation_result *e, struct error *error) {
    struct text components = {0};
    for (int c = 0; c < FLOP_COMPONENTS; c++)
        text_append(&components, "%s\"%s\":%" PRIu64, c ? "," : "{",
                    flops_component_name((enum flop_component)c), e->executed.count[c]);
    text_append(&components, "}");
    bool ok = !components.failed || error_set(error, "out of memory storing an evaluation");
    ok = ok &&
         store_insert(
             store, "evaluation",
             COLUMNS({"trial_id", INT(trial_id)}, {"weights", TEXT(e->weights)},
                     {"split", TEXT(e->split)}, {"control", TEXT(e->control)},
                     {"n_inputs", INT(e->n)}, {"layers", INT(e->layers)}, {"heads", INT(e->heads)},
                     {"accuracy", REAL(e->accuracy)}, {"loss", REAL(e->loss)},
                     {"macro_f1", REAL(e->macro_f1)}, {"matthews", REAL(e->matthews)},
                     {"ece", REAL(e->ece)}, {"mean_heads", REAL(e->mean_heads)},
                     {"mean_s", REAL(e->mean_s)}, {"trained_accuracy", REAL(e->trained_accuracy)},
                     {"score_entropy", REAL(e->score_entropy)},
                     {"executed_flops", INT((int64_t)flops_total(&e->executed))},
                     {"executed_gemm_flops", INT((int64_t)flops_gemm(&e->executed))},
                     {"executed_map_flops", INT((int64_t)flops_map(&e->executed))},
                     {"active_flops", INT((int64_t)e->active_flops)},
                     {"dense_flops", INT((int64_t)e->dense_flops)},
                     {"flops_by_component", TEXT(components.data)}, {"seconds", REAL(e->seconds)}),
             error);
    text_free(&components);
    return ok;
}

static bool write_predictions(struct store *store, int64_t evaluation_id,
                              const struct evaluation_result *e, struct error *error) {
    bool ok = true;
    for (int i = 0; ok && i < e->n; i++) {
        int64_t heads_run = 0;
        struct text list = {0};
        text_append(&list, "[");
        double s = e->budget && e->layers > 0 ? 0.0 : (double)NAN;
        for (int l = 0; l < e->layers; l++) {
            size_t at = (size_t)i * (size_t)e->layers + (size_t)l;
            heads_run += e->heads_run[at];
            text_append(&list, "%s%d", l ? "," : "", (int)e->heads_run[at]);
            if (e->budget) s += (double)e->budget[at] / e->layers;
        }
        text_append(&list, "]");
        ok = !list.failed || error_set(error, "out of memory storing predictions");
        ok = ok &&
             store_insert(
                 store, "prediction",
                 COLUMNS({"evaluation_id", INT(evaluation_id)}, {"input", INT(i)},
                         {"label", INT(e->label[i])}, {"predicted", INT(e->predicted[i])},
                         {"p_predicted", REAL(e->p_predicted[i])}, {"p_true", REAL(e->p_true[i])},
                         {"difficulty", COUNT(e->difficulty[i])},
                         {"length_tokens", INT(e->length[i])}, {"heads_run", INT(heads_run)},
                         {"heads_per_layer", TEXT(list.data)}, {"mean_s", REAL(s)}),
                 error);
        text_free(&list);
    }
    return ok;
}

/* Inputs per (layer, k): heads_run [n][layers] as a histogram. */
static bool write_layer_budget(struct store *store, int64_t evaluation_id,
                               const struct evaluation_result *e, struct error *error) {
    size_t n = (size_t)e->n * (size_t)e->layers;
    int32_t most = 0;
    for (size_t i = 0; i < n; i++)
        if (e->heads_run[i] > most) most = e->heads_run[i];
    int64_t *count = calloc((size_t)most + 1, sizeof *count);
    if (!count) return error_set(error, "out of memory storing the budget per layer");
    bool ok = true;
    for (int l = 0; ok && l < e->layers; l++) {
        memset(count, 0, ((size_t)most + 1) * sizeof *count);
        for (size_t i = (size_t)l; i < n; i += (size_t)e->layers) count[e->heads_run[i]]++;
        for (int32_t k = 0; ok && k <= most; k++)
            if (count[k])
                ok = store_insert(store, "layer_budget",
                                  COLUMNS({"evaluation_id", INT(evaluation_id)}, {"layer", INT(l)},
                                          {"k", INT(k)}, {"n_inputs", INT(count[k])}),
                                  error);
    }
    free(count);
    return ok;
}

static bool write_head_usage(struct store *store, int64_t evaluation_id,
                             const struct evaluation_result *e, struct error *error) {
    bool ok = true;
    for (int i = 0; ok && e->usage && i < e->layers * e->heads; i++)
        ok = store_insert(store, "head_usage",
                          COLUMNS({"evaluation_id", INT(evaluation_id)},
                                  {"layer", INT(i / e->heads)}, {"head", INT(i % e->heads)},
                                  {"n_inputs", INT((int64_t)e->usage[i])}),
                          error);
    return ok;
}

/* Only what the usage of all inputs leaves open: a head that runs for all of them, or for none, does so
 * for every class. So methods that do not look at their input add nothing here. */
static bool write_class_head_usage(struct store *store, int64_t evaluation_id,
                                   const struct evaluation_result *e, struct error *error) {
    bool ok = true;
    int n = e->layers * e->heads;
    for (int i = 0; ok && e->class_usage && i < e->classes * n; i++) {
        uint64_t all = e->usage[i % n];
        if (all == 0 || all == (uint64_t)e->n) continue;
        ok = store_insert(store, "class_head_usage",
                          COLUMNS({"evaluation_id", INT(evaluation_id)}, {"class", INT(i / n)},
                                  {"layer", INT(i % n / e->heads)}, {"head", INT(i % e->heads)},
                                  {"n_inputs", INT((int64_t)e->class_usage[i])}),
                          error);
    }
    return ok;
}

static bool write_evaluation(struct store *store, int64_t trial_id,
                             const struct evaluation_result *e, struct error *error) {
    if (!check_flops(e, error) || !write_evaluation_row(store, trial_id, e, error)) return false;
    int64_t id = sqlite3_last_insert_rowid(store->db);
    bool test = strcmp(e->split, "test") == 0;
    bool final = test && strcmp(e->weights, "best") == 0 && strcmp(e->control, "none") == 0;
    return write_layer_budget(store, id, e, error) && write_head_usage(store, id, e, error) &&
           (!final || write_class_head_usage(store, id, e, error)) &&
           (!test || write_predictions(store, id, e, error));
}

/* ---- what the predictions are about ---- */

/* Rows that every trial on the same data, or on the same sources, would write: the first does. */
static bool is_known(struct store *store, const char *sql, const char *sha256, bool *known,
                     struct error *error) {
    int64_t found = store_number(store, sql, VALUES(TEXT(sha256)), error);
    *known = found == 1;
    return found >= 0;
}

static bool write_classes(struct store *store, const struct training_result *r,
                          struct error *error) {
    bool known;
    bool ok = is_known(store, "SELECT EXISTS (SELECT 1 FROM class WHERE data_sha256 = ?1)",
                       r->data_sha256, &known, error);
    for (int i = 0; ok && !known && r->classes && i < r->n_classes; i++) {
        const struct class_result *c = &r->classes[i];
        ok = store_insert(store, "class",
                          COLUMNS({"data_sha256", TEXT(r->data_sha256)}, {"class", INT(i)},
                                  {"name", TEXT(c->name)}, {"n_train", INT(c->n_train)},
                                  {"n_validation", INT(c->n_validation)},
                                  {"n_test", INT(c->n_test)}),
                          error);
    }
    return ok;
}

static bool write_inputs(struct store *store, const struct sources *sources, struct error *error) {
    bool known;
    bool ok = is_known(store, "SELECT EXISTS (SELECT 1 FROM input WHERE sources_sha256 = ?1)",
                       sources->sha256, &known, error);
    for (int i = 0; ok && !known && i < sources->n; i++) {
        const struct input_source *source = &sources->source[i];
        ok = store_insert(store, "input",
                          COLUMNS({"sources_sha256", TEXT(sources->sha256)}, {"input", INT(i)},
                                  {"file", TEXT(sources_file(sources, i))},
                                  {"row", INT(source->row)}, {"text_sha256", TEXT(source->sha256)},
                                  {"text", TEXT(sources_text(sources, i))}),
                          error);
    }
    return ok;
}

bool store_delete_results(struct store *store, int64_t id, struct error *error) {
    static const char *const statements[] = {"DELETE FROM prediction " OF_TRIAL,
                                             "DELETE FROM layer_budget " OF_TRIAL,
                                             "DELETE FROM head_usage " OF_TRIAL,
                                             "DELETE FROM class_head_usage " OF_TRIAL,
                                             "DELETE FROM evaluation WHERE trial_id = ?1",
                                             "DELETE FROM epoch WHERE trial_id = ?1",
                                             "DELETE FROM memory WHERE trial_id = ?1",
                                             "DELETE FROM tuning WHERE trial_id = ?1",
                                             "DELETE FROM training_phase WHERE trial_id = ?1"};
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof statements / sizeof *statements; i++)
        ok = store_run(store, statements[i], VALUES(INT(id)), error);
    return ok;
}

static bool write_training(struct store *store, int64_t id, const struct training_result *r,
                           struct error *error) {
    bool ok = store_run(store,
                        "UPDATE trial SET status = 'ok', reason = '', finished_at = " NOW ", "
                        "wall_seconds = ?2, train_seconds = ?3, train_flops = ?4, parameters = ?5, "
                        "steps = ?6, best_epoch = ?7, checkpoint = ?8, data_sha256 = ?9, "
                        "n_train = ?10, n_validation = ?11, n_test = ?12, vocab = ?13, "
                        "n_truncated = ?14, mean_length_tokens = ?15, unknown_share = ?16, "
                        "n_dropped = ?17, n_overlap = ?18, n_overlap_texts = ?19, "
                        "n_overlap_dropped = ?20, checkpoint_sha256 = ?21, code_sha256 = ?22, "
                        "sources_sha256 = ?23 "
                        "WHERE id = ?1 AND kind = 'train' AND status = 'running'",
                        VALUES(INT(id), REAL(r->wall_seconds), REAL(r->train_seconds),
                               INT((int64_t)r->train_flops), INT(r->parameters), INT(r->steps),
                               INT(r->best_epoch), TEXT(r->checkpoint), TEXT(r->data_sha256),
                               INT(r->n_train), INT(r->n_validation), INT(r->n_test), INT(r->vocab),
                               INT(r->n_truncated), REAL(r->mean_length), REAL(r->unknown_share),
                               INT(r->n_dropped), INT(r->n_overlap), INT(r->n_overlap_texts),
                               INT(r->n_overlap_dropped), TEXT(or_null(r->checkpoint_sha256)),
                               TEXT(or_null(r->code_sha256)), TEXT(or_null(r->sources.sha256))),
                        error) &&
              check_finished(store, id, error) && store_delete_results(store, id, error) &&
              store_run(store,
                        "UPDATE workload SET n_classes = ?2 "
                        "WHERE id = (SELECT workload_id FROM trial WHERE id = ?1)",
                        VALUES(INT(id), INT(r->n_classes)), error) &&
              write_training_memory(store, id, r, error) && write_epochs(store, id, r, error) &&
              write_tuning(store, id, r, error) && write_training_phases(store, id, r, error) &&
              write_classes(store, r, error) && write_inputs(store, &r->sources, error);
    for (int i = 0; ok && i < r->n_evaluations; i++)
        ok = write_evaluation(store, id, &r->evaluations[i], error);
    return ok;
}

bool store_finish_training(struct store *store, int64_t id, const struct training_result *result,
                           struct error *error) {
    if (!store_begin(store, error)) return false;
    return store_end(store, write_training(store, id, result, error), error);
}

/* ---- profiles ---- */

/* Phases that the model does not have take no time and get no row. */
static bool write_phases(struct store *store, int64_t profile_id, const struct profile_result *p,
                         struct error *error) {
    bool ok = true;
    double sum = 0.0;
    for (int i = 0; i < INFERENCE_PHASES; i++) sum += p->phase[i].ns;
    for (int i = 0; ok && i < INFERENCE_PHASES; i++)
        if (p->phase[i].ns > 0.0)
            ok = store_insert(
                store, "phase",
                COLUMNS({"profile_id", INT(profile_id)}, {"phase", TEXT(phase_name((enum phase)i))},
                        {"time_ns", REAL(p->phase[i].ns)}, {"share", REAL(p->phase[i].ns / sum)},
                        {"flops", REAL(p->phase[i].flops)}, {"bytes", REAL(p->phase[i].bytes)}),
                error);
    return ok;
}

/* What views ask of samples again and again. */
struct summary {
    double median, mad; /* of nanoseconds */
    double marked;      /* median of marked over unmarked; NaN: no marks */
};

static bool summarise(const struct profile_result *p, struct summary *out, struct error *error) {
    size_t n = (size_t)p->n_samples;
    double *values = malloc((n + 1) * sizeof *values);
    *out = (struct summary){NAN, NAN, NAN};
    if (!values) return error_set(error, "out of memory");
    if (n > 0) {
        memcpy(values, p->latency_ns, n * sizeof *values);
        out->median = statistics_median(values, n);
        for (size_t i = 0; i < n; i++) values[i] = fabs(values[i] - out->median);
        out->mad = statistics_median(values, n);
    }
    if (n > 0 && p->marked_ns && p->unmarked_ns) {
        for (size_t i = 0; i < n; i++) values[i] = p->marked_ns[i] / p->unmarked_ns[i];
        out->marked = statistics_median(values, n);
    }
    free(values);
    return true;
}

static bool write_profile(struct store *store, int64_t trial_id, const struct profile_result *p,
                          struct error *error) {
    struct summary s;
    bool ok =
        summarise(p, &s, error) &&
        store_insert(store, "profile",
                     COLUMNS({"trial_id", INT(trial_id)}, {"batch_size", INT(p->batch_size)},
                             {"warmup_passes", INT(p->warmup)},
                             {"inputs_per_sample", INT(p->inputs_per_sample)},
                             {"mean_heads", REAL(p->mean_heads)}, {"mean_s", REAL(p->mean_s)},
                             {"executed_flops_per_input", REAL(p->executed_flops_per_input)},
                             {"dense_flops_per_input", REAL(p->dense_flops_per_input)},
                             {"marks_per_pass", REAL(p->marks > 0 ? p->marks : (double)NAN)},
                             {"mark_ns", REAL(p->marks > 0 ? p->mark_ns : (double)NAN)},
                             {"n_samples", INT(p->n_samples)},
                             {"latency_ns_median", REAL(s.median)}, {"latency_ns_mad", REAL(s.mad)},
                             {"marked_over_unmarked", REAL(s.marked)}),
                     error);
    int64_t id = sqlite3_last_insert_rowid(store->db);
    ok = ok && write_phases(store, id, p, error);
    for (int i = 0; ok && i < p->n_blocks; i++) {
        const struct profile_block *b = &p->blocks[i];
        ok = store_insert(store, "profile_block",
                          COLUMNS({"profile_id", INT(id)}, {"block", INT(i)},
                                  {"started_s", REAL(b->started_s)},
                                  {"cpu_share", REAL(b->cpu_share)},
                                  {"others_running", COUNT(b->others_running)}),
                          error);
    }
    for (int i = 0; ok && i < p->n_samples; i++)
        ok = store_insert(
            store, "profile_sample",
            COLUMNS({"profile_id", INT(id)}, {"sample", INT(i)},
                    {"latency_ns", REAL(p->latency_ns[i])},
                    {"block", INT((int64_t)i * p->n_blocks / p->n_samples)},
                    {"marked_ns", REAL(p->marked_ns ? p->marked_ns[i] : (double)NAN)},
                    {"unmarked_ns", REAL(p->unmarked_ns ? p->unmarked_ns[i] : (double)NAN)}),
            error);
    for (int i = 0; ok && i < p->n_counters; i++) {
        const struct counter_result *c = &p->counters[i];
        ok = store_insert(store, "counter",
                          COLUMNS({"profile_id", INT(id)}, {"role", TEXT(c->role)},
                                  {"event", TEXT(c->event)},
                                  {"value_per_input", REAL(c->available ? c->value : (double)NAN)},
                                  {"status", TEXT(c->status)}, {"reason", TEXT(c->reason)},
                                  {"scope", TEXT(c->scope)}, {"pass", COUNT(c->pass)},
                                  {"repeats", INT(c->repeats)},
                                  {"empty_per_input", REAL(c->available ? c->empty : (double)NAN)}),
                          error);
    }
    for (int i = 0; ok && i < p->n_energy; i++) {
        const struct energy_result *e = &p->energy[i];
        bool known = !e->reason[0];
        ok = store_insert(
            store, "energy",
            COLUMNS({"profile_id", INT(id)}, {"domain", TEXT(e->domain)},
                    {"joules_per_input", REAL(known ? e->joules_per_input : (double)NAN)},
                    {"idle_watts", REAL(known ? e->idle_watts : (double)NAN)},
                    {"seconds", REAL(known ? e->seconds : (double)NAN)},
                    {"seconds_per_input", REAL(known ? e->seconds_per_input : (double)NAN)},
                    {"n_regions", COUNT(known ? e->n_regions : -1)},
                    {"ci95_half_joules_per_input", REAL(known ? e->ci95_half : (double)NAN)},
                    {"reason", TEXT(e->reason)}),
            error);
    }
    return ok;
}

static bool write_profiling(struct store *store, int64_t id, const struct profiling_result *r,
                            struct error *error) {
    bool ok =
        store_run(store,
                  "UPDATE trial SET status = 'ok', reason = '', finished_at = " NOW
                  ", wall_seconds = ?2, code_sha256 = ?3 "
                  "WHERE id = ?1 AND kind <> 'train' AND status = 'running'",
                  VALUES(INT(id), REAL(r->wall_seconds), TEXT(or_null(r->code_sha256))), error) &&
        check_finished(store, id, error);
    for (int i = 0; ok && i < r->n_profiles; i++)
        ok = write_profile(store, id, &r->profiles[i], error);
    for (int i = 0; ok && i < r->n_memory; i++) ok = write_memory(store, id, &r->memory[i], error);
    return ok;
}

bool store_finish_profiling(struct store *store, int64_t id, const struct profiling_result *result,
                            struct error *error) {
    if (!store_begin(store, error)) return false;
    return store_end(store, write_profiling(store, id, result, error), error);
}
