/*
 * The formats that commands write tables in, by the names that --format has for them.
 */
#ifndef HEADROOM_HARNESS_TABLE_FORMAT_H
#define HEADROOM_HARNESS_TABLE_FORMAT_H

#include "models/base/error.h"

/* One bit each, so that a command can say which it takes. */
enum table_format {
    TABLE_ALIGNED = 1,  /* "table": columns that fit a terminal */
    TABLE_MARKDOWN = 2, /* "md" */
    TABLE_CSV = 4,
    TABLE_JSON = 8,   /* one document */
    TABLE_JSONL = 16, /* an object a line */
    TABLE_WIDE = 32,  /* as "table", however wide, and with all there is to say: --verbose */
};

/* Those for people. */
enum { TABLE_FOR_PEOPLE = TABLE_ALIGNED | TABLE_WIDE | TABLE_MARKDOWN };

/* The format of this name if it is among `accepted`; else an error that lists those. */
bool table_format_parse(const char *name, unsigned accepted, enum table_format *out,
                        struct error *error);

#endif
