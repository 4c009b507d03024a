/*
 * `headroom status`: how a sweep stands, from its database alone.
 */
#include "harness/cli/command.h"
#include "harness/store/status.h"
#include "harness/sweep/slurm_status.h"

#include <time.h>

static int run(const struct arguments *arguments, struct error *error) {
    struct store *store;
    bool ok = store_open_reader(arguments->db, &store, error) &&
              status_write(store, time(NULL), stdout, error) &&
              slurm_status_write(arguments->db, stdout, error);
    store_close(store);
    return ok ? EXIT_OK : EXIT_FAILED;
}

const struct command status_command = {
    "status",
    "say how a sweep stands: running, done, failed, expected end",
    "",
    0,
    0,
    {"db"},
    "From the database alone, so also while a sweep runs, and from another machine. A training says\n"
    "after an epoch, every two seconds at most, where it is: epoch, loss, accuracy and heads on the\n"
    "validation slice. Whether the process of a running trial lives is known on its own machine, and\n"
    "where its lock beside the database can be seen; elsewhere the time since it was last heard of is\n"
    "all that is known, and after ten minutes it is not counted on.\n"
    "\n"
    "The expected end is that of all that is planned: expected FLOPs, and 10 GFLOP for each trial, at\n"
    "the speed of what has ended well since the oldest of the trials to come was planned, on hosts\n"
    "that run some now, and of the epochs that were told. As many trainings as run now go on beside\n"
    "each other, then the profiles, one at a time. Where that cannot be reckoned it says why.\n"
    "\n"
    "Of a sweep that `headroom submit` gave to Slurm, what its elements have brought so far, beside\n"
    "what squeue says of them, and sacct where it answers.\n"
    "\n"
    "examples:\n"
    "  headroom status\n"
    "  headroom status --db results/results.db\n"
    "  headroom export running_trial --format jsonl       the same for programs\n",
    run};
