/*
 * The results database. It is the only thing that the planner, the trial processes and the figures
 * share: the planner writes rows of status `planned`, each trial process claims its own row and
 * commits everything it found in one transaction, so that a killed process loses nothing finished
 * and leaves nothing half written. results/tables.sql describes the tables. All writing goes
 * through BEGIN IMMEDIATE with a busy timeout; every function that can fail says which file and
 * what to do.
 */
#ifndef HEADROOM_HARNESS_STORE_STORE_H
#define HEADROOM_HARNESS_STORE_STORE_H

#include "harness/measure/environment.h"
#include "harness/record/bench_table.h"
#include "harness/record/ceiling.h"
#include "harness/record/results.h"
#include "harness/store/value.h"

#include <sys/types.h>

struct store;

/* Opens the database at path for writing: creates the file, its folder and schema, brings a file of
 * an earlier version to this one, and proves that results can be stored there. Of folders only the
 * last is made: the rest of a mistyped path is an error. ":memory:" is a database that goes away with
 * the store. Refuses a file that is not ours, whose version this program does not know, or whose
 * tables are not what its version says. */
bool store_open(const char *path, struct store **out, struct error *error);

/* The same, and from the start a database that another program keeps locked is waited for as long as it
 * takes, or until SIGINT or SIGTERM is pending, instead of ten seconds. `tell` hears after a second and
 * then every minute who keeps it: "process 4711 (sqlite3)". It must not use this store. */
bool store_open_patiently(const char *path, void (*tell)(void *context, const char *who),
                          void *context, struct store **out, struct error *error);

/* The same for what runs one trial, which asks nothing of a view: making sixty of them visible takes longer
 * than a tiny trial. Whoever asks one opens the file another time. */
bool store_open_trial(const char *path, void (*tell)(void *context, const char *who), void *context,
                      struct store **out, struct error *error);

/* The same on a copy in memory, which goes away with the store: for showing what would be. */
bool store_open_copy(const char *path, struct store **out, struct error *error);

/* A copy without results, for planning: workloads, trials and environments. */
bool store_open_plan(const char *path, struct store **out, struct error *error);

/* Opens it for reading alone: a file or folder that cannot be written, a full disk and another
 * program's write lock are no hindrance. A file of an earlier version is read as if it had been brought
 * to this one. */
bool store_open_reader(const char *path, struct store **out, struct error *error);

/* Looks for damaged pages, for some seconds at most: a file of gigabytes may pass although a page that
 * was not reached is damaged. That one is an error when it is read. */
bool store_check(struct store *store, struct error *error);

/* What a user should know of the file; "" if there is nothing. */
const char *store_notice(const struct store *store);

void store_close(struct store *store); /* NULL is fine */

/* ---- transactions ---- */

/* What is changed between the two is one transaction: all of it is there in the end, or nothing. They
 * nest, so that functions with a transaction of their own can be called many times in one. */
bool store_begin(struct store *store, struct error *error);

/* Commits if ok, else rolls back and keeps the error that is set; returns whether it is committed. An
 * inner one only hands on `ok`, and whoever gets false must end the outer one with it. */
bool store_end(struct store *store, bool ok, struct error *error);

/* ---- planning: one transaction from begin to end ---- */

struct workload_plan {
    const char *name, *summary, *granularity;
    const char *file;   /* real path, so that it names the file from any folder */
    const char *corpus; /* NULL: none */
};

struct trial_plan {
    int64_t workload_id;
    const char *kind;      /* "train" | "profile" | "again" */
    const char *key;       /* hash of all that decides the result */
    int64_t base_trial_id; /* whose checkpoint it needs: a profile's training, a training's base; 0:
                              nobody's */
    const char *arm, *policy;
    double cost_weight; /* NaN: the policy has no budget cost */
    int base_heads, layers, dim;
    int64_t seed;
    const char *config;    /* resolved configuration, JSON */
    double expected_flops; /* NaN: unknown */
    const char *device;    /* "cpu" | "cuda"; NULL: the CPU */
    const char *precision; /* "fp32" | "tf32" | "bf16"; NULL: fp32 */
};

bool store_begin_plan(struct store *store, struct error *error);

/* The file that the workload of this name was planned from; "" if there is no such workload. */
bool store_workload_file(struct store *store, const char *name, char *file, size_t size,
                         struct error *error);

/* Inserts or updates a workload and takes its trials out of the current plan; those planned again
 * by store_plan_trial come back. So plan every trial of a workload, and filter what to run
 * later. */
bool store_plan_workload(struct store *store, const struct workload_plan *plan, int64_t *id,
                         struct error *error);

/* Inserts a trial or finds the one with the same workload and key; makes it current and refreshes
 * its names, never its results. status_out: "planned" for a new one. Planning the same key twice in
 * one plan is an error that names both arms. */
bool store_plan_trial(struct store *store, const struct trial_plan *plan, int64_t *id,
                      char status_out[16], struct error *error);

/* Inside a plan, after all trials of a workload: how many results it had that are of other settings
 * than those of this plan, and so no longer current. Negative on error. */
int64_t store_hidden(struct store *store, int64_t workload_id, struct error *error);

/* Inside a plan, before store_plan_trial: takes the key of an ok trial away from it, so that a new
 * row is planned in its place. What it found stays under KEY.1, KEY.2, ..., in no plan.
 * code_sha256: only if it was made by other code; NULL: in any case. running: also one that a
 * process is at. */
bool store_retire_trial(struct store *store, int64_t workload_id, const char *key,
                        const char *code_sha256, bool running, bool *retired, struct error *error);

/* Inside a plan, for data that is absent and so cannot enter the key: replaces `key` by that of the
 * stored trial with the same configuration, if there is one. The one that was current comes first,
 * unless it was only skipped, then one with results, then the latest. */
bool store_known_key(struct store *store, int64_t workload_id, const char *kind, const char *config,
                     char key[65], struct error *error);

/* Commits the plan, or forgets it (dry run, error). A plan that changes nothing leaves the file as
 * it is, to the byte. */
bool store_end_plan(struct store *store, bool commit, struct error *error);

/* ---- the life of a trial ---- */

/* One trial as it stands. Strings are owned by the row; those absent in the database are "". */
struct trial_row {
    int64_t id, base_trial_id, workload_id; /* base_trial_id 0: none */
    char kind[16], status[16];
    char *key; /* hash of all that decides the result */
    char *workload, *arm, *policy, *config, *reason, *command, *checkpoint, *data_sha256;
    char *checkpoint_sha256; /* of the file's bytes; "" where it was not stored */
    int64_t seed;
    double expected_flops, wall_seconds; /* NaN: unknown */
};

struct trial_list {
    struct trial_row *rows;
    size_t n;
};

/* All current trials in planned order, or those with one status (status not NULL). */
bool store_list_trials(struct store *store, const char *status, struct trial_list *out,
                       struct error *error);
void trial_list_free(struct trial_list *list);

bool store_load_trial(struct store *store, int64_t id, struct trial_row *out, struct error *error);
void trial_row_free(struct trial_row *row);

/* The row of this environment, inserted if new. machine: one line for captions. json: the rest. */
bool store_environment(struct store *store, const char *hash, const char *host, const char *machine,
                       const char *json, int64_t *id, struct error *error);

/* The same from what environment_read found. */
bool store_machine(struct store *store, const struct environment *environment, int64_t *id,
                   struct error *error);

/* The version of SQLite in this process. */
const char *store_library(void);

/* Makes the trial running under pid (the calling process as a rule), which holds its lock from then on
 * until the store is closed or the process ends, and clears what an earlier attempt left. Error if it
 * is ok already or another process has it. environment_id 0: unknown. */
bool store_claim(struct store *store, int64_t id, pid_t pid, int64_t environment_id,
                 struct error *error);

/* Who runs a trial, for a message: "pid 4711 on host a since 2026-07-18 12:03 UTC", with the way out if
 * that cannot be known to live. "another process" if its row does not say. */
bool store_describe_owner(struct store *store, int64_t id, char *out, size_t size,
                          struct error *error);

/* Whether a process may be running a trial, of any database in this folder, whose key begins so. */
bool store_may_run(const struct store *store, const char *key_prefix);

/* Write all results of a trial and set it ok, in one transaction, in place of those of an earlier
 * run; NaN becomes NULL. Executed and
 * closed-form FLOPs that differ are an error and nothing is stored. */
bool store_finish_training(struct store *store, int64_t id, const struct training_result *result,
                           struct error *error);
bool store_finish_profiling(struct store *store, int64_t id, const struct profiling_result *result,
                            struct error *error);

/* Stores how far a trial is that this process runs, for whoever looks meanwhile. A database that is
 * locked, or any other trouble, is no reason to stop or to wait: false, and the next one tells more. */
bool store_progress(struct store *store, int64_t id, const struct training_progress *progress);

/* What a running trial last told; false if it told nothing yet, or cannot be asked without waiting. */
bool store_read_progress(struct store *store, int64_t id, struct training_progress *out);

/* Ends a planned or running trial as failed, killed, timeout, oom, skipped or interrupted. A trial
 * that has ended already keeps what it said: the process that knows most reports first. One that
 * another process has stays as it is. */
bool store_end_trial(struct store *store, int64_t id, const char *status, const char *reason,
                     struct error *error);

/* Makes an ok training planned again whose checkpoint is not what it wrote, and says in *state what
 * became of that. What it found stays until the new results take its place. */
enum checkpoint_state { CHECKPOINT_SOUND, CHECKPOINT_GONE, CHECKPOINT_DAMAGED };
bool store_replan_lost_checkpoint(struct store *store, int64_t id, enum checkpoint_state *state,
                                  struct error *error);

/* Where the checkpoint of the trial with this key is: its name relative to the folder of the
 * database, and that as a path. Error if the key is none. */
enum { CHECKPOINT_NAME_SIZE = 48 };
bool store_checkpoint_path(const struct store *store, const char *key,
                           char name[CHECKPOINT_NAME_SIZE], char *path, size_t size,
                           struct error *error);

/* Whether a file of the folder of checkpoints is what a training has not finished: a draft, or the
 * weights of a candidate. The first digits of its trial's key come out. Copies that a user makes have
 * other names. */
bool store_is_draft(const char *name, char key[17]);

/* Whether it is where an unfinished training stands (harness/trial/stage_state.h). */
bool store_is_state(const char *name, char key[17]);

/* Whether every trial whose key begins so is ok, and there is one. */
bool store_has_result(struct store *store, const char *key_prefix);

/* Makes a trial that ended without results planned again. */
bool store_retry(struct store *store, int64_t id, struct error *error);

/* Trials found running although their process is gone become interrupted; with take_over also those of
 * which that cannot be known, because they have no lock and ran on another machine or in another
 * container. store_notice says it if this disk has no locks. */
bool store_recover(struct store *store, bool take_over, int *n_recovered, struct error *error);

bool store_warning(struct store *store, int64_t trial_id, const char *text, struct error *error);

/* Stores one run of the bench in one transaction; NaN becomes NULL. */
bool store_bench(struct store *store, int64_t environment_id, const struct bench_table *table,
                 struct error *error);

/* What bounds a phase on the machine of this environment: the best that was ever seen of each. It is
 * fresh when it was measured within the last minute, and is to be measured again where it is not. */
bool store_ceiling_is_fresh(struct store *store, int64_t environment_id, bool *fresh,
                            struct error *error);
bool store_ceiling(struct store *store, int64_t environment_id, const struct ceiling *ceiling,
                   struct error *error);

/* ---- what is no longer needed ---- */

struct clean_result {
    int64_t n_trials; /* of no plan: of edited files, or made again */
    int n_checkpoints, n_drafts;
    int64_t checkpoint_bytes, draft_bytes;
};

/* Removes trials of no plan with all they found, and of the folder checkpoints/ beside the database
 * the files of no trial and the drafts that nobody writes any more. Databases in one folder share
 * checkpoints: what any of them needs stays. dry_run: only counts. */
bool store_clean(struct store *store, bool dry_run, struct clean_result *out, struct error *error);

/* ---- reading ---- */

/* Runs one SELECT with its parameters bound and calls row for each result; text NULL where the value
 * is NULL. The callback returns false to stop. SQL that knows tables has its home in this room; from
 * outside, queries are about views. */
bool store_query(struct store *store, const char *sql, const struct value *values, int n_values,
                 bool (*row)(void *context, int n, const char *const *names,
                             const char *const *texts),
                 void *context, struct error *error);

/* The same with the types of the values (harness/table/rows.h), and for SQL that reads all there is, as
 * that of a figure does. Texts are borrowed until the callback returns. */
struct cell;
bool store_query_cells(struct store *store, const char *sql, const struct value *values,
                       int n_values,
                       bool (*row)(void *context, size_t n, const char *const *names,
                                   const struct cell *cells),
                       void *context, struct error *error);

#endif
