/*
 * The fields of /proc/PID/stat, see proc(5).
 */
#include "harness/measure/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

bool process_read(pid_t pid, struct process *out) {
    char path[64], line[1024];
    long long user, system, waited_user, waited_system;
    int group;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool ok = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    /* The second field is the program's name in parentheses and may hold anything. */
    const char *rest = ok ? strrchr(line, ')') : NULL;
    /* NOLINTNEXTLINE(cert-err34-c): the kernel's own */
    if (!rest || sscanf(rest + 1,
                        " %c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld %lld %lld %*d %*d "
                        "%*d %*d %lld",
                        &out->state, &group, &user, &system, &waited_user, &waited_system,
                        &out->start_ticks) != 7)
        return false;
    out->group = group;
    out->cpu_ticks = user + system + waited_user + waited_system;
    return true;
}

bool process_is_gone(pid_t pid, long long start_ticks) {
    struct process process;
    if (kill(pid, 0) != 0 && errno == ESRCH) return true;
    if (!process_read(pid, &process)) return false;
    return process.state == 'Z' || (start_ticks >= 0 && process.start_ticks != start_ticks);
}
