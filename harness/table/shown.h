/*
 * Lines for people that have names in them: of arms, classes, files, machines, from YAML, data and
 * databases that somebody else wrote. All of them are printed here, or in a table.
 */
#ifndef HEADROOM_HARNESS_TABLE_SHOWN_H
#define HEADROOM_HARNESS_TABLE_SHOWN_H

#include "models/base/text.h"

#include <stdarg.h>
#include <stdio.h>

/* As fprintf, but with control characters spelt out (text_append_shown). Without memory for it
 * nothing is printed. */
void shown_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What shown_print prints, behind a text. */
void shown_append(struct text *out, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
