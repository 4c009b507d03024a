/*
 * Waiting for a database that another program keeps locked. A result is hours of work and a lock is
 * somebody's open query, so who has the time waits as long as it takes, and says for whom; who has
 * not gives up after ten seconds. Signals are not heard while SQLite waits, so a stop that was asked
 * for ends the waiting.
 */
#include "harness/store/store_private.h"
#include "models/base/clock.h"
#include "models/base/system_file.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_SECONDS = 1, NEXT_SECONDS = 60 };

/* Whose lock is on the file, from /proc/locks. Opening the file to ask fcntl would do as well, but
 * closing it again drops the locks that SQLite has on it for this process. */
static void name_holder(const char *path, char *out, size_t size) {
    struct stat info;
    char line[256], command[64], file[64];
    FILE *locks = fopen("/proc/locks", "r");
    snprintf(out, size, "another process");
    if (locks && stat(path, &info) == 0) {
        while (fgets(line, sizeof line, locks)) {
            long pid;
            unsigned major, minor;
            unsigned long inode;
            /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
            if (sscanf(line, "%*d: %*s %*s %*s %ld %x:%x:%lu", &pid, &major, &minor, &inode) != 4 ||
                inode != info.st_ino || makedev(major, minor) != info.st_dev || pid <= 0 ||
                pid == (long)getpid())
                continue;
            snprintf(file, sizeof file, "/proc/%ld/comm", pid);
            bool named = system_line("", file, command, sizeof command);
            snprintf(out, size, "process %ld%s%s%s", pid, named ? " (" : "", named ? command : "",
                     named ? ")" : "");
            break;
        }
    }
    if (locks) fclose(locks);
}

static bool stop_is_asked_for(void) {
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
            sigismember(&pending, SIGHUP) == 1);
}

/* SQLite's busy handler: nonzero to try again. */
static int wait_for_lock(void *context, int n_tries) {
    struct store *store = context;
    double now = clock_seconds();
    const struct timespec pause = {.tv_nsec = n_tries < 20 ? 5000000 : 50000000};
    char who[128];
    if (n_tries == 0) {
        store->waits_since = now;
        store->tells_at = now + FIRST_SECONDS;
    }
    if (!store->wait && now - store->waits_since > BUSY_SECONDS) return 0;
    if (store->wait && now > store->tells_at) {
        name_holder(store->path, who, sizeof who);
        store->wait(store->wait_context, who);
        store->tells_at = now + NEXT_SECONDS;
    }
    if (stop_is_asked_for()) return 0;
    nanosleep(&pause, NULL);
    return 1;
}

void store_wait_start(struct store *store) {
    sqlite3_busy_handler(store->db, wait_for_lock, store);
}
