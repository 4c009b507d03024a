/*
 * Views and ready questions stay usable as results grow: twice the workloads may take about twice the work,
 * never four times. Work is counted in steps of SQLite's virtual machine, which depend on neither the machine
 * nor its load; results are those of many.sql, and stand for nothing. Planning takes longer than most answers,
 * so a statement is prepared once and asked of few results and of many.
 */
#include "tests/harness/store/store_fixture.h"

#include <glob.h>

enum { FEW = 4, MANY = 8, STATEMENTS_MAX = 200 };

/* A view, or one of the SELECTs of a question. */
struct asked {
    char name[80];
    sqlite3_stmt *statement;
    int64_t steps[2], rows; /* of FEW and of MANY; rows: of FEW */
};

struct questions {
    sqlite3 *db; /* a plain one, as the sqlite3 tool has it */
    struct asked asked[STATEMENTS_MAX];
    int n;
};

static void start(const struct fixture *f, struct questions *q) {
    *q = (struct questions){0};
    assert_int_equal(sqlite3_open_v2(f->path, &q->db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
}

static void end(struct questions *q) {
    for (int i = 0; i < q->n; i++) sqlite3_finalize(q->asked[i].statement);
    sqlite3_close(q->db);
}

/* Whatever the text holds, a statement after the other. */
static void add(struct questions *q, const char *name, const char *sql) {
    while (*sql) {
        assert_in_range(q->n, 0, STATEMENTS_MAX - 1);
        struct asked *asked = &q->asked[q->n];
        if (sqlite3_prepare_v2(q->db, sql, -1, &asked->statement, &sql) != SQLITE_OK)
            fail_msg("%s: %s", name, sqlite3_errmsg(q->db));
        if (!asked->statement) break; /* blanks and comments alone */
        snprintf(asked->name, sizeof asked->name, "%s", name);
        q->n++;
    }
}

/* So many workloads in place of what is there. */
static void fill(const struct fixture *f, int n_workloads) {
    sqlite3 *db;
    sqlite3_stmt *table;
    struct text sql = {0};
    char *many = read_text("tests/harness/store/many.sql");
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    text_append(&sql, "BEGIN; CREATE TEMP TABLE size AS SELECT %d AS n;", n_workloads);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table'",
                                        -1, &table, NULL),
                     SQLITE_OK);
    while (sqlite3_step(table) == SQLITE_ROW)
        text_append(&sql, "DELETE FROM %s;", (const char *)sqlite3_column_text(table, 0));
    sqlite3_finalize(table);
    text_append(&sql, "%s COMMIT", many);
    assert_false(sql.failed);
    if (sqlite3_exec(db, sql.data, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
    text_free(&sql);
    free(many);
}

static void ask(struct questions *q, int of) {
    for (int i = 0; i < q->n; i++) {
        struct asked *a = &q->asked[i];
        int64_t rows = 0;
        int code;
        while ((code = sqlite3_step(a->statement)) == SQLITE_ROW) rows++;
        if (code != SQLITE_DONE) fail_msg("%s: %s", a->name, sqlite3_errmsg(q->db));
        sqlite3_reset(a->statement);
        a->steps[of] = sqlite3_stmt_status(a->statement, SQLITE_STMTSTATUS_VM_STEP, 1);
        if (of == 0) a->rows = rows;
    }
}

static void ask_few_and_many(struct fixture *f, struct questions *q) {
    fill(f, FEW);
    ask(q, 0);
    fill(f, MANY);
    ask(q, 1);
}

/* A part of the work that grows with the square may be an eighth of it here: then it is a quarter at ten
 * workloads. */
static void expect_twice(const char *name, int64_t few, int64_t many) {
    if (few < 100 || 100 * many >= 224 * few)
        fail_msg("%s: %lld steps for %d workloads, %lld for %d", name, (long long)few, FEW,
                 (long long)many, MANY);
}

static void every_view_has_rows_and_takes_twice_the_work_for_twice_the_workloads(void **state) {
    struct fixture *f = *state;
    static struct questions q;
    sqlite3_stmt *view;
    char sql[100];
    int n = 0;
    start(f, &q);
    assert_int_equal(sqlite3_prepare_v2(q.db, "SELECT name FROM sqlite_schema WHERE type = 'view'",
                                        -1, &view, NULL),
                     SQLITE_OK);
    while (sqlite3_step(view) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(view, 0);
        snprintf(sql, sizeof sql, "SELECT * FROM %s", name);
        add(&q, name, sql);
    }
    sqlite3_finalize(view);
    ask_few_and_many(f, &q);
    for (int i = 0; i < q.n; i++) {
        const struct asked *a = &q.asked[i];
        if (a->rows == 0) fail_msg("%s has no rows to be measured by", a->name);
        if (strcmp(a->name, "t_quantile") == 0 || strcmp(a->name, "timing_environment") == 0)
            continue;
        expect_twice(a->name, a->steps[0], a->steps[1]);
        n++;
    }
    assert_true(n > 20);
    end(&q);
}

/* The text without the lines that only the sqlite3 tool understands. */
static char *statements_of(const char *path) {
    char *text = read_text(path), *to = text;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        if (line[length]) length++;
        if (*line != '.') {
            memmove(to, line, length);
            to += length;
        }
        line += length;
    }
    *to = '\0';
    return text;
}

/* Questions about workloads of certain names, or about failures, find none here; test_figures.sh has them answered. */
static bool finds_something(const char *path) {
    return !strstr(path, "cards.sql") && !strstr(path, "paper_says_we_see.sql") &&
           !strstr(path, "trial_failures.sql");
}

static void
every_ready_question_answers_and_takes_twice_the_work_for_twice_the_workloads(void **state) {
    struct fixture *f = *state;
    static struct questions q;
    glob_t files;
    assert_int_equal(glob("results/queries/*.sql", 0, NULL, &files), 0);
    assert_true(files.gl_pathc > 10);
    start(f, &q);
    for (size_t i = 0; i < files.gl_pathc; i++) {
        if (strstr(files.gl_pathv[i], "gate.sql")) continue; /* asks for two workloads by name */
        char *sql = statements_of(files.gl_pathv[i]);
        add(&q, files.gl_pathv[i], sql);
        free(sql);
    }
    ask_few_and_many(f, &q);
    for (int i = 0; i < q.n;) {
        const char *name = q.asked[i].name;
        int64_t few = 0, many = 0, rows = 0;
        for (; i < q.n && strcmp(q.asked[i].name, name) == 0; i++) {
            few += q.asked[i].steps[0];
            many += q.asked[i].steps[1];
            rows += q.asked[i].rows;
        }
        if (rows == 0 && finds_something(name)) fail_msg("%s finds nothing", name);
        expect_twice(name, few, many);
    }
    end(&q);
    globfree(&files);
}

/* Most who ask for a mean ask for that of the accuracy, and should not wait for all the others. */
static void one_measure_is_read_without_the_others(void **state) {
    struct fixture *f = *state;
    static struct questions q;
    start(f, &q);
    add(&q, "all", "SELECT * FROM interval_by_measure");
    add(&q, "accuracy", "SELECT * FROM accuracy_vs_budget");
    add(&q, "trend", "SELECT * FROM budget_trend");
    fill(f, FEW);
    ask(&q, 0);
    for (int i = 1; i < q.n; i++)
        if (q.asked[i].rows == 0 || 2 * q.asked[i].steps[0] > q.asked[0].steps[0])
            fail_msg("%s: %lld steps of %lld", q.asked[i].name, (long long)q.asked[i].steps[0],
                     (long long)q.asked[0].steps[0]);
    end(&q);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_view_has_rows_and_takes_twice_the_work_for_twice_the_workloads),
        TEST(every_ready_question_answers_and_takes_twice_the_work_for_twice_the_workloads),
        TEST(one_measure_is_read_without_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
