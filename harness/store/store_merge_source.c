/*
 * The file that is merged. It belongs to somebody else and may be on a disk that cannot be written, so
 * it is attached read-only. SQLite reads a file so only if nothing has to be done to it first. One of
 * an earlier version needs its migrations; one whose writer was killed needs its journal rolled back,
 * and a write-ahead log on such a disk needs an index beside it. These are copied into a temporary
 * folder, where all of that is done as for any file of ours.
 */
#include "harness/store/store_merge_private.h"
#include "models/base/path.h"
#include "models/base/regular_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

/* After a failure: it cannot be read as it stands, and its copy will tell whether it is sound. */
static bool needs_a_copy(const struct store *reader) {
    int code = sqlite3_errcode(reader->db);
    return code == SQLITE_READONLY || code == SQLITE_CANTOPEN;
}

bool store_merge_check(const char *into, const char *path, struct error *error) {
    struct stat own, other;
    struct store *reader;
    struct error problem;
    int64_t version;
    if (stat(path, &other) != 0 || access(path, R_OK) != 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    if (stat(into, &own) == 0 && own.st_dev == other.st_dev && own.st_ino == other.st_ino)
        return error_set(error,
                         "'%s' is the database that the others are merged into, which is named "
                         "first, and cannot be one of these",
                         path);
    if (!S_ISREG(other.st_mode)) return error_set(error, "%s: not a file", path);
    if (!store_connect_reader(path, &reader, error)) return false;
    bool ok = store_schema_version(reader, &version, &problem);
    ok = ok || needs_a_copy(reader);
    store_close(reader);
    if (!ok) *error = problem;
    return ok;
}

/* ---- copies ---- */

static bool copy_file(const char *from, const char *to, struct error *error) {
    char buffer[1 << 16];
    ssize_t n = -1;
    const char *reason;
    int64_t claimed;
    int in = regular_file_open(from, &claimed, &reason);
    if (in < 0) return error_set(error, "%s: %s", from, reason);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    while (out >= 0 && (n = read(in, buffer, sizeof buffer)) > 0)
        if (write(out, buffer, (size_t)n) != n) break;
    bool ok = n == 0 || error_set(error, "cannot copy '%s' to '%s': %s", from, to, strerror(errno));
    if (out >= 0) close(out);
    close(in);
    return ok;
}

/* The file with what SQLite may need to make it whole. */
static bool copy_files(const char *path, const char *copy, struct error *error) {
    static const char *const endings[] = {"", "-journal", "-wal"};
    char from[PATH_SIZE], to[PATH_SIZE];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(to, sizeof to, "%s%s", copy, endings[i]);
        if (snprintf(from, sizeof from, "%s%s", path, endings[i]) >= (int)sizeof from)
            return error_set(error, "%s: too long a path", path);
        if ((i == 0 || access(from, F_OK) == 0) && !copy_file(from, to, error)) return false;
    }
    return true;
}

/* What a connection sees, page by page: others may write the file meanwhile. */
static bool copy_pages(struct store *reader, const char *copy, struct error *error) {
    sqlite3 *to = NULL;
    sqlite3_backup *backup = NULL;
    if (sqlite3_open(copy, &to) == SQLITE_OK)
        backup = sqlite3_backup_init(to, "main", reader->db, "main");
    if (backup) sqlite3_backup_step(backup, -1);
    bool ok = backup && sqlite3_backup_finish(backup) == SQLITE_OK;
    if (!ok)
        error_set(error, "cannot copy '%s' to '%s': %s", reader->path, copy, sqlite3_errmsg(to));
    sqlite3_close(to);
    return ok;
}

/* A file of ours from now on: opening it to be written undoes, migrates and checks. */
static bool make_sound(const char *copy, const char *path, struct error *error) {
    struct store *store;
    if (!store_open(copy, &store, error)) return error_prefix(error, "a copy of '%s'", path);
    store_close(store);
    return true;
}

/* Whether the file can be read as it stands; a copy of it is made if not. */
static bool find_file(const char *path, const char *copy, bool *copied, struct error *error) {
    struct store *reader;
    struct error problem;
    int64_t version;
    if (!store_connect_reader(path, &reader, error)) return false;
    bool ok = store_schema_version(reader, &version, &problem);
    bool unsound = !ok && needs_a_copy(reader);
    *copied = unsound || (ok && version < SCHEMA_VERSION);
    if (!ok && !unsound) *error = problem;
    if (unsound)
        ok = copy_files(path, copy, error);
    else if (*copied)
        ok = copy_pages(reader, copy, error);
    else
        ok = ok && store_schema_read(reader, error);
    store_close(reader);
    return ok && (!*copied || make_sound(copy, path, error));
}

/* ---- attaching ---- */

bool merge_source_attach(struct store *store, const char *path, struct temporary *copy,
                         struct error *error) {
    char name[sizeof copy->path + 16];
    bool copied;
    if (!temporary_make(copy, error)) return false;
    snprintf(name, sizeof name, "%s/source.db", copy->path);
    return find_file(path, name, &copied, error) &&
           store_attach_reader(store, copied ? name : path, error);
}

void merge_source_blame(const char *path, struct error *error) {
    struct store *reader;
    struct error problem = {0};
    if (!store_connect_reader(path, &reader, &problem)) return;
    if (!store_check(reader, &problem)) *error = problem;
    store_close(reader);
}

/* ---- beside it ---- */

bool merge_count_waiting(struct merge *merge, struct error *error) {
    char folder[PATH_SIZE];
    bool ok = true;
    if (!path_beside(merge->path, "pending/", folder, sizeof folder)) return true;
    DIR *entries = opendir(folder);
    if (!entries) return true; /* most often there is none */
    for (struct dirent *entry; ok && (entry = readdir(entries));) {
        char key[65];
        size_t length = strlen(entry->d_name);
        if (length != 67 || strcmp(entry->d_name + 64, ".db") != 0) continue;
        snprintf(key, sizeof key, "%.64s", entry->d_name);
        int64_t n = store_number(merge->store,
                                 "SELECT count(*) FROM source.trial WHERE key = ?1 "
                                 "AND status <> 'ok'",
                                 VALUES(TEXT(key)), error);
        ok = n >= 0;
        if (ok) merge->result->n_waiting += n;
    }
    closedir(entries);
    return ok;
}
