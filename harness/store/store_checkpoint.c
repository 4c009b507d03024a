/*
 * Checkpoints as the database knows them: where their files are, and whether they are still what
 * was written. A row says nothing about places: the path follows from the key, so that a database
 * that comes from elsewhere cannot make a trial write outside the folder beside it.
 */
#include "harness/config/trial_key.h"
#include "harness/store/store_private.h"
#include "models/base/path.h"
#include "models/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* By key: databases in one folder number their trials alike. */
bool store_checkpoint_path(const struct store *store, const char *key,
                           char name[CHECKPOINT_NAME_SIZE], char *path, size_t size,
                           struct error *error) {
    if (!trial_key_require(key, error)) return false;
    snprintf(name, CHECKPOINT_NAME_SIZE, "checkpoints/%.16s.safetensors", key);
    return path_beside(store->path, name, path, size) ||
           error_set(error, "%s: too long a path", store->path);
}

/* What follows the name of a checkpoint in the name of a file that belongs to it; NULL: none is. */
static const char *after_checkpoint(const char *name, char key[17]) {
    static const char ending[] = ".safetensors";
    if (strspn(name, "0123456789abcdef") != 16 ||
        strncmp(name + 16, ending, sizeof ending - 1) != 0)
        return NULL;
    snprintf(key, 17, "%.16s", name);
    return name + 16 + sizeof ending - 1;
}

bool store_is_draft(const char *name, char key[17]) {
    const char *rest = after_checkpoint(name, key);
    return rest && (strstr(rest, ".draft-") || strncmp(rest, ".candidate-", 11) == 0);
}

bool store_is_state(const char *name, char key[17]) {
    const char *rest = after_checkpoint(name, key);
    return rest && strncmp(rest, ".stage-", 7) == 0 && !strstr(rest, ".draft-");
}

bool store_has_result(struct store *store, const char *key_prefix) {
    struct error ignored;
    return store_number(store,
                        "SELECT coalesce(min(status = 'ok'), 0) FROM trial "
                        "WHERE substr(key, 1, 16) = ?1",
                        VALUES(TEXT(key_prefix)), &ignored) == 1;
}

/* What cannot be read for another reason than what it holds is not called damaged: whoever needs it
 * says why. Of a training from before hashes were stored only the layout can be checked. */
enum checkpoint_state store_checkpoint_state(const char *path, const char *sha256) {
    struct checkpoint *file;
    struct error ignored;
    char found[65];
    if (access(path, R_OK) != 0) return errno == ENOENT ? CHECKPOINT_GONE : CHECKPOINT_SOUND;
    if (!checkpoint_open(path, &file, &ignored)) return CHECKPOINT_DAMAGED;
    bool sound =
        !sha256[0] || (checkpoint_sha256(file, found, &ignored) && strcmp(found, sha256) == 0);
    checkpoint_close(file);
    return sound ? CHECKPOINT_SOUND : CHECKPOINT_DAMAGED;
}

bool store_replan_lost_checkpoint(struct store *store, int64_t id, enum checkpoint_state *state,
                                  struct error *error) {
    struct trial_row row;
    char name[CHECKPOINT_NAME_SIZE], path[4096];
    *state = CHECKPOINT_SOUND;
    if (!store_load_trial(store, id, &row, error)) return false;
    bool ok = true;
    if (strcmp(row.status, "ok") == 0 && row.checkpoint[0]) {
        ok = store_checkpoint_path(store, row.key, name, path, sizeof path, error);
        if (ok) *state = store_checkpoint_state(path, row.checkpoint_sha256);
    }
    trial_row_free(&row);
    if (*state == CHECKPOINT_SOUND) return ok;
    return store_run(store,
                     "UPDATE trial SET status = 'planned', started_at = NULL, "
                     "finished_at = NULL WHERE id = ?1",
                     VALUES(INT(id)), error);
}
