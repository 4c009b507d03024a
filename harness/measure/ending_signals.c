/*
 * Signals that ask a process to end; see ending_signals.h.
 */
#include "harness/measure/ending_signals.h"

#include <stddef.h>

void ending_signals(sigset_t *out) {
    static const int requests[] = {SIGINT, SIGTERM, SIGHUP};
    sigemptyset(out);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct sigaction action;
        if (sigaction(requests[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
            sigaddset(out, requests[i]);
    }
}
