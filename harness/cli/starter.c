/*
 * Filling in the one thing that the starter leaves open; see starter.h.
 */
#include "harness/cli/starter.h"

#include <string.h>

extern const char harness_config_starter_yaml[];

static const char placeholder[] = "@NAME@";

void starter_write(const char *name, FILE *out) {
    const char *text = harness_config_starter_yaml;
    for (const char *at; (at = strstr(text, placeholder)); text = at + strlen(placeholder))
        fprintf(out, "%.*s%s", (int)(at - text), text, name);
    fputs(text, out);
}
