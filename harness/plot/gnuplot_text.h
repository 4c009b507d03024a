/*
 * Text from a database as gnuplot reads it: a name is data and is drawn letter by letter,
 * whatever it looks like. Control characters, line breaks among them, become blanks; bytes that
 * are not UTF-8 become U+FFFD, which a font can draw and an SVG may hold.
 */
#ifndef HEADROOM_HARNESS_PLOT_GNUPLOT_TEXT_H
#define HEADROOM_HARNESS_PLOT_GNUPLOT_TEXT_H

#include "models/base/text.h"

/* Of a longer text only so many characters are drawn, and then three dots. */
enum { GNUPLOT_TEXT_MAX = 400 };

/* A string in a script: 'it'."'".'s'. Between single quotes only these mean anything to gnuplot, and
 * neither backslash, backquote, @ nor % does. NULL is ''. */
void gnuplot_literal(struct text *out, const char *value);

/* A field of a data file whose separator is the tab, without quotes around it. gnuplot reads
 * backslashes in it, and a double quote as the start of a quoted field: these two are written as
 * octal codes. NULL is NaN, which gnuplot does not draw. */
void gnuplot_field(struct text *out, const char *value);

/* A real number in a script, never a whole one: gnuplot's 1 / 2 is 0. */
void gnuplot_real(struct text *out, double value);

#endif
