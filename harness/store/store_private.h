/*
 * What the store's own files share: the connection, and a typed way to bind values, so that no SQL
 * text is ever put together from data.
 */
#ifndef HEADROOM_HARNESS_STORE_STORE_PRIVATE_H
#define HEADROOM_HARNESS_STORE_STORE_PRIVATE_H

#include "harness/store/store.h"
#include <sqlite3.h>

struct store {
    sqlite3 *db;
    char *path;
    char host[256]; /* process ids mean something on this host only */
};

enum value_kind { VALUE_INT, VALUE_REAL, VALUE_TEXT };

/* One bound value. A NaN and a NULL text become SQL NULL. */
struct value {
    enum value_kind kind;
    union {
        int64_t integer;
        double real;
        const char *text;
    } as;
};

#define INT(x)  ((struct value){.kind = VALUE_INT, .as.integer = (x)})
#define REAL(x) ((struct value){.kind = VALUE_REAL, .as.real = (x)})
#define TEXT(x) ((struct value){.kind = VALUE_TEXT, .as.text = (x)})
/* An integer that is NULL below zero: results.h marks unknown counts with -1. */
#define COUNT(x) ((x) < 0 ? REAL(NAN) : INT(x))

/* A list of values as the two arguments `const struct value *, int`. */
#define VALUES(...)                                                                                \
    (const struct value[]){__VA_ARGS__},                                                           \
        (int)(sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value))

/* Turns the connection's last failure into one sentence with the path and the fix; returns
 * false. */
bool store_failed(struct store *store, struct error *error);

/* Plain SQL without values. */
bool store_exec(struct store *store, const char *sql, struct error *error);

/* Prepares one statement and binds values to ?1, ?2, ...; NULL with error set if it cannot. */
sqlite3_stmt *store_prepare(struct store *store, const char *sql, const struct value *values,
                            int n_values, struct error *error);

/* Runs one statement that returns no rows. */
bool store_run(struct store *store, const char *sql, const struct value *values, int n_values,
               struct error *error);

/* Runs a prepared statement again with new values: for many rows of one table. */
bool store_rerun(struct store *store, sqlite3_stmt *statement, const struct value *values,
                 int n_values, struct error *error);

/* The number that a query without parameters returns; -1 with error set if it fails. */
int64_t store_number(struct store *store, const char *sql, struct error *error);

bool store_begin(struct store *store, struct error *error);
/* Commits if ok, else rolls back and keeps the error that is set; returns whether it is
 * committed. */
bool store_end(struct store *store, bool ok, struct error *error);

#endif
