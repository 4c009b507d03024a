/*
 * Names of formats; see format.h.
 */
#include "harness/table/format.h"
#include "models/base/closest_name.h"

#include <stdio.h>
#include <string.h>

static const char *const names[] = {"table", "md", "csv", "json", "jsonl"};
enum { N_FORMATS = sizeof names / sizeof *names };

bool table_format_parse(const char *name, unsigned accepted, enum table_format *out,
                        struct error *error) {
    const char *known[N_FORMATS];
    char list[64] = "";
    size_t used = 0, n = 0;
    for (int i = 0; i < N_FORMATS; i++)
        if (accepted & 1U << i) known[n++] = names[i];
    for (int i = 0; i < N_FORMATS; i++)
        if ((accepted & 1U << i) && strcmp(name, names[i]) == 0)
            return *out = (enum table_format)(1U << i), true;
    for (size_t i = 0; i < n; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s",
                                 i == 0      ? ""
                                 : i < n - 1 ? ", "
                                             : " or ",
                                 known[i]);
    const char *guess = closest_name(name, known, n);
    return error_set(error, "--format is %s, not '%s'%s%s%s", list, name,
                     guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "");
}
