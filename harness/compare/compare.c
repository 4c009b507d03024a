/*
 * Which models, answers and measures belong together. Statistics are those of
 * harness/store/statistics.c; words are found by judge.c when all lines are there, because Holm's
 * correction needs to know how many they are.
 */
#include "harness/compare/compare_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct interval UNKNOWN = {NAN, NAN, NAN, NAN};

void comparison_free(struct comparison *comparison) {
    for (size_t i = 0; i < comparison->n; i++) {
        struct line *line = &comparison->line[i];
        free(line->workload);
        free(line->arm_a);
        free(line->arm_b);
        free(line->mcnemar);
    }
    free(comparison->line);
    text_free(&comparison->notes);
    *comparison = (struct comparison){0};
}

const char *line_measure(const struct line *line, char out[48]) {
    int n = snprintf(out, 48, "%s", measure_names[line->measure]);
    if (line->batch_size > 0) snprintf(out + n, 48 - (size_t)n, "_batch_%d", line->batch_size);
    return out;
}

void note(struct pair *pair, const char *text) {
    const char *arm = *pair->arm[1] ? pair->arm[1] : pair->arm[0];
    const char *workload = *pair->workload[0] ? pair->workload[0] : pair->workload[1];
    struct text *notes = &pair->out->notes, new = {0};
    text_append(&new, "%s%s%s%s%s\n", workload, *workload && *arm ? "/" : "", arm,
                *workload || *arm ? ": " : "", text);
    if (new.failed)
        notes->failed = true;
    else if (!notes->data || !strstr(notes->data, new.data)) /* once for all batch sizes */
        text_append_bytes(notes, new.data, new.size);
    text_free(&new);
}

struct line *add_line(struct pair *pair, enum measure measure, struct error *error) {
    struct comparison *out = pair->out;
    struct line *grown = realloc(out->line, (out->n + 1) * sizeof *grown);
    if (!grown) return error_set(error, "out of memory comparing"), NULL;
    out->line = grown;
    struct line *line = &out->line[out->n++];
    const char *workload = *pair->workload[0] ? pair->workload[0] : pair->workload[1];
    *line = (struct line){.workload = strdup(workload),
                          .arm_a = strdup(pair->arm[0]),
                          .arm_b = strdup(pair->arm[1]),
                          .measure = measure,
                          .ratio = measure >= MEASURE_FLOPS,
                          .interval = {UNKNOWN, UNKNOWN, UNKNOWN},
                          .covers = "",
                          .low = NAN,
                          .high = NAN,
                          .p = NAN,
                          .p_equal = NAN,
                          .seeds_half = NAN,
                          .inputs_half = NAN,
                          .seeds_needed = NAN,
                          .inputs_needed = NAN,
                          .inputs_p = NAN};
    if (line->workload && line->arm_a && line->arm_b) return line;
    error_set(error, "out of memory comparing");
    return NULL;
}

void set_ends(struct line *line, const struct interval *interval) {
    double low = line->mean - interval->half95, high = line->mean + interval->half95;
    line->estimate = line->ratio ? exp(line->mean) : line->mean;
    line->low = line->ratio ? exp(low) : low;
    line->high = line->ratio ? exp(high) : high;
}

/* ---- models of one seed ---- */

bool pair_models(const int64_t *a, size_t n_a, const int64_t *b, size_t n_b,
                 struct model_pairs *out, struct error *error) {
    size_t most = n_a < n_b ? n_a : n_b;
    *out = (struct model_pairs){.place = malloc((most + 1) * sizeof *out->place)};
    if (!out->place) return error_set(error, "out of memory comparing");
    for (size_t i = 0, j = 0; i < n_a && j < n_b;) {
        if (a[i] == b[j]) {
            out->place[out->n][0] = i++;
            out->place[out->n++][1] = j++;
        } else {
            *(a[i] < b[j] ? &i : &j) += 1;
        }
    }
    out->by_order = out->n == 0 && most > 0;
    if (out->by_order)
        for (; (size_t)out->n < most; out->n++)
            out->place[out->n][0] = out->place[out->n][1] = (size_t)out->n;
    return true;
}

/* ---- measures ---- */

/* The values of one side for a measure and batch size. */
struct values {
    const struct measured **model;
    int64_t *seed;
    size_t n;
};

static void values_free(struct values *values) {
    free(values->model);
    free(values->seed);
}

static bool gather(const struct pair *pair, int side, enum measure measure, int batch_size,
                   struct values *out, struct error *error) {
    const struct outcomes *from = &pair->sides[side].outcomes;
    *out = (struct values){.model = malloc((from->n_measured + 1) * sizeof *out->model),
                           .seed = malloc((from->n_measured + 1) * sizeof *out->seed)};
    if (!out->model || !out->seed) return error_set(error, "out of memory comparing");
    for (size_t i = 0; i < from->n_measured; i++) {
        const struct measured *m = &from->measured[i];
        if (m->measure != measure || m->batch_size != batch_size ||
            !(m->value > 0 || measure == MEASURE_HEADS) ||
            strcmp(m->workload, pair->workload[side]) != 0 || strcmp(m->arm, pair->arm[side]) != 0)
            continue;
        out->model[out->n] = m;
        out->seed[out->n++] = m->seed;
    }
    return true;
}

/* Why times are not compared; NULL if they are. *differ: they were taken in different
 * environments. */
static const char *time_obstacle(const struct pair *pair, const struct values *a,
                                 const struct values *b, bool *differ) {
    const char *conditions = NULL;
    bool known = true;
    for (size_t i = 0; i < a->n + b->n; i++) {
        const struct measured *m = i < a->n ? a->model[i] : b->model[i - a->n];
        if (m->doubtful)
            return i < a->n ? "A was timed with a warning" : "B was timed with a warning";
        known &= m->conditions != NULL;
        if (!conditions) conditions = m->conditions;
        *differ |= conditions && m->conditions && strcmp(conditions, m->conditions) != 0;
    }
    if (sides_across(pair->sides)) return NULL;
    if (!known) return "it is not known where times were taken";
    return *differ ? "times were not taken in the same environment" : NULL;
}

/* One model a side. Heads and FLOPs of it were counted; of times there are medians of stretches, and
 * the noise that one model has against itself. */
static bool compare_one(struct line *line, const struct measured *a, const struct measured *b,
                        struct error *error) {
    line->mean = line->ratio ? log(b->value / a->value) : b->value - a->value;
    line->exact = line->measure == MEASURE_HEADS || line->measure == MEASURE_FLOPS;
    line->covers = line->exact ? "these models, whose work was counted" : "";
    if (line->exact) {
        set_ends(line, &(struct interval){0, 0, NAN, NAN});
    } else if (line->measure == MEASURE_LATENCY && a->n_blocks > 1 && b->n_blocks > 1) {
        size_t n = (size_t)a->n_blocks + (size_t)b->n_blocks;
        double *logs = malloc(n * sizeof *logs);
        if (!logs) return error_set(error, "out of memory comparing");
        for (int i = 0; i < a->n_blocks; i++) logs[i] = log(a->block[i]);
        for (int i = 0; i < b->n_blocks; i++) logs[a->n_blocks + i] = log(b->block[i]);
        struct interval interval =
            statistics_means(logs, a->n_blocks, logs + a->n_blocks, b->n_blocks, &line->mean);
        free(logs);
        line->interval[0] =
            statistics_widen(interval, line->mean, log1p(fmax(a->noise_floor, b->noise_floor)));
        line->p = line->interval[0].p;
        line->covers = "the noise of timing, not other seeds";
        set_ends(line, &line->interval[0]);
    } else {
        line->estimate = line->ratio ? exp(line->mean) : line->mean;
    }
    return true;
}

static bool compare_many(struct line *line, const struct values *a, const struct values *b,
                         const struct model_pairs *models, struct error *error) {
    double *values = malloc((size_t)models->n * sizeof *values);
    if (!values) return error_set(error, "out of memory comparing");
    for (int i = 0; i < models->n; i++) {
        double x = a->model[models->place[i][0]]->value, y = b->model[models->place[i][1]]->value;
        values[i] = line->ratio ? log(y / x) : y - x;
    }
    line->interval[0] = statistics_mean(values, models->n, &line->mean);
    line->p = line->interval[0].p;
    line->covers = "other seeds";
    set_ends(line, &line->interval[0]);
    free(values);
    return true;
}

static bool compare_measure(struct pair *pair, enum measure measure, int batch_size,
                            struct error *error) {
    struct values a = {0}, b = {0};
    struct model_pairs models = {0};
    struct line *line = NULL;
    const char *obstacle = NULL;
    bool differ = false, ok = gather(pair, 0, measure, batch_size, &a, error) &&
                              gather(pair, 1, measure, batch_size, &b, error) &&
                              pair_models(a.seed, a.n, b.seed, b.n, &models, error);
    if (!ok || models.n < 1) goto done;
    if (measure == MEASURE_LATENCY) obstacle = time_obstacle(pair, &a, &b, &differ);
    if (obstacle) {
        note(pair, obstacle);
        goto done;
    }
    line = add_line(pair, measure, error);
    ok = line != NULL;
    if (!ok) goto done;
    line->batch_size = batch_size;
    line->n_models = models.n;
    for (int i = 0; i < models.n; i++) {
        line->a += a.model[models.place[i][0]]->value / models.n;
        line->b += b.model[models.place[i][1]]->value / models.n;
    }
    ok = models.n > 1
             ? compare_many(line, &a, &b, &models, error)
             : compare_one(line, a.model[models.place[0][0]], b.model[models.place[0][1]], error);
    if (measure == MEASURE_LATENCY && sides_across(pair->sides) && *line->covers)
        line->covers = models.n > 1 ? "other seeds, not other runs"
                                    : "the noise within a run, not other seeds or runs";
    if (differ) note(pair, "times are of different environments (machine, kernel, build, BLAS)");
done:
    free(models.place);
    values_free(&a);
    values_free(&b);
    return ok;
}

/* Every batch size that A has, from the smallest. */
static bool compare_batches(struct pair *pair, enum measure measure, struct error *error) {
    const struct outcomes *from = &pair->sides[0].outcomes;
    for (int last = -1, next;; last = next) {
        next = -1;
        for (size_t i = 0; i < from->n_measured; i++) {
            const struct measured *m = &from->measured[i];
            if (m->measure == measure && m->batch_size > last &&
                (next < 0 || m->batch_size < next) && strcmp(m->workload, pair->workload[0]) == 0 &&
                strcmp(m->arm, pair->arm[0]) == 0)
                next = m->batch_size;
        }
        if (next < 0) return true;
        if (!compare_measure(pair, measure, next, error)) return false;
    }
}

/* ---- pairs of arms ---- */

/* The workload and arm of the i-th of all answers and measures of a side; false behind the last. */
static bool names_at(const struct side *side, size_t i, const char **workload, const char **arm) {
    const struct outcomes *from = &side->outcomes;
    if (i < from->n_answers) {
        *workload = from->answers[i].workload;
        *arm = from->answers[i].arm;
        return true;
    }
    i -= from->n_answers;
    if (i >= from->n_measured) return false;
    *workload = from->measured[i].workload;
    *arm = from->measured[i].arm;
    return true;
}

/* A file may name no workload: then it is the other side's. */
static bool same_workload(const char *a, const char *b) {
    return !*a || !*b || strcmp(a, b) == 0;
}

/* Whether the i-th is the first of its names. */
static bool is_first(const struct side *side, size_t i) {
    const char *workload, *arm, *mine = "", *my_arm = "";
    names_at(side, i, &mine, &my_arm);
    for (size_t k = 0; k < i; k++)
        if (names_at(side, k, &workload, &arm) && strcmp(workload, mine) == 0 &&
            strcmp(arm, my_arm) == 0)
            return false;
    return true;
}

/* Finds names on another side that those are compared with. */
static bool find_partner(const struct side sides[2], int other, const char *workload,
                         const char *arm, const char **its_workload, const char **its_arm) {
    const char *asked = sides[other].workload;
    for (size_t k = 0; names_at(&sides[other], k, its_workload, its_arm); k++)
        if (same_workload(workload, *its_workload) && same_workload(asked, *its_workload) &&
            (!sides_by_arm(sides) || strcmp(arm, *its_arm) == 0))
            return true;
    return false;
}

static bool compare_pair(struct pair *pair, struct error *error) {
    const struct answers *of[2] = {NULL, NULL};
    size_t n[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
        const struct outcomes *from = &pair->sides[side].outcomes;
        for (size_t i = 0; i < from->n_answers; i++) {
            const struct answers *answers = &from->answers[i];
            if (strcmp(answers->workload, pair->workload[side]) != 0 ||
                strcmp(answers->arm, pair->arm[side]) != 0)
                continue;
            if (n[side]++ == 0) of[side] = answers;
        }
    }
    if (n[0] > 0 && n[1] > 0 && !compare_answers(pair, of[0], n[0], of[1], n[1], error))
        return false;
    for (int m = MEASURE_HEADS; m < N_MEASURES; m++)
        if (!compare_batches(pair, (enum measure)m, error)) return false;
    return true;
}

/* A file without names of workloads stands for one, so the other side must be of one. */
static bool check_workloads(const struct side sides[2], struct error *error) {
    bool nameless = false, several = false;
    const char *first = NULL, *workload, *arm;
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; names_at(&sides[side], i, &workload, &arm); i++) {
            if (!same_workload(sides[side].workload, workload)) continue;
            nameless |= !*workload;
            if (!first && *workload) first = workload;
            several |= *workload && strcmp(workload, first) != 0;
        }
    if (nameless && several)
        return error_set(error, "one side names no workloads and the other has several: choose one "
                                "with --workload");
    return true;
}

/* What has no partner, so that nobody takes its absence for an equality. */
static void note_alone(const struct side sides[2], int side, struct comparison *out) {
    const char *workload, *arm, *other, *its_arm;
    size_t n = 0;
    for (size_t i = 0; names_at(&sides[side], i, &workload, &arm); i++)
        if (is_first(&sides[side], i) && same_workload(sides[side].workload, workload) &&
            !find_partner(sides, 1 - side, workload, arm, &other, &its_arm))
            text_append(&out->notes, "%s%s%s%s",
                        n++    ? ", "
                        : side ? "only in B: "
                               : "only in A: ",
                        workload, *workload && *arm ? "/" : "", arm);
    if (n > 0) text_append(&out->notes, "\n");
}

bool compare_sides(const struct side sides[2], double margin, struct comparison *out,
                   struct error *error) {
    struct pair pair = {.sides = sides, .out = out};
    *out = (struct comparison){.margin = margin};
    if (!check_workloads(sides, error)) return false;
    for (size_t i = 0; names_at(&sides[0], i, &pair.workload[0], &pair.arm[0]); i++)
        if (is_first(&sides[0], i) && same_workload(sides[0].workload, pair.workload[0]) &&
            find_partner(sides, 1, pair.workload[0], pair.arm[0], &pair.workload[1],
                         &pair.arm[1]) &&
            !compare_pair(&pair, error))
            return false;
    note_alone(sides, 0, out);
    note_alone(sides, 1, out);
    if (out->notes.failed) return error_set(error, "out of memory comparing");
    if (out->n == 0)
        return error_set(error, "nothing of '%s' can be compared with '%s'%s%.600s", sides[0].text,
                         sides[1].text,
                         out->notes.data ? ": " : ": they have no workload or arm in common",
                         out->notes.data ? out->notes.data : "");
    return compare_judge(out, error);
}
