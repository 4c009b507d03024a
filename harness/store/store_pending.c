/*
 * Results that could not be stored yet. While a finished trial waits for its database it also keeps
 * what it found in a file of its own, pending/KEY.db beside the database, so that hours of work do
 * not depend on the patience of whoever may end the process meanwhile; the next sweep picks it up.
 * The file is a results database of one trial: everything that writes and checks results serves it.
 */
#include "harness/store/store_pending.h"
#include "harness/store/store_private.h"
#include "models/base/path.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* Of one trial's file; with "" as its key that of the folder, which ends in a slash. */
static bool pending_path(const struct store *store, const char *key, char *out, size_t size) {
    char name[128];
    snprintf(name, sizeof name, "pending/%s%s", key, key[0] ? ".db" : "");
    return path_beside(store->path, name, out, size);
}

/* ---- keeping ---- */

/* The trial as it stands, alone in a fresh database, claimed by this process. */
static bool copy_trial(struct store *pending, const struct trial_row *row, int64_t *id,
                       struct error *error) {
    struct workload_plan workload = {
        .name = row->workload, .summary = "", .granularity = "", .file = ""};
    char status[16];
    int64_t base = 0, workload_id = 0;
    struct trial_plan plan = {.kind = "train",
                              .arm = row->arm,
                              .policy = row->policy,
                              .key = row->key,
                              .cost_weight = NAN, /* unless tuning chose one */
                              .seed = row->seed,
                              .config = row->config};
    bool ok = store_begin_plan(pending, error) &&
              store_plan_workload(pending, &workload, &workload_id, error);
    plan.workload_id = workload_id;
    if (ok && strcmp(row->kind, "train") != 0) { /* a profile refers to a training */
        struct trial_plan training = plan;
        training.key = "";
        ok = store_plan_trial(pending, &training, &base, status, error);
        plan.kind = row->kind;
        plan.base_trial_id = base;
    }
    ok = ok && store_plan_trial(pending, &plan, id, status, error);
    if (!store_end_plan(pending, ok, error) || !ok) return false;
    return store_run(pending, "UPDATE trial SET status = 'running' WHERE id = ?1", VALUES(INT(*id)),
                     error);
}

bool store_pending_write(const struct store *store, const struct trial_row *row,
                         const struct training_result *training,
                         const struct profiling_result *profiling, struct error *error) {
    char path[PATH_SIZE], draft[PATH_SIZE];
    struct store *pending = NULL;
    int64_t id;
    if (!pending_path(store, row->key, path, sizeof path) ||
        snprintf(draft, sizeof draft, "%s.draft", path) >= (int)sizeof draft)
        return error_set(error, "%s: the path is too long", store->path);
    unlink(draft);
    bool ok = store_open(draft, &pending, error) && copy_trial(pending, row, &id, error) &&
              (training ? store_finish_training(pending, id, training, error)
                        : store_finish_profiling(pending, id, profiling, error));
    store_close(pending);
    if (ok && rename(draft, path) != 0) ok = error_set(error, "%s: %s", path, strerror(errno));
    if (!ok) unlink(draft);
    return ok;
}

void store_pending_forget(const struct store *store, const char *key) {
    char path[PATH_SIZE];
    if (!pending_path(store, key, path, sizeof path)) return;
    unlink(path);
    char folder[PATH_SIZE];
    if (pending_path(store, "", folder, sizeof folder)) rmdir(folder); /* if it is empty */
}

/* ---- picking up ---- */

/* Columns of `trial` that a finished trial fills. */
#define FOUND                                                                                      \
    "status, reason, finished_at, wall_seconds, train_seconds, train_flops, parameters, steps, "   \
    "best_epoch, checkpoint, checkpoint_sha256, code_sha256, data_sha256, n_train, n_validation, " \
    "n_test, vocab, n_truncated, mean_length_tokens, unknown_share, n_dropped, n_overlap, "        \
    "n_overlap_texts, n_overlap_dropped, sources_sha256"

/* What was found becomes that of our trial, all in one transaction of the caller. */
static bool copy_results(struct store *store, int64_t id, struct error *error) {
    int64_t from = store_number(store, "SELECT max(id) FROM source.trial WHERE status = 'ok'",
                                NO_VALUES, error);
    return from > 0 && store_delete_results(store, id, error) &&
           store_copy_note(store, from, id, error) && store_copy_results(store, error) &&
           store_run(store,
                     "UPDATE main.workload SET n_classes = w.n_classes FROM source.workload w "
                     "WHERE w.n_classes IS NOT NULL AND main.workload.id = "
                     "(SELECT workload_id FROM main.trial WHERE id = ?1)",
                     VALUES(INT(id)), error) &&
           store_run(
               store,
               "UPDATE main.trial SET (" FOUND ") = (SELECT " FOUND
               " FROM source.trial p WHERE p.id = ?2), cost_weight = "
               "coalesce((SELECT cost_weight FROM source.trial p WHERE p.id = ?2), cost_weight) "
               "WHERE id = ?1",
               VALUES(INT(id), INT(from)), error);
}

/* The trial here that the attached file is about, with a result or without; 0: there is none. */
static int64_t find_target(struct store *store, bool ok, struct error *error) {
    return store_number(store,
                        "SELECT coalesce(max(t.id), 0) FROM main.trial t "
                        "JOIN main.workload w ON w.id = t.workload_id "
                        "JOIN source.trial p ON p.key = t.key AND p.kind = t.kind "
                        "JOIN source.workload v ON v.id = p.workload_id AND v.name = w.name "
                        "WHERE p.status = 'ok' AND (t.status = 'ok') = ?1",
                        VALUES(INT(ok)), error);
}

/* Databases in one folder share its pending/: what is of no trial here is left for another. */
static bool take_one(struct store *store, const char *path, int *n_taken, struct error *error) {
    struct store *check = NULL;
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISREG(info.st_mode)) /* opening it may write to it */
        return error_set(error, "%s is no regular file, so no result; remove it", path);
    if (!store_open(path, &check, error)) return false; /* is it one, and of this version? */
    store_close(check);
    if (!store_attach(store, path, error) || !store_begin(store, error)) return false;
    int64_t id = find_target(store, false, error), done = find_target(store, true, error);
    bool ok = id >= 0 && done >= 0 && (id == 0 || copy_results(store, id, error));
    ok = store_end(store, ok, error);
    struct error ignored;
    ok = store_detach(store, ok ? error : &ignored) && ok;
    if (ok && (id > 0 || done > 0)) unlink(path);
    *n_taken += ok && id > 0;
    return ok;
}

/* A draft whose trial is here and not running is what a killed process left. */
static void remove_draft(struct store *store, const char *path, const char *name) {
    char key[65];
    struct error ignored;
    snprintf(key, sizeof key, "%.64s", name);
    if (store_number(store,
                     "SELECT count(*) = count(nullif(status, 'running')) AND count(*) > 0 "
                     "FROM main.trial WHERE key = ?1",
                     VALUES(TEXT(key)), &ignored) == 1)
        unlink(path);
}

bool store_pending_take(struct store *store, int *n_taken, struct error *error) {
    char folder[PATH_SIZE], path[PATH_SIZE + 256];
    struct error problem;
    bool ok = true;
    *n_taken = 0;
    if (!pending_path(store, "", folder, sizeof folder)) return true;
    DIR *entries = opendir(folder);
    if (!entries) return true; /* most often there is none */
    for (struct dirent *entry; (entry = readdir(entries));) {
        size_t length = strlen(entry->d_name);
        if (length < 67 || strncmp(entry->d_name + 64, ".db", 3) != 0) continue;
        snprintf(path, sizeof path, "%s%s", folder, entry->d_name);
        if (length > 67) {
            remove_draft(store, path, entry->d_name);
            continue;
        }
        if (take_one(store, path, n_taken, &problem)) continue;
        if (ok) *error = problem;
        ok = false; /* the others are taken all the same */
    }
    closedir(entries);
    rmdir(folder); /* if it is empty */
    return ok;
}
