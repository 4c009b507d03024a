/*
 * Tuning inside the trial. All candidates are trained before one is chosen, because which of them
 * compete for a target budget shows at the end; their weights wait in files beside the checkpoint.
 */
#include "harness/trial/tuning.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double distance(const struct candidate_result *c, double target, int heads) {
    return target > 0 ? fabs(c->validation_mean_heads / heads - target) : 0;
}

int tuning_choose(const struct candidate_result *candidates, int n, double target, int heads) {
    double nearest = HUGE_VAL;
    const struct candidate_result *best = NULL;
    for (int i = 0; i < n; i++)
        if (!candidates[i].reason[0])
            nearest = fmin(nearest, distance(&candidates[i], target, heads));
    for (const struct candidate_result *c = candidates; c < candidates + n; c++) {
        /* The margin is widened by rounding's share: means of counts are rarely exact. */
        if (c->reason[0] || distance(c, target, heads) > nearest + 0.5 / heads + 1e-9) continue;
        if (!best || c->validation_accuracy > best->validation_accuracy ||
            (c->validation_accuracy >= best->validation_accuracy &&
             c->validation_loss < best->validation_loss))
            best = c;
    }
    return best ? (int)(best - candidates) : -1;
}

/* Where the weights of candidate i wait for the choice. */
static void candidate_path(const struct training_context *context, int i, char out[1024]) {
    snprintf(out, 1024, "%s.candidate-%d", context->checkpoint, i + 1);
}

/* Trains one candidate. One that diverges has its reason; whatever else goes wrong (a disk that is
 * full, a base that is gone) says nothing of its settings and is an error of the trial. */
static bool run_candidate(const struct experiment *trial, const struct training_context *context,
                          int i, struct training_result *result, struct candidate_result *row,
                          struct error *error) {
    struct experiment *one = malloc(sizeof *one);
    struct training_context own = *context;
    struct text settings = {0};
    char path[1024];
    if (!one) return error_set(error, "out of memory for a candidate");
    *one = *trial;
    candidate_path(context, i, path);
    own.checkpoint = path;
    own.candidate = i + 1;
    own.n_candidates = trial->arms[0].candidates.n;
    own.save_seconds /= own.n_candidates; /* together they lose no more than one would */
    bool ok = experiment_apply_candidate(one, 0, i, &settings, error);
    row->settings = settings.data;
    row->validation_accuracy = row->validation_loss = row->validation_mean_heads = NAN;
    if (ok) {
        if (own.log)
            fprintf(own.log, "candidate %d of %d: %s\n", i + 1, trial->arms[0].candidates.n,
                    settings.data);
        ok = training_run(one, &own, result, error);
        if (!ok && result->diverged) {
            snprintf(row->reason, sizeof row->reason, "%.255s", error->text);
            ok = true;
        }
    }
    free(one);
    if (!ok || row->reason[0]) return ok;
    row->train_seconds = result->train_seconds;
    row->train_flops = result->train_flops;
    for (int e = 0; e < result->n_evaluations; e++) {
        const struct evaluation_result *r = &result->evaluations[e];
        if (strcmp(r->split, "validation") != 0 || strcmp(r->weights, "best") != 0) continue;
        row->validation_accuracy = r->accuracy;
        row->validation_loss = r->loss;
        row->validation_mean_heads = r->layers > 0 ? r->mean_heads : 0;
    }
    return true;
}

/* Gives the chosen candidate's weights the checkpoint's name and removes those of the others. */
static bool keep_weights(const struct training_context *context, int n, int chosen,
                         struct error *error) {
    char path[1024];
    bool ok = true;
    for (int i = 0; i < n; i++) {
        candidate_path(context, i, path);
        if (i != chosen)
            unlink(path);
        else if (rename(path, context->checkpoint) != 0)
            ok = error_set(error, "%s: %s", context->checkpoint, strerror(errno));
    }
    return ok;
}

bool tuning_run(const struct experiment *trial, const struct training_context *context,
                struct training_result *out, struct error *error) {
    const struct candidates *c = &trial->arms[0].candidates;
    if (!c->values[0]) return training_run(trial, context, out, error);
    struct training_result *results = calloc((size_t)c->n, sizeof *results);
    struct candidate_result *rows = calloc((size_t)c->n, sizeof *rows);
    double seconds = 0;
    int n = 0, chosen = -1;
    memset(out, 0, sizeof *out);
    bool ok = results && rows;
    if (!ok) error_set(error, "out of memory for %d candidates", c->n);
    for (; ok && n < c->n; n++) {
        ok = run_candidate(trial, context, n, &results[n], &rows[n], error);
        seconds += results[n].wall_seconds;
    }
    if (ok) {
        chosen = tuning_choose(rows, n, c->target_budget, trial->model.base_heads);
        if (chosen < 0)
            ok = error_set(error, "no candidate has a result; the last: %s", rows[n - 1].reason);
    }
    ok = keep_weights(context, n, chosen, error) && ok;
    for (int i = 0; i < n; i++)
        if (!ok || i != chosen) training_result_free(&results[i]);
    if (ok) {
        *out = results[chosen];
        rows[chosen].chosen = true;
        if (context->log) fprintf(context->log, "chosen: %s\n", rows[chosen].settings);
        snprintf(out->checkpoint, sizeof out->checkpoint, "%s", context->checkpoint);
        out->wall_seconds = seconds;
    }
    out->candidates = rows;
    out->n_candidates = rows ? n : 0;
    if (!ok) training_result_free(out);
    free(results);
    return ok;
}
