/*
 * What the store's own files share: the connection, and statements. Each text of SQL is prepared
 * once for a connection and kept, because a trial runs few different statements and most of them
 * thousands of times. Texts are constants of the program and what varies is bound, but for names of our
 * own tables and views, which SQL cannot bind.
 */
#ifndef HEADROOM_HARNESS_STORE_STORE_PRIVATE_H
#define HEADROOM_HARNESS_STORE_STORE_PRIVATE_H

#include "harness/store/store.h"
#include "harness/store/trial_lock.h"
#include "harness/table/format.h"

#include <sqlite3.h>
#include <stdio.h>

enum {
    SCHEMA_VERSION = 10, /* as in tables.sql */
    BUSY_SECONDS = 10,   /* how long a lock is waited for, unless patiently */
    STATEMENTS_KEPT = 64
};

struct store {
    sqlite3 *db;
    char *path;
    bool reader;       /* opened for reading alone */
    bool copy;         /* for plans that do not stay */
    bool plan_changes; /* the plan that was begun has written something */
    int depth;         /* of store_begin without its store_end */
    char host[256], boot_id[64], pid_namespace[64]; /* where the ids of processes mean something */
    struct trial_locks *locks;                      /* NULL: a database in memory, or a reader */
    char notice[512];                    /* what a user should know of this file; "" nothing */
    sqlite3_stmt *kept[STATEMENTS_KEPT]; /* of these, those up to n_kept; a ring once it is more */
    unsigned n_kept;
    void (*wait)(void *context, const char *who); /* store_wait_patiently; NULL: gives up */
    void *wait_context;
    double waits_since, tells_at; /* on the one clock */
};

/* UTC, ISO 8601. */
#define NOW "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"

/* An integer that is NULL below zero: results.h marks unknown counts with -1. */
#define COUNT(x) ((x) < 0 ? REAL(NAN) : INT(x))

/* A connection that reads a file as it stands. Nothing of the file is known yet. */
bool store_connect_reader(const char *path, struct store **out, struct error *error);

/* Turns the connection's last failure into one sentence with the path and the fix; returns
 * false. */
bool store_failed(struct store *store, struct error *error);

/* Plain SQL without values, of as many statements as it has; not kept. */
bool store_exec(struct store *store, const char *sql, struct error *error);

/* The kept statement of this text with its parameters bound, to be stepped, and reset by the caller
 * when it has read what it wants: a statement left in the middle holds a lock. NULL with error set
 * if it cannot be. */
sqlite3_stmt *store_statement(struct store *store, const char *sql, const struct value *values,
                              int n_values, struct error *error);

/* Steps it: *row says whether there is one more. A statement that fails, as on a damaged page, is not one
 * without rows. */
bool store_step(struct store *store, sqlite3_stmt *statement, bool *row, struct error *error);

/* A column of the row at hand; NaN for NULL. */
double store_real(sqlite3_stmt *statement, int column);

/* Runs one statement that returns no rows. */
bool store_run(struct store *store, const char *sql, const struct value *values, int n_values,
               struct error *error);

/* One column of a new row: the name stands beside the value, so that no list of values can be one
 * place off. */
struct column {
    const char *name;
    struct value value;
};

/* A list of columns as the two arguments `const struct column *, int`. */
#define COLUMNS(...)                                                                               \
    (const struct column[]){__VA_ARGS__},                                                          \
        (int)(sizeof((const struct column[]){__VA_ARGS__}) / sizeof(struct column))

/* INSERT INTO table; names are constants of the program. */
bool store_insert(struct store *store, const char *table, const struct column *columns,
                  int n_columns, struct error *error);

/* Steps a statement to its end and writes its rows. */
bool store_write_rows(struct store *store, sqlite3_stmt *statement, enum table_format format,
                      FILE *out, struct error *error);

/* The number that a query returns; -1 with error set if it fails. */
int64_t store_number(struct store *store, const char *sql, const struct value *values, int n_values,
                     struct error *error);

/* Finalizes what was kept; part of store_close. */
void store_forget_statements(struct store *store);

/* Removes what an earlier run of a training stored: its checkpoint was lost and it ran again. */
bool store_delete_results(struct store *store, int64_t id, struct error *error);

/* Sets trial.command: how a user runs it again. */
bool store_set_command(struct store *store, int64_t id, struct error *error);

/* Whether the file at this path is a checkpoint with this hash; "": of any bytes. */
enum checkpoint_state store_checkpoint_state(const char *path, const char *sha256);

/* ---- rows of another database (store_copy.c) ---- */

/* Attaches another database as `source`; outside of transactions. */
bool store_attach(struct store *store, const char *name, struct error *error);

/* The same, so that it cannot be written: for that the connection has to take names as URIs. */
bool store_attach_reader(struct store *store, const char *path, struct error *error);
bool store_detach(struct store *store, struct error *error);

/* What SQL puts into a column in place of its value in the row `x`. Lists end with a NULL. */
struct replacement {
    const char *column, *expression;
};

/* `verb` ("INSERT INTO") the rows of `from` ("source.epoch x WHERE ...") into one of our tables, every
 * column as it is there or as the replacements say. */
bool store_copy_rows(struct store *store, const char *verb, const char *table,
                     const struct replacement *replacements, const char *from,
                     const struct value *values, int n_values, struct error *error);

/* The same as SQL, for whoever copies often. */
bool store_copy_sql(struct store *store, const char *verb, const char *table,
                    const struct replacement *replacements, const char *from, struct text *sql,
                    struct error *error);

/* Notes, in temp.copied, that all which trial `from` of the source found is to be copied to trial `to`
 * here, which has none of it. */
bool store_copy_note(struct store *store, int64_t from, int64_t to, struct error *error);

/* Copies all that was noted, what its predictions are about included: table by table, which for many
 * trials takes a fraction of what it takes trial by trial. */
bool store_copy_results(struct store *store, struct error *error);

/* Removes all that a trial found, of whichever kind, and its warnings. */
bool store_forget_results(struct store *store, int64_t id, struct error *error);

/* ---- the shape of the file (store_schema.c) ---- */

/* The version of a file that is to be read: an error unless it is a Headroom database and of one that
 * this program knows. */
bool store_schema_version(struct store *store, int64_t *version, struct error *error);

/* Inside a transaction that may write: makes an empty file a Headroom database, or checks that it is
 * one, brings it to this version, and gives it the built-in views. *changed: there is something to
 * commit. */
bool store_schema_write(struct store *store, bool *changed, struct error *error);

/* Whether the file is a Headroom database of this version; one that says so and has other tables is an
 * error. */
bool store_schema_is_current(struct store *store, bool *current, struct error *error);

/* Checks that the file is a Headroom database and reads one of an earlier version as if it had been
 * brought to this one; the file stays as it is. */
bool store_schema_read(struct store *store, struct error *error);

/* Goes on with a copy of the file in memory. What the connection was told, such as functions, has to be
 * told anew. */
bool store_copy_to_memory(struct store *store, struct error *error);

/* The same without results: of a file of this version what a plan reads, of any other all that is there. */
bool store_copy_plan(struct store *store, struct error *error);

/* One view of views.sql: its name, what follows the name up to the semicolon, and the lines of comment
 * above it. */
struct built_in_view {
    const char *name, *rest, *comment;
    int name_length, rest_length, comment_length;
};

/* The next one after *at, from NULL to the first; *at is moved behind it. Each begins a line there and
 * ends one. */
bool store_next_view(const char **at, struct built_in_view *view);

/* Makes the built-in views what this connection sees under their names. */
bool store_views_shadow(struct store *store, struct error *error);

/* A view that is read once: see store_keep.c. index: columns that views above it join by; where: which of
 * its rows, the others being gone for this connection; NULL: none, all. */
struct kept_view {
    const char *name, *index, *where;
};

/* Keeps the rows of these, up to a name that is NULL, in order: a view after those that it reads. What is
 * kept already stays as it is. */
bool store_keep(struct store *store, const struct kept_view *views, struct error *error);

/* Lets a view read the rows that are kept of another, which has the same in the order of its index. */
bool store_keep_as(struct store *store, const char *view, const char *kept, struct error *error);

/* Keeps those that comparisons are asked of (comparison.c). */
bool comparison_keep(struct store *store, struct error *error);

/* Whether this one is kept. */
bool store_keeps(struct store *store, const char *view, bool *kept, struct error *error);

/* Lets go of all: the views are worked out again. */
bool store_release(struct store *store, struct error *error);

/* From now on nothing that is stored in the file, such as a view, may call a function with effects. */
void store_distrust(struct store *store);

/* Appends a CREATE statement without comments and without blanks that mean nothing, so that two
 * can be compared. */
void store_normalise_ddl(const char *sql, struct text *out);

/* ---- whose a running trial is (store_owner.c) ---- */

/* In SQL about a running trial: 'own' (this process), 'alive', 'gone', or 'elsewhere': on a machine or
 * in a container that cannot be asked, with no lock that could. */
#define OWNER "owner(key, boot_id, host, pid_namespace, pid, pid_start_ticks)"

/* Gives the connection that function and its locks, and is_locked(key) and process_start(pid). */
bool store_owner_open(struct store *store, struct error *error);

/* Takes the lock of a key for this process: *taken is false where another process has it, *locked false
 * where there are no locks, *is_new says whether it was not ours before. */
bool store_owner_take(struct store *store, const char *key, bool *taken, bool *locked, bool *is_new,
                      struct error *error);
void store_owner_drop(struct store *store, const char *key);

/* Finds out whether locks can be had, which store_notice says if not. */
bool store_owner_check(struct store *store, struct error *error);

/* False, with a sentence, for a version of SQLite that lacks what the schema needs. */
bool store_check_sqlite(int number, const char *name, struct error *error);

/* ---- locks (store_wait.c) ---- */

/* From now on a locked database is waited for. */
void store_wait_start(struct store *store);

#endif
