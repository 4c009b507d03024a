/*
 * Verdicts on ended processes; see verdict.h.
 */
#include "harness/sweep/verdict.h"
#include "harness/measure/memory_bound.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

long verdict_oom_kills(void) {
    return memory_kills("/proc/vmstat");
}

const char *verdict_of(const struct process_end *end, char *reason, size_t size) {
    char colon[304] = "";
    if (end->last[0]) snprintf(colon, sizeof colon, ": %s", end->last);
    if (end->timeout > 0) {
        snprintf(reason, size, "longer than %d s%s", end->timeout, colon);
        return "timeout";
    }
    if (end->stall > 0) {
        snprintf(reason, size, "for %d s it used no processor time and wrote nothing%s%s",
                 end->stall, end->held ? " (something had stopped it)" : "", colon);
        return "timeout";
    }
    if (end->stopped) {
        snprintf(reason, size, "the sweep was stopped");
        return "interrupted";
    }
    if (WIFSIGNALED(end->status)) {
        int number = WTERMSIG(end->status);
        bool over = number == SIGKILL && end->over > 0;
        bool memory = over || (number == SIGKILL && verdict_oom_kills() > end->oom_kills);
        char bound[48] = "";
        if (over) snprintf(bound, sizeof bound, " of %.1f GiB", (double)end->over / (1 << 30));
        snprintf(reason, size, "%s%s%ssignal %d (%s)%s", memory ? "out of memory" : "", bound,
                 memory ? ", " : "", number, strsignal(number), colon);
        return memory ? "oom" : "killed";
    }
    if (WEXITSTATUS(end->status) == 0)
        snprintf(reason, size, "the process ended without storing a result%s", colon);
    else
        snprintf(reason, size, "exit status %d%s", WEXITSTATUS(end->status), colon);
    return "failed";
}
