/*
 * The trial's side of taking turns; the sweep's side is in sweep.c.
 */
#include "harness/measure/turn.h"
#include "harness/measure/process.h"
#include "models/base/system_file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void turn_wait(void) {
    if (getenv(TURN_VARIABLE)) raise(SIGSTOP);
}

/* The fourth word of /proc/loadavg: "0.20 0.18 0.12 1/80 11206" has one thread running, the one
 * that reads. */
int turn_others_running_beside(const char *root, pid_t sweep) {
    char line[96];
    int running;
    struct process process;
    if (!system_line(root, "/proc/loadavg", line, sizeof line) ||
        sscanf(line, "%*f %*f %*f %d/", &running) != 1) /* NOLINT(cert-err34-c): the kernel's own */
        return -1;
    int ours = 1 + (sweep > 0 && process_read(sweep, &process) && process.state == 'R');
    return running > ours ? running - ours : 0;
}

int turn_others_running(void) {
    return turn_others_running_beside("", getenv(TURN_VARIABLE) ? getppid() : 0);
}
