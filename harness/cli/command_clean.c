/*
 * `headroom clean`: removes what results no longer need, and says what that was.
 */
#include "harness/cli/command.h"
#include "harness/store/store.h"
#include "workloads/data/dataset_cache.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const double mebibyte = 1 << 20;

/* What was removed, or would be. */
static void print_result(const struct clean_result *r, int n_cached, int64_t cached_bytes,
                         bool dry_run) {
    const char *verb = dry_run ? "would remove" : "removed";
    if (r->n_trials > 0)
        printf("%s %" PRId64 " trial%s of no plan, with what %s found\n", verb, r->n_trials,
               PLURAL_S(r->n_trials), r->n_trials == 1 ? "it" : "they");
    if (r->n_checkpoints > 0)
        printf("%s %d checkpoint%s of no trial, %.1f MiB\n", verb, r->n_checkpoints,
               PLURAL_S(r->n_checkpoints), (double)r->checkpoint_bytes / mebibyte);
    if (r->n_drafts > 0)
        printf("%s %d left-over draft%s of checkpoints, %.1f MiB\n", verb, r->n_drafts,
               PLURAL_S(r->n_drafts), (double)r->draft_bytes / mebibyte);
    if (n_cached > 0)
        printf("%s %d cached data set%s, %.1f MiB\n", verb, n_cached, PLURAL_S(n_cached),
               (double)cached_bytes / mebibyte);
    if (r->n_trials == 0 && r->n_checkpoints == 0 && r->n_drafts == 0 && n_cached == 0)
        printf("nothing to remove\n");
}

static int run(const struct arguments *arguments, struct error *error) {
    struct store *store = NULL;
    struct clean_result result;
    bool ok = false;
    if (access(arguments->db, F_OK) != 0)
        error_set(error, "%s: %s; name a database with --db", arguments->db, strerror(errno));
    else
        ok = (arguments->dry_run ? store_open_copy : store_open)(arguments->db, &store, error) &&
             store_clean(store, arguments->dry_run, &result, error);
    store_close(store);
    if (!ok) return EXIT_FAILED;
    int n_cached;
    int64_t cached_bytes;
    dataset_cache_clear(arguments->dry_run, &n_cached, &cached_bytes);
    print_result(&result, n_cached, cached_bytes, arguments->dry_run);
    return EXIT_OK;
}

const struct command clean_command = {
    "clean",
    "remove what results no longer need",
    "",
    0,
    0,
    {"dry-run", "db"},
    "Removes from a database the trials that the latest plan of their workload does not have:\n"
    "those of a file's past, of another tier, and results that were made again (sweep --rerun).\n"
    "Removes the checkpoints beside it that no trial has any more, drafts and locks that killed\n"
    "trials left, and all cached data sets, which are made again when they are needed. What\n"
    "another database in the same folder needs stays.\n"
    "\n"
    "examples:\n"
    "  headroom clean --dry-run                 say what would be removed\n"
    "  headroom clean --db results/results.db\n",
    run};
