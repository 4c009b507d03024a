/*
 * From --workload and --filter to names of workloads; see choice.h.
 */
#include "harness/plot/choice.h"
#include "harness/store/filter.h"
#include "models/base/closest_name.h"
#include "models/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool compile_filter(struct choice *choice, const char *filter, struct error *error) {
    choice->filtering = filter_compile(&choice->filter, filter, error);
    choice->not_understood = !choice->filtering;
    choice->of.filter = choice->filtering ? &choice->filter : NULL;
    return choice->filtering;
}

/* Arms with a control have their names in results alone. */
static bool read_chosen(struct store *store, const struct sheet_choice *of, struct sheet *sheet,
                        struct error *error) {
    return sheet_read(store,
                      of->filter ? "SELECT workload, arm FROM trial_status UNION "
                                   "SELECT workload, arm FROM accuracy_by_seed ORDER BY workload"
                                 : "SELECT DISTINCT workload FROM trial_status ORDER BY workload",
                      of, sheet, error);
}

/* Says which: there is no such workload, or nothing in it that the filter finds. */
static bool nothing_chosen(struct store *store, struct choice *choice, const char *filter,
                           struct error *error) {
    static const struct sheet_choice every = {0};
    const char *workload = choice->of.workload;
    struct sheet all = {0};
    if (!read_chosen(store, &every, &all, error)) goto done;
    bool known = !workload;
    for (size_t r = 0; r < all.n_rows && !known; r++) known = strcmp(all.cells[r], workload) == 0;
    choice->not_understood = !known;
    if (known) {
        error_set(error, "no workload/arm matches --filter %s%s%s", filter, workload ? " in " : "",
                  workload ? workload : "");
    } else {
        const char *guess = closest_name(workload, (const char *const *)all.cells, all.n_rows);
        error_set(error, "the database holds no workload '%s'%s%s%s", workload,
                  guess ? ", did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
    }
done:
    sheet_free(&all);
    return false;
}

/* The names of at most so many workloads, and how many there are. */
static size_t list_names(const struct sheet *chosen, size_t most, struct text *names) {
    const char *last = NULL;
    size_t n = 0;
    for (size_t r = 0; r < chosen->n_rows; r++) {
        const char *name = sheet_cell(chosen, r, 0);
        if (last && strcmp(name, last) == 0) continue;
        last = name;
        if (n++ >= most) continue;
        text_append(names, n == 1 ? "[" : ", ");
        text_append_json_string(names, name);
    }
    text_append(names, n > 0 ? "]" : "[]");
    return n;
}

static bool name_workloads(struct choice *choice, const struct sheet *chosen, struct error *error) {
    bool asked = choice->of.workload || choice->of.filter;
    struct text names = {0};
    size_t n = list_names(chosen, asked ? SIZE_MAX : WORKLOADS_SHOWN, &names);
    bool ok = !names.failed;
    if (ok && !asked && n > WORKLOADS_SHOWN)
        ok = asprintf(&choice->left_out,
                      "Of %zu workloads the first %d by name are drawn: --workload NAME draws "
                      "another, --filter REGEX all that it finds.",
                      n, WORKLOADS_SHOWN) >= 0;
    if (ok && (choice->left_out || chosen->n_dropped > 0))
        choice->workloads = names.data;
    else
        text_free(&names);
    return ok || error_set(error, "out of memory");
}

bool choice_make(struct store *store, const char *workload, const char *filter, struct choice *out,
                 struct error *error) {
    struct sheet chosen = {0};
    *out = (struct choice){.of.workload = workload};
    bool ok = (!filter || compile_filter(out, filter, error)) &&
              read_chosen(store, &out->of, &chosen, error);
    if (ok && chosen.n_rows == 0 && (workload || filter))
        ok = nothing_chosen(store, out, filter, error);
    ok = ok && name_workloads(out, &chosen, error);
    sheet_free(&chosen);
    return ok;
}

void choice_free(struct choice *choice) {
    if (choice->filtering) regfree(&choice->filter);
    free(choice->workloads);
    free(choice->left_out);
    *choice = (struct choice){0};
}
