/*
 * The workload file that `headroom new` writes and `headroom card` puts below a table:
 * harness/config/starter.yaml, linked in, so that it can be read and tested as the YAML that it is.
 */
#ifndef HEADROOM_HARNESS_CLI_STARTER_H
#define HEADROOM_HARNESS_CLI_STARTER_H

#include <stdio.h>

/* Writes it for a workload of this name. */
void starter_write(const char *name, FILE *out);

#endif
