/*
 * Logs of trials; see trial_log.h.
 */
#include "harness/trial/trial_log.h"
#include "models/base/last_line.h"
#include "models/base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* How the first line of an attempt begins. */
#define ATTEMPT "==== trial "

bool trial_log_folder(const char *db, char *out, size_t size) {
    return path_beside(db, "logs", out, size);
}

bool trial_log_path(const char *db, const char *key, char *out, size_t size) {
    char name[32];
    snprintf(name, sizeof name, "logs/%.16s.log", key);
    return path_beside(db, name, out, size);
}

static void write_first_line(int log, int64_t id) {
    char at[32] = "", host[256] = "";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S UTC", &utc);
    gethostname(host, sizeof host - 1);
    dprintf(log, ATTEMPT "%" PRId64 ", %s, pid %ld on %s\n", id, at, (long)getpid(), host);
}

static void move_talk(int from, int log) {
    char buffer[4096];
    off_t at = 0;
    for (ssize_t n; (n = pread(from, buffer, sizeof buffer, at)) > 0; at += n)
        if (write(log, buffer, (size_t)n) != n) return;
    if (ftruncate(from, 0) == 0) lseek(from, 0, SEEK_SET);
}

bool trial_log_open(const char *db, const char *key, int64_t id, struct error *error) {
    char path[4096], folder[4096];
    if (!trial_log_path(db, key, path, sizeof path) || !trial_log_folder(db, folder, sizeof folder))
        return error_set(error, "%s: the path is too long", db);
    mkdir(folder, 0777);
    /* Beside a database that came with its folders a link may lead anywhere, a pipe wait for ever. */
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (log < 0) return error_set(error, "no log: %s: %s", path, strerror(errno));
    fflush(NULL);
    write_first_line(log, id);
    move_talk(STDERR_FILENO, log);
    bool ok = dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0;
    if (!ok) error_set(error, "no log: %s: %s", path, strerror(errno));
    close(log);
    return ok;
}

void trial_log_last_line(const char *path, char *out, size_t size) {
    last_line_read(path, out, size);
    if (strncmp(out, ATTEMPT, sizeof ATTEMPT - 1) == 0) out[0] = '\0';
}
