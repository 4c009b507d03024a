/*
 * What a filter is; see filter.h.
 */
#include "harness/store/filter.h"

bool filter_compile(regex_t *out, const char *filter, struct error *error) {
    char why[128];
    int code = regcomp(out, filter, REG_EXTENDED | REG_NOSUB);
    if (code == 0) return true;
    regerror(code, out, why, sizeof why);
    return error_set(error, "--filter '%s' is no regular expression: %s", filter, why);
}
