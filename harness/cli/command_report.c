/*
 * `headroom report`: the table at the end of a sweep, again, from the database alone.
 */
#include "harness/cli/command.h"
#include "harness/store/report.h"

static int run(const struct arguments *arguments, struct error *error) {
    struct store *store;
    bool ok =
        store_open_reader(arguments->db, &store, error) && report_write(store, NULL, stdout, error);
    fflush(stdout); /* what is said of the tables stands below them, also in one file */
    ok = ok && report_older_code(store, NULL, stderr, error);
    store_close(store);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command report_command = {
    "report",
    "print the table of results again",
    "",
    0,
    0,
    {"db"},
    "Accuracy, budget, FLOPs and time per workload and arm, comparisons of arms, and the trials\n"
    "without result. The views of the database hold more: see results/README.md.\n"
    "\n"
    "examples:\n"
    "  headroom report --db results/results.db\n",
    run};
