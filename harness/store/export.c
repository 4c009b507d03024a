/*
 * Exports; see export.h. What may be asked is decided by SQLite while it reads a statement, through
 * its authorizer, so no statement has to be understood here.
 */
#include "harness/store/export.h"
#include "harness/store/comparison.h"
#include "harness/store/report_private.h"
#include "harness/store/store_private.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/base/closest_name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading questions ---- */

/* The SELECTs of one text. */
struct questions {
    struct store *store;
    const char *sql, *file;
    sqlite3_stmt **statements; /* [n] */
    size_t n;
    bool denied; /* a statement that would do more than read */
};

static bool error_at(const struct questions *questions, const char *at, const char *text,
                     struct error *error) {
    struct location place = {questions->file, 1, 0};
    for (const char *c = questions->sql; c < at; c++) place.line += *c == '\n';
    return error_set_at(error, &place, "%s", text);
}

/* SQLite asks for each thing that a statement would do. What it says after a denial depends on its
 * version, and on where in the statement that was. */
static int allow_reading(void *context, int action, const char *a, const char *b, const char *c,
                         const char *d) {
    struct questions *questions = context;
    (void)c, (void)d;
    switch (action) {
    case SQLITE_READ: /* a PRAGMA in the form of a table is met when it runs, since 3.46 */
        questions->denied = questions->denied || (a && sqlite3_strnicmp(a, "pragma_", 7) == 0);
        return questions->denied ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return b && strcmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    default:
        questions->denied = true;
        return SQLITE_DENY;
    }
}

/* A command of the sqlite3 shell, which begins its line with a dot. */
static bool skip_command(const struct questions *questions, const char **at, struct error *error) {
    static const char *const looks[] = {"mode",      "headers", "header", "width",
                                        "separator", "timeout", "stats",  "nullvalue",
                                        "timer",     "changes", "echo"};
    const char *word = *at + 1;
    size_t length = strcspn(word, " \t\r\n");
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        if (strlen(looks[i]) != length || memcmp(word, looks[i], length) != 0) continue;
        *at += strcspn(*at, "\n");
        return true;
    }
    char text[192];
    snprintf(text, sizeof text,
             "'.%.*s' is a command of the sqlite3 shell: an export passes over those that only say "
             "how a table looks (.mode, .headers, ...) and has no others",
             (int)(length < 32 ? length : 32), word);
    return error_at(questions, *at, text, error);
}

/* Moves to where the next statement begins, or to the end. */
static bool find_statement(const struct questions *questions, const char **at,
                           struct error *error) {
    for (;;) {
        const char *c = *at;
        if (isspace((unsigned char)*c) || *c == ';') {
            ++*at;
        } else if (c[0] == '-' && c[1] == '-') {
            *at += strcspn(c, "\n");
        } else if (c[0] == '/' && c[1] == '*') {
            const char *end = strstr(c + 2, "*/");
            *at = end ? end + 2 : c + strlen(c);
        } else if (*c == '.' && (c == questions->sql || c[-1] == '\n')) {
            if (!skip_command(questions, at, error)) return false;
        } else {
            return true;
        }
    }
}

static bool read_statement(struct questions *questions, const char **at, struct error *error) {
    sqlite3 *db = questions->store->db;
    sqlite3_stmt **grown =
        realloc(questions->statements, (questions->n + 1) * sizeof *questions->statements);
    if (!grown) return error_set(error, "out of memory reading %s", questions->file);
    questions->statements = grown;
    sqlite3_stmt **statement = &grown[questions->n];
    const char *begin = *at;
    int code = sqlite3_prepare_v2(db, begin, -1, statement, at);
    if (code != SQLITE_OK && questions->denied)
        return error_at(questions, begin,
                        "an export only reads: SELECT, WITH and VALUES, without ATTACH, PRAGMA or "
                        "anything that changes the database",
                        error);
    if (code != SQLITE_OK) return error_at(questions, begin, sqlite3_errmsg(db), error);
    if (!*statement) return true; /* nothing but a byte order mark, which SQLite passes over */
    questions->n++;
    return sqlite3_stmt_readonly(*statement) ||
           error_at(questions, begin, "this statement is no question", error);
}

static bool read_questions(struct questions *questions, struct error *error) {
    const char *at = questions->sql;
    sqlite3_set_authorizer(questions->store->db, allow_reading, questions);
    bool ok = find_statement(questions, &at, error);
    while (ok && *at)
        ok = read_statement(questions, &at, error) && find_statement(questions, &at, error);
    return ok;
}

/* ---- writing ---- */

static bool check_number(const struct questions *questions, int number, enum table_format format,
                         struct error *error) {
    size_t n = questions->n;
    if (n == 0) return error_set(error, "%s holds no SELECT", questions->file);
    if (number > 0 && (size_t)number > n)
        return error_set(error, "%s holds %zu SELECT%s, so there is no --statement %d",
                         questions->file, n, PLURAL_S(n), number);
    if (number == 0 && n > 1 && format != TABLE_MARKDOWN)
        return error_set(error,
                         "%s holds %zu SELECTs, and one output of csv or jsonl is one table: say "
                         "which (--statement 1 to %zu), or take them all with --format md",
                         questions->file, n, n);
    return true;
}

bool export_query(struct store *store, const char *sql, const char *file, int number,
                  enum table_format format, FILE *out, struct error *error) {
    struct questions questions = {.store = store, .sql = sql, .file = file};
    bool ok = comparison_update(store, error) && read_questions(&questions, error) &&
              check_number(&questions, number, format, error);
    for (size_t i = 0; ok && i < questions.n; i++) {
        if (number > 0 && i + 1 != (size_t)number) continue;
        if (number == 0 && i > 0) fputc('\n', out);
        ok = store_write_rows(store, questions.statements[i], format, out, error) ||
             error_prefix(error, "%s, SELECT %zu, is not complete", file, i + 1);
    }
    for (size_t i = 0; i < questions.n; i++) sqlite3_finalize(questions.statements[i]);
    free(questions.statements);
    sqlite3_set_authorizer(store->db, NULL, NULL);
    return ok;
}

/* ---- names ---- */

/* Everything that can be asked for by a name. */
#define NAMES                                                                                      \
    "SELECT name FROM main.sqlite_schema WHERE type IN ('table', 'view')"                          \
    " AND name NOT GLOB 'sqlite_*'"                                                                \
    " UNION SELECT name FROM sqlite_temp_schema WHERE type = 'view' ORDER BY 1"

static bool check_name(struct store *store, const char *name, struct error *error) {
    struct table known = {0};
    bool ok = store_query(store, NAMES, NO_VALUES, report_collect, &known, error), found = false;
    if (ok && known.failed) ok = error_set(error, "out of memory");
    for (size_t r = 1; r < known.n_rows; r++) found |= strcmp(known.cells[r], name) == 0;
    if (ok && !found) {
        const char *guess = closest_name(name, (const char *const *)known.cells + 1,
                                         known.n_rows > 0 ? known.n_rows - 1 : 0);
        ok = error_set(error,
                       "'%s' holds no view or table '%s'%s%s%s (`headroom export --list` says what "
                       "there is; a file of SQL is named *.sql)",
                       store->path, name, guess ? ", did you mean '" : "", guess ? guess : "",
                       guess ? "'?" : "");
    }
    table_free(&known);
    return ok;
}

bool export_view(struct store *store, const char *name, enum table_format format, FILE *out,
                 struct error *error) {
    if (!check_name(store, name, error)) return false;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", name);
    bool ok = sql ? export_query(store, sql, name, 1, format, out, error)
                  : error_set(error, "out of memory");
    sqlite3_free(sql);
    return ok;
}

/* ---- the list ---- */

/* The first sentence of a comment as one line; of a long one what stands before its first colon or
 * semicolon. */
static void append_summary(const struct built_in_view *view, struct text *out) {
    enum { LONG = 100 };
    char line[400];
    size_t n = 0, end = 0, part = 0;
    const char *c = view->comment, *after = c + view->comment_length;
    while (c < after && n < sizeof line - 1) {
        bool start = c == view->comment || c[-1] == '\n';
        if (start && strncmp(c, "-- ", 3) == 0) c += 3;
        line[n] = *c;
        if (*c == '\n') line[n] = ' ';
        n++;
        c++;
    }
    line[n] = '\0';
    for (size_t i = 0; i < n && end == 0; i++) {
        bool last = i + 1 == n || line[i + 1] == ' ';
        if (last && (line[i] == '.' || line[i] == '?')) end = i + (line[i] == '?');
        if (last && (line[i] == ':' || line[i] == ';') && part == 0) part = i;
    }
    if (end == 0) end = n;
    if (end > LONG && part > 0 && part < end) end = part;
    text_append_bytes(out, line, end);
}

void export_comment(const char *wanted, struct text *out) {
    struct built_in_view view;
    for (const char *at = NULL; store_next_view(&at, &view);) {
        if (strlen(wanted) != (size_t)view.name_length ||
            memcmp(view.name, wanted, (size_t)view.name_length) != 0)
            continue;
        const char *after = view.comment + view.comment_length;
        for (const char *line = view.comment; line < after;) {
            size_t length = strcspn(line, "\n");
            if ((size_t)(after - line) < length) length = (size_t)(after - line);
            const char *next = line + length + 1;
            if (strncmp(line, "-- ", 3) == 0) line += 3, length -= 3;
            text_append(out, "%s%.*s", out->size ? " " : "", (int)length, line);
            line = next;
        }
    }
}

bool export_list(struct store *store, FILE *out, struct error *error) {
    static const char others_sql[] =
        "SELECT group_concat(name, ', ') FROM (" NAMES ") WHERE name NOT IN"
        " (SELECT name FROM sqlite_temp_schema)";
    struct table views = {0}, others = {0};
    struct built_in_view view;
    bool ok = true;
    table_append(&views, 2, (const char *const[]){"view", "what it holds"});
    for (const char *at = NULL; ok && store_next_view(&at, &view);) {
        struct text name = {0}, summary = {0};
        text_append_bytes(&name, view.name, (size_t)view.name_length);
        append_summary(&view, &summary);
        ok = !name.failed && !summary.failed;
        if (ok) table_append(&views, 2, (const char *const[]){name.data, summary.data});
        text_free(&name);
        text_free(&summary);
    }
    if (!ok) error_set(error, "out of memory listing views");
    ok = ok && table_write(&views, TABLE_ALIGNED, out, error) &&
         store_query(store, others_sql, NO_VALUES, report_collect, &others, error);
    if (ok && others.n_rows == 2)
        wrap_print(out, width_of(out), 2, "\ntables, and views that are not built in: %s",
                   others.cells[1]);
    table_free(&views);
    table_free(&others);
    return ok;
}
