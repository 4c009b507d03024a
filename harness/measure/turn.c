/*
 * The trial's side of taking turns; the sweep's side is in sweep.c.
 */
#include "harness/measure/turn.h"
#include "models/base/system_file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

void turn_wait(void) {
    if (getenv(TURN_VARIABLE)) raise(SIGSTOP);
}

/* The fourth word of /proc/loadavg: "0.20 0.18 0.12 1/80 11206" has one thread running, the one
 * that reads. */
int turn_others_running(void) {
    char line[96];
    int running;
    if (!system_line("", "/proc/loadavg", line, sizeof line) ||
        sscanf(line, "%*f %*f %*f %d/", &running) != 1) /* NOLINT(cert-err34-c): the kernel's own */
        return -1;
    return running > 1 ? running - 1 : 0;
}
