/*
 * A comparison as a text: tables for people, Markdown for a pull request, CSV and JSON for programs.
 */
#ifndef HEADROOM_HARNESS_COMPARE_WRITE_H
#define HEADROOM_HARNESS_COMPARE_WRITE_H

#include "harness/compare/compare.h"
#include "harness/table/format.h"

#include <stdio.h>

/* "table", "md", "csv" or "json"; an error that names them for anything else. */
bool compare_format_parse(const char *name, enum table_format *out, struct error *error);

bool compare_write(const struct side sides[2], const struct comparison *comparison,
                   enum table_format format, FILE *out, struct error *error);

#endif
