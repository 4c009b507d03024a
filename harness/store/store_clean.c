/*
 * What a database no longer needs: trials of no plan with all they found, and files beside it that
 * belong to no trial. Checkpoints have their names by the keys of trials, so databases in one
 * folder share them: what any of these needs stays. Only files with names that this program gives
 * are ever removed, and while the database is locked, so that no process comes to need one
 * meanwhile.
 */
#include "harness/store/store_private.h"
#include "models/base/path.h"
#include "models/base/regular_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, KEY_DIGITS = 16 };

/* ---- rows ---- */

#define OF_TRIAL      "WHERE trial_id IN (SELECT id FROM temp.old_trial)"
#define STAYS         "id NOT IN (SELECT id FROM temp.old_trial) AND "
#define OF_EVALUATION "WHERE evaluation_id IN (SELECT id FROM evaluation " OF_TRIAL ")"
#define OF_PROFILE    "WHERE profile_id IN (SELECT id FROM profile " OF_TRIAL ")"

/* A trial of no plan stays where one of a plan starts from it, or a process is at it. */
static bool delete_old_trials(struct store *store, int64_t *n, struct error *error) {
    static const char *const statements[] = {
        "PRAGMA defer_foreign_keys = ON", /* old trials may start from each other */
        "CREATE TEMP TABLE old_trial AS WITH RECURSIVE kept (id) AS ("
        "SELECT id FROM trial WHERE current = 1 OR status = 'running' "
        "UNION SELECT base_trial_id FROM trial JOIN kept USING (id) "
        "WHERE base_trial_id IS NOT NULL) "
        "SELECT id FROM trial WHERE id NOT IN (SELECT id FROM kept)",
        "DELETE FROM prediction " OF_EVALUATION,
        "DELETE FROM layer_budget " OF_EVALUATION,
        "DELETE FROM head_usage " OF_EVALUATION,
        "DELETE FROM class_head_usage " OF_EVALUATION,
        "DELETE FROM evaluation " OF_TRIAL,
        "DELETE FROM phase " OF_PROFILE,
        "DELETE FROM profile_block " OF_PROFILE,
        "DELETE FROM profile_sample " OF_PROFILE,
        "DELETE FROM counter " OF_PROFILE,
        "DELETE FROM energy " OF_PROFILE,
        "DELETE FROM profile " OF_TRIAL,
        "DELETE FROM epoch " OF_TRIAL,
        "DELETE FROM tuning " OF_TRIAL,
        "DELETE FROM training_phase " OF_TRIAL,
        "DELETE FROM memory " OF_TRIAL,
        "DELETE FROM warning " OF_TRIAL,
        "DELETE FROM class WHERE data_sha256 NOT IN (SELECT data_sha256 FROM trial WHERE " STAYS
        "data_sha256 IS NOT NULL)",
        "DELETE FROM input WHERE sources_sha256 NOT IN (SELECT sources_sha256 FROM trial "
        "WHERE " STAYS "sources_sha256 IS NOT NULL)",
        "DELETE FROM trial WHERE id IN (SELECT id FROM temp.old_trial)"};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (!store_exec(store, statements[i], error)) return false;
    *n = sqlite3_changes(store->db);
    return store_exec(store, "DROP TABLE temp.old_trial", error);
}

/* ---- files ---- */

/* A checkpoint, what was left over from writing one, or where an unfinished training stands. */
enum kind { CHECKPOINT, DRAFT, STATE };

struct file {
    char name[64], key[KEY_DIGITS + 1];
    enum kind kind;
    bool needed;
    int64_t bytes;
};

struct files {
    char folder[PATH_SIZE]; /* with a slash at its end */
    struct file *file;      /* [n] */
    size_t n;
};

/* False for a name that this program does not give. */
static bool read_name(const char *name, struct file *out) {
    static const char ending[] = ".safetensors";
    *out = (struct file){0};
    if (strlen(name) >= sizeof out->name || strspn(name, "0123456789abcdef") != KEY_DIGITS ||
        strncmp(name + KEY_DIGITS, ending, strlen(ending)) != 0)
        return false;
    memcpy(out->name, name, strlen(name));
    memcpy(out->key, name, KEY_DIGITS);
    const char *rest = name + KEY_DIGITS + strlen(ending);
    if (*rest == '\0') return true;
    out->kind = store_is_state(name, out->key) ? STATE : DRAFT;
    return out->kind == STATE || store_is_draft(name, out->key);
}

static bool add_file(struct files *files, const struct file *file, struct error *error) {
    struct file *grown = realloc(files->file, (files->n + 1) * sizeof *grown);
    if (!grown) return error_set(error, "out of memory listing checkpoints");
    files->file = grown;
    files->file[files->n++] = *file;
    return true;
}

static bool list_files(const struct store *store, struct files *out, struct error *error) {
    struct stat info;
    struct file file;
    bool ok = true;
    if (!path_beside(store->path, "checkpoints/", out->folder, sizeof out->folder))
        return error_set(error, "%s: too long a path", store->path);
    DIR *folder = opendir(out->folder);
    if (!folder) return errno == ENOENT || error_set(error, "%s: %s", out->folder, strerror(errno));
    for (struct dirent *entry; ok && (entry = readdir(folder));) {
        if (!read_name(entry->d_name, &file) ||
            fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(info.st_mode))
            continue;
        file.bytes = info.st_size;
        ok = add_file(out, &file, error);
    }
    closedir(folder);
    return ok;
}

/* A checkpoint is needed as long as its trial has a row, a draft as long as a process writes it,
 * and a state until its trial has its result. */
static bool mark_needed(struct store *store, struct files *files, struct error *error) {
    for (size_t i = 0; i < files->n; i++) {
        struct file *file = &files->file[i];
        if (file->needed) continue;
        int64_t needed =
            store_number(store,
                         "SELECT EXISTS (SELECT 1 FROM trial WHERE substr(key, 1, 16) = "
                         "?1 AND CASE ?2 WHEN 0 THEN 1 WHEN 1 THEN status = 'running' "
                         "ELSE status <> 'ok' END)",
                         VALUES(TEXT(file->key), INT(file->kind)), error);
        if (needed < 0) return false;
        file->needed = needed;
    }
    return true;
}

/* Whether a file begins as a database of Headroom does (SQLite's header, application_id in it). */
static bool is_database(const char *path) {
    unsigned char header[72] = {0};
    const char *ignored;
    int64_t claimed;
    FILE *file = regular_file_stream(path, &claimed, &ignored);
    if (!file) return false;
    bool whole = fread(header, 1, sizeof header, file) == sizeof header;
    fclose(file);
    return whole && memcmp(header, "SQLite format 3", 16) == 0 &&
           memcmp(header + 68, "HEAD", 4) == 0;
}

/* One that cannot be asked what it needs is an error, before anything is removed. */
static bool mark_needed_by(const char *path, struct files *files, struct error *error) {
    struct store *other;
    if (!store_open_reader(path, &other, error))
        return error_prefix(error, "checkpoints are shared with a database that cannot be read");
    bool ok = mark_needed(other, files, error);
    store_close(other);
    return ok;
}

static bool mark_needed_by_neighbours(const struct store *store, struct files *files,
                                      struct error *error) {
    char path[PATH_SIZE];
    struct stat own, info;
    bool ok = true;
    if (files->n == 0) return true;
    path_beside(store->path, "", path, sizeof path);
    DIR *folder = opendir(path[0] ? path : ".");
    if (!folder || stat(store->path, &own) != 0) {
        ok = error_set(error, "the folder of %s: %s", store->path, strerror(errno));
        if (folder) closedir(folder);
        return ok;
    }
    for (struct dirent *entry; ok && (entry = readdir(folder));)
        if (path_beside(store->path, entry->d_name, path, sizeof path) && stat(path, &info) == 0 &&
            S_ISREG(info.st_mode) && (info.st_ino != own.st_ino || info.st_dev != own.st_dev) &&
            is_database(path))
            ok = mark_needed_by(path, files, error);
    closedir(folder);
    return ok;
}

static bool remove_files(const struct files *files, struct error *error) {
    char path[PATH_SIZE + 64];
    for (size_t i = 0; i < files->n; i++) {
        snprintf(path, sizeof path, "%s%s", files->folder, files->file[i].name);
        if (!files->file[i].needed && unlink(path) != 0 && errno != ENOENT)
            return error_set(error, "%s: %s", path, strerror(errno));
    }
    return true;
}

static void count_files(const struct files *files, struct clean_result *out) {
    for (size_t i = 0; i < files->n; i++) {
        const struct file *file = &files->file[i];
        if (file->needed) continue;
        *(file->kind ? &out->n_drafts : &out->n_checkpoints) += 1;
        *(file->kind ? &out->draft_bytes : &out->checkpoint_bytes) += file->bytes;
    }
}

bool store_clean(struct store *store, bool dry_run, struct clean_result *out, struct error *error) {
    struct files files = {0};
    *out = (struct clean_result){0};
    if (!store_begin(store, error)) return false;
    bool ok = delete_old_trials(store, &out->n_trials, error) && list_files(store, &files, error) &&
              mark_needed(store, &files, error) &&
              mark_needed_by_neighbours(store, &files, error) &&
              (dry_run || remove_files(&files, error));
    if (ok && !dry_run && store->locks) trial_locks_clean(store->locks);
    bool committed = store_end(store, ok && !dry_run, error);
    ok = ok && (dry_run || committed);
    /* The room of what was deleted goes back to the disk. */
    if (ok && !dry_run && out->n_trials > 0) ok = store_exec(store, "VACUUM", error);
    count_files(&files, out);
    free(files.file);
    return ok;
}
