/*
 * Verdicts on ended processes; see verdict.h.
 */
#include "harness/sweep/verdict.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

long verdict_oom_kills(void) {
    char line[128];
    long n = 0;
    FILE *file = fopen("/proc/vmstat", "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "oom_kill %ld", &n) == 1) break;
    fclose(file);
    return n;
}

/* The last line a trial wrote, without control characters; "" if it wrote none. */
static void last_log_line(const char *path, char *out, size_t size) {
    char tail[2048];
    out[0] = '\0';
    FILE *file = fopen(path, "rb");
    if (!file) return;
    if (fseek(file, -(long)sizeof tail + 1, SEEK_END) != 0) rewind(file);
    size_t n = fread(tail, 1, sizeof tail - 1, file);
    fclose(file);
    while (n > 0 && (unsigned char)tail[n - 1] <= ' ') n--;
    tail[n] = '\0';
    char *line = memrchr(tail, '\n', n);
    line = line ? line + 1 : tail;
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ') *c = ' ';
    snprintf(out, size, "%.300s", line);
}

const char *verdict_of(const struct process_end *end, char *reason, size_t size) {
    char last[400], colon[408] = "";
    last_log_line(end->log, last, sizeof last);
    if (last[0]) snprintf(colon, sizeof colon, ": %s", last);
    if (end->timeout > 0) {
        snprintf(reason, size, "longer than %d s%s", end->timeout, colon);
        return "timeout";
    }
    if (end->stopped) {
        snprintf(reason, size, "the sweep was stopped");
        return "interrupted";
    }
    if (WIFSIGNALED(end->status)) {
        int number = WTERMSIG(end->status);
        bool memory = number == SIGKILL && verdict_oom_kills() > end->oom_kills;
        snprintf(reason, size, "%ssignal %d (%s)%s", memory ? "out of memory, " : "", number,
                 strsignal(number), colon);
        return memory ? "oom" : "killed";
    }
    if (WEXITSTATUS(end->status) == 0)
        snprintf(reason, size, "the process ended without storing a result%s", colon);
    else
        snprintf(reason, size, "exit status %d%s", WEXITSTATUS(end->status), colon);
    return "failed";
}
