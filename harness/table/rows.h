/*
 * Rows of typed values for programs: CSV, JSON and JSON lines, written as they come, so that a
 * table may be larger than memory; and Markdown. Nothing is rounded: reading a number back gives
 * its bits.
 *
 *              NULL           empty text   text      integer  real              blob
 *     CSV      nothing        ""           "a ""b"   12       0.1 5.0 1e999     "05ff"
 *     JSON     null           ""           "a \"b"   12       0.1 5.0 1e999     "05ff"
 *     Markdown an empty cell  ""           a "b      12       0.1 5.0 1e999     05ff
 *
 * In CSV (RFC 4180: lines end in CR LF, the first has the names) every text is in quotes and
 * nothing else is, so a text "NULL", "" or "12" is none of the others. A real number is never
 * written like an integer; 1e999 is infinity, which it reads as in C, Python and SQLite, and NaN is
 * NULL. Everything is UTF-8: bytes that are none, and zero bytes, are written as U+FFFD.
 */
#ifndef HEADROOM_HARNESS_TABLE_ROWS_H
#define HEADROOM_HARNESS_TABLE_ROWS_H

#include "harness/table/table.h"
#include "models/base/text.h"

#include <stdint.h>

enum cell_kind { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT, CELL_BLOB };

struct cell {
    enum cell_kind kind;
    int64_t integer;
    double real;
    const char *bytes; /* [size] of a text or a blob; borrowed */
    size_t size;
};

/* A copy of a text, which the caller frees, and "" of anything else; NULL without memory. */
char *cell_text(const struct cell *cell);

/* One table that is being written. Starts zeroed. */
struct rows {
    enum table_format format;
    FILE *out;
    char **names; /* [n_columns] */
    size_t n_columns, n_rows;
    struct text line;   /* the one at hand */
    struct table table; /* of a format for people */
};

/* Starts a table. Two columns of one name are an error where names are keys (JSON). */
bool rows_begin(struct rows *rows, enum table_format format, FILE *out, size_t n_columns,
                const char *const *names, struct error *error);
bool rows_add(struct rows *rows, const struct cell *cells, struct error *error);
bool rows_end(struct rows *rows, struct error *error);
void rows_free(struct rows *rows);

/* The shortest of 15 to 17 digits that reads back as the same number. */
enum { REAL_TEXT_SIZE = 32 };
void real_write(double real, char out[REAL_TEXT_SIZE]);

#endif
