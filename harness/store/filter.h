/*
 * The option --filter, which plans, reports and figures understand in the same way: an extended regular
 * expression (POSIX) that is looked for in workload/arm, of a trial in workload/arm/seed.
 */
#ifndef HEADROOM_HARNESS_STORE_FILTER_H
#define HEADROOM_HARNESS_STORE_FILTER_H

#include "models/base/error.h"

#include <regex.h>

/* For regexec; regfree gives it back. False with `error` set where it is no regular expression: there
 * is nothing to give back then. */
bool filter_compile(regex_t *out, const char *filter, struct error *error);

#endif
