/*
 * Checkpoints of merged results. A row names its file by the key and its bytes by their hash, so a copy
 * is right or wrong whoever made it: each is written under a draft's name, read back, and gets its own
 * name only if the hash is the row's. A file that is there with other bytes stays, because another
 * database of the folder may need it.
 */
#include "harness/store/store_merge_private.h"
#include "models/base/path.h"
#include "models/base/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* One that is not where a result says is told; the others are copied all the same. */
static void tell(struct merge *merge, const char *label, const char *path, const char *problem) {
    struct text text = {0};
    text_append(&text, "%s: the checkpoint of %s, %s, %s", merge->path, label, path, problem);
    if (text.data) merge->options->tell(merge->options->context, text.data);
    text_free(&text);
    merge->result->n_bad_checkpoints++;
}

static bool write_all(int out, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t written = write(out, bytes, n);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes += written;
        n -= (size_t)written;
    }
    return true;
}

/* Down to the disk: the row is there already. */
static bool write_copy(int in, int out) {
    char buffer[1 << 16];
    ssize_t n;
    while ((n = read(in, buffer, sizeof buffer)) > 0)
        if (!write_all(out, buffer, (size_t)n)) return false;
    return n == 0 && fchmod(out, 0644) == 0 && fsync(out) == 0;
}

/* *sound: what was written has the hash, and the name. False where it cannot be written. */
static bool copy_checkpoint(const char *from, const char *to, const char *sha256, bool *sound,
                            struct error *error) {
    char draft[PATH_SIZE + 16];
    *sound = false;
    snprintf(draft, sizeof draft, "%s.draft-XXXXXX", to);
    const char *reason = NULL;
    int64_t claimed;
    int in = regular_file_open(from, &claimed, &reason), out = in >= 0 ? mkstemp(draft) : -1;
    bool written = out >= 0 && write_copy(in, out);
    if (!written)
        error_set(error, "cannot copy '%s' to '%s': %s", from, to,
                  in < 0 ? reason : strerror(errno));
    if (in >= 0) close(in);
    if (out < 0) return false;
    close(out);
    *sound = written && store_checkpoint_state(draft, sha256) == CHECKPOINT_SOUND;
    if (*sound && rename(draft, to) != 0)
        written = error_set(error, "cannot put '%s' in its place: %s", to, strerror(errno));
    if (!written || !*sound) unlink(draft);
    return written;
}

/* One result: its files there and here, the hash of its row ("": from before hashes were stored). */
static bool bring(struct merge *merge, const char *key, const char *sha256, const char *label,
                  struct error *error) {
    char name[CHECKPOINT_NAME_SIZE], from[PATH_SIZE], to[PATH_SIZE];
    bool sound;
    if (!store_checkpoint_path(merge->store, key, name, to, sizeof to, error)) return false;
    if (!path_beside(merge->path, name, from, sizeof from))
        return error_set(error, "%s: too long a path", merge->path);
    if (store_checkpoint_state(to, sha256) == CHECKPOINT_SOUND) return true;
    if (access(to, F_OK) == 0) {
        tell(merge, label, to, "is there with other bytes, which stay: move that file away");
    } else if (access(from, F_OK) != 0) {
        tell(merge, label, from, "is missing: a sweep that needs it trains it again");
    } else {
        if (!copy_checkpoint(from, to, sha256, &sound, error)) return false;
        merge->result->n_checkpoints += sound;
        if (!sound)
            tell(merge, label, from,
                 "is damaged (its hash is not the one that was stored) and not copied: a sweep "
                 "that needs it trains it again");
    }
    return true;
}

bool merge_checkpoints(struct merge *merge, struct error *error) {
    char folder[PATH_SIZE];
    bool row, ok = true;
    if (path_beside(merge->store->path, "checkpoints", folder, sizeof folder)) mkdir(folder, 0777);
    sqlite3_stmt *shared = store_statement(
        merge->store,
        "SELECT o.key, coalesce(o.checkpoint_sha256, ''), "
        "printf('%s/%s/%d', (SELECT name FROM main.workload WHERE id = o.workload_id), o.arm, o.seed) "
        "FROM temp.arrival a JOIN main.trial o ON o.id = a.here "
        "JOIN source.trial s ON s.id = a.id AND s.key = o.key WHERE o.status = 'ok' "
        "AND o.checkpoint IS NOT NULL AND s.checkpoint IS NOT NULL "
        "AND o.checkpoint_sha256 IS s.checkpoint_sha256 ORDER BY o.id",
        NO_VALUES, error);
    if (!shared) return false;
    while (ok && (ok = store_step(merge->store, shared, &row, error)) && row)
        ok = bring(merge, (const char *)sqlite3_column_text(shared, 0),
                   (const char *)sqlite3_column_text(shared, 1),
                   (const char *)sqlite3_column_text(shared, 2), error);
    sqlite3_reset(shared);
    return ok;
}
