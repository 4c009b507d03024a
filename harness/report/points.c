/*
 * Rows come workload by workload, and a picture is written when the next workload begins. Methods
 * have the marks of their place among all methods of the database, so that they are the same in
 * every picture.
 */
#include "harness/report/points.h"
#include "harness/report/chart.h"
#include "harness/report/html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct pictures {
    struct text *out;
    const struct trial_index *trials;
    struct chart_point *points; /* of the workload at hand */
    size_t n, capacity;
    char *workload;
    double most_heads;
    int number; /* of pictures */
    char *policies[CHART_KINDS * 8];
    int n_policies;
    bool used[CHART_KINDS * 8]; /* in the picture at hand */
};

static int kind_of(struct pictures *p, const char *policy) {
    enum { MOST = sizeof p->policies / sizeof *p->policies };
    for (int i = 0; i < p->n_policies; i++)
        if (strcmp(p->policies[i], policy) == 0) return i;
    if (p->n_policies == MOST || !(p->policies[p->n_policies] = strdup(policy))) return MOST - 1;
    return p->n_policies++;
}

static void end_picture(struct pictures *p) {
    if (p->n == 0) return;
    char id[32];
    snprintf(id, sizeof id, "points-%d", ++p->number);
    text_append(p->out, "<figure><h3 id=\"%s\">", id);
    html_append(p->out, p->workload);
    text_append(p->out, "</h3>\n");
    chart_append_points(p->out, id, p->points, p->n, p->most_heads);
    text_append(p->out, "<figcaption><ul class=\"legend\">");
    for (int i = 0; i < p->n_policies; i++) {
        if (!p->used[i]) continue;
        text_append(p->out, "<li>");
        chart_append_mark(p->out, i);
        html_append(p->out, p->policies[i]);
    }
    text_append(p->out, "</ul></figcaption></figure>\n");
    for (size_t i = 0; i < p->n; i++) free(p->points[i].name);
    p->n = 0;
    p->most_heads = 0;
    memset(p->used, 0, sizeof p->used);
}

static double number(const struct cell *cell) {
    return cell->kind == CELL_INTEGER ? (double)cell->integer : cell->real;
}

static bool add_point(struct pictures *p, const char *workload, const char *arm, const char *policy,
                      const struct cell *cells) {
    if (p->n == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 64;
        struct chart_point *grown = realloc(p->points, capacity * sizeof *grown);
        if (!grown) return false;
        p->points = grown;
        p->capacity = capacity;
    }
    struct chart_point *point = &p->points[p->n];
    const struct cell *seed = &cells[3];
    *point = (struct chart_point){.heads = number(&cells[4]), .accuracy = number(&cells[5])};
    point->trial_id = trial_index_find(p->trials, workload, arm, &seed->integer);
    point->kind = kind_of(p, policy);
    if (asprintf(&point->name, "%s, seed %" PRId64, arm, seed->integer) < 0) return false;
    p->used[point->kind] = true;
    p->n++;
    if (number(&cells[6]) > p->most_heads) p->most_heads = number(&cells[6]);
    return true;
}

/* workload, arm, policy, seed, heads, accuracy, heads of the model */
static bool read_model(void *context, size_t n, const char *const *names,
                       const struct cell *cells) {
    struct pictures *p = context;
    (void)n, (void)names;
    char *workload = cell_text(&cells[0]), *arm = cell_text(&cells[1]),
         *policy = cell_text(&cells[2]);
    bool ok = workload && arm && policy;
    if (ok && (!p->workload || strcmp(p->workload, workload) != 0)) {
        end_picture(p);
        free(p->workload);
        p->workload = strdup(workload);
        ok = p->workload != NULL;
    }
    ok = ok && add_point(p, workload, arm, policy, cells);
    p->out->failed |= !ok;
    free(workload);
    free(arm);
    free(policy);
    return ok;
}

bool points_append(struct text *out, struct store *store, const struct trial_index *trials,
                   struct error *error) {
    static const char sql[] =
        "SELECT workload, arm, policy, seed, mean_heads, accuracy, base_heads FROM accuracy_by_seed"
        " WHERE instr(policy, '/') = 0 AND accuracy BETWEEN 0 AND 1"
        " AND max(mean_heads, base_heads) BETWEEN 0 AND 1000000" /* also where a stranger says it */
        " ORDER BY workload, policy, arm, seed";
    struct pictures p = {.out = out, .trials = trials};
    text_append(
        out,
        "<p>Each point is one trained model on the test split and leads to its trial. With the "
        "keyboard, arrow keys go from point to point.</p>\n");
    size_t before = out->size;
    bool ok = store_query_cells(store, sql, NO_VALUES, read_model, &p, error);
    end_picture(&p);
    if (ok && out->failed) ok = error_set(error, "out of memory");
    if (ok && out->size == before) text_append(out, "<p>None yet.</p>\n");
    for (size_t i = 0; i < p.n; i++) free(p.points[i].name);
    for (int i = 0; i < p.n_policies; i++) free(p.policies[i]);
    free(p.points);
    free(p.workload);
    return ok;
}
