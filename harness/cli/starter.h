/*
 * The workload file that `headroom new` writes and `headroom card` puts below a table:
 * harness/config/starter.yaml, linked in, so that it can be read and tested as the YAML that it is.
 */
#ifndef HEADROOM_HARNESS_CLI_STARTER_H
#define HEADROOM_HARNESS_CLI_STARTER_H

#include "harness/config/guess.h"

#include <stdio.h>

/* Writes it for a workload of this name, with what was guessed of its data in place of the example,
 * each setting below its reason; guess NULL: the example. */
void starter_write(const char *name, const struct guess *guess, FILE *out);

#endif
