/*
 * `headroom merge`: takes the results of databases into one, says of each what came in and what did
 * not, and compares the arms anew.
 */
#include "harness/cli/command.h"
#include "harness/store/comparison.h"
#include "harness/store/store_merge.h"
#include "harness/table/shown.h"

#include <inttypes.h>

static void tell(void *context, const char *text) {
    (void)context;
    fflush(stdout); /* what is said of a file stands behind the line of the one before */
    shown_print(stderr, "%s\n", text);
}

static void print_count(int64_t n, const char *what) {
    if (n > 0) shown_print(stdout, ", %" PRId64 " %s", n, what);
}

static void print_result(const char *path, const struct merge_result *r) {
    shown_print(stdout, "%s: %" PRId64 " new result%s", path, r->n_taken, PLURAL_S(r->n_taken));
    print_count(r->n_here, "already there");
    print_count(r->n_open, r->n_open == 1 ? "trial without a result" : "trials without a result");
    print_count(r->n_timed, "timed in another environment");
    print_count(r->n_replaced, "replaced");
    print_count(r->n_conflicts, "in conflict");
    print_count(r->n_dependent, "kept out with these");
    print_count(r->n_refused_workloads,
                r->n_refused_workloads == 1 ? "workload kept out" : "workloads kept out");
    print_count(r->n_benches, r->n_benches == 1 ? "bench" : "benches");
    print_count(r->n_checkpoints, r->n_checkpoints == 1 ? "checkpoint" : "checkpoints");
    putchar('\n');
    if (r->n_waiting > 0) {
        fflush(stdout);
        shown_print(stderr,
                    "%s: %" PRId64
                    " more result%s in the folder pending/ beside it: a sweep there stores "
                    "%s, then merge it again\n",
                    path, r->n_waiting, r->n_waiting == 1 ? " waits" : "s wait",
                    r->n_waiting == 1 ? "it" : "them");
    }
}

/* Whether all that the file has is in the database now. */
static bool is_complete(const struct merge_result *r) {
    return r->n_conflicts == 0 && r->n_dependent == 0 && r->n_refused_workloads == 0 &&
           r->n_bad_checkpoints == 0 && r->n_waiting == 0;
}

static int run(const struct arguments *arguments, struct error *error) {
    const struct merge_options options = {
        .replace = arguments->replace, .checkpoints = arguments->checkpoints, .tell = tell};
    const char *into = arguments->words[0];
    struct store *store = NULL;
    bool ok = true, complete = true, contradicted = false;
    /* A mistyped name is found before the first file is in, and before there is a new one. */
    for (int i = 1; ok && i < arguments->n_words; i++)
        ok = store_merge_check(into, arguments->words[i], error);
    ok = ok && store_open(into, &store, error);
    for (int i = 1; ok && i < arguments->n_words; i++) {
        struct merge_result result = {0};
        ok = store_merge(store, arguments->words[i], &options, &result, error);
        if (ok) print_result(arguments->words[i], &result);
        complete = complete && ok && is_complete(&result);
        contradicted |= ok && (result.n_conflicts > 0 || result.n_refused_workloads > 0);
    }
    ok = ok && comparison_update(store, error);
    store_close(store);
    if (contradicted)
        tell(NULL,
             "what was kept out is in its file alone; --replace lets it count, and keeps what "
             "it contradicts as an earlier result");
    return ok && complete ? EXIT_OK : EXIT_FAILED;
}

const struct command merge_command = {
    "merge",
    "take the results of other databases into one",
    "OUT.db FILES.db...",
    2,
    1000000,
    {"replace", "checkpoints"},
    "Adds to OUT.db, which is made if it is not there, all results of the FILES: those of machines\n"
    "that each ran a part of a sweep, or old ones. A trial is known by its workload and key, so what\n"
    "is there already is not added again, and merging a file twice changes nothing. Each result keeps\n"
    "the machine, revision and time it was made with. FILES are never written; those of an earlier\n"
    "version are read from a copy in TMPDIR. Each comes in one transaction.\n"
    "\n"
    "  a result on both sides    with the same numbers (predictions, accuracies, FLOPs, but not\n"
    "                            times) the first one stays. Other numbers are a conflict: it is\n"
    "                            told, with both machines, and kept out.\n"
    "  times of two machines     both stay: the first in the tables, the other as an earlier result,\n"
    "                            for `headroom compare OUT.db@EPYC OUT.db@Xeon`.\n"
    "  a trial without result    gives way to one with a result; the next sweep runs the others.\n"
    "  a workload of one name    whose settings or data differ is told and kept out.\n"
    "\n"
    "--replace lets the later file win in conflicts. What was there stays as an earlier result, as\n"
    "after `headroom sweep --rerun`, until `headroom clean`.\n"
    "\n"
    "Trained models stay where they are: OUT.db knows them by their hash, and a sweep trains again\n"
    "what it needs and does not find. --checkpoints copies them beside OUT.db, each verified.\n"
    "\n"
    "Ends with 1 where something was kept out, or a checkpoint is missing or damaged.\n"
    "\n"
    "examples:\n"
    "  headroom merge all.db shard-*.db\n"
    "  headroom merge results/results.db /mnt/server/results.db --checkpoints\n",
    run};
