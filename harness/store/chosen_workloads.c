/*
 * Views come to trials by one of them, current_trial: where it is kept with the rows of a few workloads,
 * all that is built on it is of these. See chosen_workloads.h.
 */
#include "harness/store/chosen_workloads.h"
#include "harness/store/store_private.h"

static const struct kept_view of_all[] = {{"policy_declares", NULL, NULL}, {0}};
static const struct kept_view of_chosen[] = {{"current_trial", "id", "workload IN drawn"}, {0}};

bool chosen_workloads_keep(struct store *store, const char *workloads, struct error *error) {
    return store_keep(store, of_all, error) &&
           store_exec(store, "CREATE TEMP TABLE drawn (workload TEXT PRIMARY KEY) WITHOUT ROWID",
                      error) &&
           store_run(store, "INSERT INTO temp.drawn SELECT value FROM json_each(?1)",
                     VALUES(TEXT(workloads)), error) &&
           store_keep(store, of_chosen, error);
}
