/*
 * Answers of two sides, paired by seed and by input, as one line of accuracy. Inputs are those that
 * all the models have: a table of seeds x inputs has no holes.
 */
#include "harness/compare/compare_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Inputs in their order: of length, then of bytes. */
static const char *id_of(const struct answers *answers, int i, char buffer[16]) {
    if (answers->id) return answers->id[i];
    snprintf(buffer, 16, "%d", i);
    return buffer;
}

static int compare_ids(const char *x, const char *y) {
    size_t n = strlen(x), m = strlen(y);
    return n == m ? strcmp(x, y) : (n < m ? -1 : 1);
}

/* Two models, and the next input of each. */
struct row {
    const struct answers *model[2];
    int at[2];
};

/* The table of statistics.h, B less A. */
struct table {
    struct row *row; /* [n] */
    int n, n_inputs, most_inputs;
    int64_t right[2]; /* answers in it that A and B get right */
    bool nested;
    int8_t *cell; /* [n][n_inputs] */
};

static int8_t *cell_of(const struct table *table, int s, int stride, int i) {
    return table->cell + (size_t)s * (size_t)stride + i;
}

/* What a cell holds of two answers, which are counted. */
static int8_t less(struct table *table, const struct row *row, int in_a, int in_b) {
    bool a = row->model[0]->right[in_a] > 0, b = row->model[1]->right[in_b] > 0;
    table->right[0] += a;
    table->right[1] += b;
    return (int8_t)(b - a);
}

/* Whether all models have this input of the first; they stand at it then. */
static bool find_everywhere(struct table *table, int i) {
    char mine[16], other[16];
    const char *id = id_of(table->row[0].model[0], i, mine);
    for (int m = 0; m < 2 * table->n; m++) {
        const struct answers *model = table->row[m / 2].model[m % 2];
        int *at = &table->row[m / 2].at[m % 2], order = -1;
        while (*at < model->n && (order = compare_ids(id_of(model, *at, other), id)) < 0) ++*at;
        if (*at == model->n || order != 0) return false;
    }
    return true;
}

/* Inputs that all models answered. */
static bool join_inputs(struct table *table, struct error *error) {
    const struct answers *first = table->row[0].model[0];
    bool mixed = !first->id != !table->row[0].model[1]->id; /* a file and a database */
    for (int i = 0; i < first->n; i++) {
        if (!find_everywhere(table, i)) continue;
        for (int s = 0; s < table->n; s++) {
            const struct row *row = &table->row[s];
            char text[16];
            if (row->model[0]->label[row->at[0]] != first->label[i] ||
                row->model[1]->label[row->at[1]] != first->label[i])
                return error_set(error,
                                 "input '%s' has one label in A and another in B, or for another "
                                 "seed: these are not the same inputs%s",
                                 id_of(first, i, text),
                                 mixed
                                     ? ", or the file does not number them and their classes from "
                                       "0 as the database does"
                                     : "");
            *cell_of(table, s, first->n, table->n_inputs) =
                less(table, row, row->at[0], row->at[1]);
        }
        table->n_inputs++;
    }
    for (int s = 1; s < table->n; s++)
        memmove(cell_of(table, s, table->n_inputs, 0), cell_of(table, s, first->n, 0),
                (size_t)table->n_inputs);
    return true;
}

/* Every seed has its own test inputs, which both sides were tested on. */
static void join_nested(struct table *table) {
    table->n_inputs = table->row[0].model[0]->n;
    for (int s = 0; s < table->n; s++)
        for (int i = 0; i < table->n_inputs; i++)
            *cell_of(table, s, table->n_inputs, i) = less(table, &table->row[s], i, i);
}

/* Why answers of databases, whose inputs have no names of their own, cannot be paired; NULL if they
 * can. Sets nested. */
static const char *find_obstacle(struct table *table) {
    const struct answers *first = table->row[0].model[0];
    bool equal = true;
    for (int s = 0; s < table->n; s++) {
        const struct answers *a = table->row[s].model[0], *b = table->row[s].model[1];
        int most = a->n > b->n ? a->n : b->n;
        if (most > table->most_inputs) table->most_inputs = most;
        if (a->id || b->id) continue;
        if (a->n != b->n || strcmp(a->data, b->data) != 0)
            return "A and B were not tested on the same inputs: their data sets differ";
        equal &= a->n == first->n;
        table->nested |= strcmp(a->data, first->data) != 0;
    }
    return table->nested && !equal ? "seeds were tested on unequal numbers of inputs" : NULL;
}

static bool count_inputs(struct line *line, const struct table *table, struct error *error) {
    line->mcnemar = calloc((size_t)table->n, sizeof *line->mcnemar);
    if (!line->mcnemar) return error_set(error, "out of memory comparing");
    for (int i = 0; i < table->n_inputs; i++) {
        int for_a = 0, for_b = 0;
        for (int s = 0; s < table->n; s++) {
            int8_t cell = *cell_of(table, s, table->n_inputs, i);
            line->mcnemar[s].only_a += cell < 0;
            line->mcnemar[s].only_b += cell > 0;
            for_a += cell < 0;
            for_b += cell > 0;
        }
        line->inputs_a += for_a > for_b;
        line->inputs_b += for_b > for_a;
    }
    for (int s = 0; s < table->n; s++) {
        struct mcnemar *m = &line->mcnemar[s];
        m->seed_a = table->row[s].model[0]->seed;
        m->seed_b = table->row[s].model[1]->seed;
        m->p = statistics_sign_test(m->only_a, m->only_b);
    }
    if (!table->nested) line->inputs_p = statistics_sign_test(line->inputs_a, line->inputs_b);
    return true;
}

static struct interval in_points(struct interval interval) {
    interval.half95 *= 100;
    interval.half90 *= 100;
    return interval;
}

static bool write_line(struct pair *pair, struct table *table, struct error *error) {
    struct line *line = add_line(pair, MEASURE_ACCURACY, error);
    if (!line || !count_inputs(line, table, error)) return false;
    struct difference d = statistics_compare(table->cell, table->n, table->n_inputs, table->nested);
    struct components c =
        statistics_components(table->cell, table->n, table->n_inputs, table->nested);
    line->n_models = table->n;
    line->n_inputs = table->n_inputs;
    line->a = 100.0 * (double)table->right[0] / table->n / table->n_inputs;
    line->b = 100.0 * (double)table->right[1] / table->n / table->n_inputs;
    line->mean = 100 * d.mean;
    line->interval[0] = in_points(table->n > 1 ? d.over_both : d.over_inputs);
    line->interval[1] = in_points(d.over_seeds);
    line->interval[2] = in_points(d.over_inputs);
    line->seeds_half = line->interval[1].half95;
    line->inputs_half = line->interval[2].half95;
    set_ends(line, &line->interval[0]);
    line->covers = table->n > 1 ? "other seeds and inputs" : "other inputs, not other seeds";
    line->p = line->interval[0].p;
    for (int i = 0; i < 3; i++) { /* fmax: what is unknown decides nothing */
        double margin = pair->out->margin;
        line->p_equal =
            fmax(line->p_equal, statistics_equal(&line->interval[i], line->mean, margin));
    }
    /* To tell it from 0 or to tell that it is within the margin, if it stays what it is. */
    double size = fabs(line->mean), margin = pair->out->margin, half = line->interval[0].half95;
    double target = half > margin ? margin : fmax(size, margin - size);
    if (target < half) {
        line->seeds_needed = statistics_seeds_needed(&c, table->n, table->n_inputs, target / 100);
        line->inputs_needed = statistics_inputs_needed(&c, table->n, table->n_inputs, target / 100);
    }
    return true;
}

static void say_what_is_left_out(struct pair *pair, const struct table *table,
                                 const struct model_pairs *models, size_t n_a, size_t n_b) {
    char text[240];
    if (models->by_order)
        note(pair, "no seed in common: models are paired in the order of their seeds");
    if ((size_t)models->n < n_a || (size_t)models->n < n_b) {
        snprintf(text, sizeof text, "%d of %zu and %zu models are paired", models->n, n_a, n_b);
        note(pair, text);
    }
    if (table->n_inputs < table->most_inputs) {
        snprintf(text, sizeof text, "%d of %d inputs are compared: those that all models answered",
                 table->n_inputs, table->most_inputs);
        note(pair, text);
    }
}

bool compare_answers(struct pair *pair, const struct answers *a, size_t n_a,
                     const struct answers *b, size_t n_b, struct error *error) {
    struct table table = {0};
    struct model_pairs models = {0};
    int64_t *seeds = malloc((n_a + n_b + 1) * sizeof *seeds);
    const char *obstacle = NULL;
    bool ok = seeds || error_set(error, "out of memory comparing");
    for (size_t i = 0; ok && i < n_a + n_b; i++) seeds[i] = i < n_a ? a[i].seed : b[i - n_a].seed;
    ok = ok && pair_models(seeds, n_a, seeds + n_a, n_b, &models, error);
    if (!ok || models.n < 1) goto done;
    table.row = calloc((size_t)models.n, sizeof *table.row);
    ok = table.row || error_set(error, "out of memory comparing");
    for (; ok && table.n < models.n; table.n++) {
        table.row[table.n].model[0] = &a[models.place[table.n][0]];
        table.row[table.n].model[1] = &b[models.place[table.n][1]];
    }
    if (!ok) goto done;
    obstacle = find_obstacle(&table);
    if (!obstacle) {
        table.cell = malloc((size_t)table.n * (size_t)table.most_inputs + 1);
        ok = table.cell || error_set(error, "out of memory comparing");
        if (ok && table.nested) join_nested(&table);
        if (ok && !table.nested) ok = join_inputs(&table, error);
        if (ok && table.n_inputs < 2) obstacle = "A and B have fewer than two inputs in common";
    }
    if (!ok) goto done;
    if (obstacle)
        note(pair, obstacle);
    else if ((ok = write_line(pair, &table, error)))
        say_what_is_left_out(pair, &table, &models, n_a, n_b);
done:
    free(seeds);
    free(models.place);
    free(table.row);
    free(table.cell);
    return ok;
}
