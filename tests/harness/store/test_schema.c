/*
 * The shape of the file: which files are refused before any work, what a change of the tables must
 * bring along, whose views are whose, and that reading needs no right to write and trusts no view.
 */
#include "harness/store/store_private.h"
#include "tests/harness/store/store_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void refused(struct fixture *f, const char *words) {
    struct store *store = NULL;
    assert_false(store_open(f->path, &store, &f->error));
    assert_null(store);
    if (!strstr(f->error.text, words)) fail_msg("no '%s' in: %s", words, f->error.text);
    assert_false(store_open_reader(f->path, &store, &f->error));
    assert_null(store);
    if (!strstr(f->error.text, words)) fail_msg("no '%s' in: %s", words, f->error.text);
}

/* ---- versions ---- */

static void
older_newer_and_foreign_databases_are_refused_with_the_command_that_helps(void **state) {
    struct fixture *f = *state;
    int64_t id;
    OK(f, store_environment(f->store, "0", "host", "machine", "{\"git_revision\": \"5a2acd0\"}",
                            &id, &f->error));
    assert_int_equal(raw_sql(f->path, "PRAGMA user_version = 2"), SQLITE_OK);
    refused(f, "schema version 2");
    refused(f, "git checkout 5a2acd0");
    refused(f, "headroom sweep --db NEW.db");
    assert_int_equal(raw_sql(f->path, "PRAGMA user_version = 999"), SQLITE_OK);
    refused(f, "schema version 999");
    refused(f, "git pull && make");
    assert_int_equal(raw_sql(f->path, "PRAGMA application_id = 7"), SQLITE_OK);
    refused(f, "another program");
}

static void tables_that_are_not_what_the_version_says_are_refused(void **state) {
    struct fixture *f = *state;
    assert_int_equal(raw_sql(f->path, "ALTER TABLE epoch ADD COLUMN extra REAL"), SQLITE_OK);
    refused(f, "'epoch' is another one");
    assert_int_equal(raw_sql(f->path, "DROP TABLE epoch; CREATE VIEW epoch AS SELECT 1"),
                     SQLITE_OK);
    refused(f, "'epoch' is another one");
    assert_int_equal(raw_sql(f->path, "DROP VIEW epoch"), SQLITE_OK);
    refused(f, "'epoch' is missing");
}

static void what_a_user_adds_is_left_alone(void **state) {
    struct fixture *f = *state;
    struct store *store;
    static const char added[] =
        "CREATE TABLE notes (text TEXT); CREATE INDEX mine ON trial (arm);"
        "CREATE VIEW my_view AS SELECT 1 /* headroom: my_view */, '/* headroom: x */' AS text;"
        "CREATE VIEW my_copy /* headroom: dense_arm */ AS SELECT 2;"
        "DROP VIEW dense_arm; CREATE VIEW Dense_Arm AS SELECT 3";
    assert_int_equal(raw_sql(f->path, added), SQLITE_OK);
    for (int i = 0; i < 2; i++) {
        OK(f, store_open(f->path, &store, &f->error));
        store_close(store);
    }
    assert_near(number(f, "SELECT count(*) FROM main.sqlite_schema WHERE name IN ('notes', 'mine', "
                          "'my_view', 'my_copy', 'Dense_Arm')"),
                5);
}

static void a_sqlite_that_is_too_old_is_named_in_one_sentence(void **state) {
    struct fixture *f = *state;
    assert_true(store_check_sqlite(3037000, "3.37.0", &f->error));
    assert_true(store_check_sqlite(sqlite3_libversion_number(), "", &f->error));
    assert_false(store_check_sqlite(3036000, "3.36.0", &f->error));
    assert_non_null(strstr(f->error.text, "SQLite 3.36.0 is too old"));
    assert_non_null(strstr(f->error.text, "3.37"));
}

/* ---- migration: schema/version-N.sql is a whole database as version N made it ---- */

/* Every object of ours, one a line, as CREATE statements that can be compared. */
static char *shape_of(const char *path) {
    sqlite3 *db;
    sqlite3_stmt *object;
    struct text out = {0};
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'mine' "
                           "ORDER BY type, name",
                           -1, &object, NULL),
        SQLITE_OK);
    while (sqlite3_step(object) == SQLITE_ROW) {
        store_normalise_ddl((const char *)sqlite3_column_text(object, 0), &out);
        text_append(&out, "\n");
    }
    sqlite3_finalize(object);
    sqlite3_close(db);
    assert_false(out.failed);
    return out.data;
}

/* Over one of ours: where it is read, ours are there as they are today. */
static const char users_view[] = "CREATE VIEW mine AS SELECT * FROM accuracy_by_seed";

/* A reader sees an older file as if it were of today, and leaves it as it is. */
static void read_as_it_is(struct fixture *f, const char *path, int version) {
    struct store *own = f->store;
    OK(f, store_open_reader(path, &f->store, &f->error));
    assert_near(number(f, "SELECT accuracy_mean FROM accuracy_vs_budget"), 0.75);
    if (version < SCHEMA_VERSION) assert_near(number(f, "SELECT accuracy FROM mine"), 0.75);
    assert_near(number(f, "SELECT count(*) FROM main.trial WHERE code_sha256 IS NULL"), 1);
    store_close(f->store);
    f->store = own;
    sqlite3 *db;
    sqlite3_stmt *found;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &found, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(found), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(found, 0), version);
    sqlite3_finalize(found);
    sqlite3_close(db);
}

/* A change of tables.sql without a step fails here: the newest fixture is then no longer what a new
 * database is, and opening it is refused. */
static void a_database_of_every_version_becomes_what_a_new_one_is(void **state) {
    struct fixture *f = *state;
    char *fresh = shape_of(f->path), path[200];
    struct store *store;
    for (int version = 3; version <= SCHEMA_VERSION; version++) {
        snprintf(path, sizeof path, "tests/harness/store/schema/version-%d.sql", version);
        char *text = read_text(path);
        snprintf(path, sizeof path, "%s/old.db", f->folder);
        assert_int_equal(raw_sql(path, text), SQLITE_OK);
        free(text);
        assert_int_equal(raw_sql(path, users_view), SQLITE_OK);
        read_as_it_is(f, path, version);
        if (!store_open(path, &store, &f->error))
            fail_msg("version %d: %s", version, f->error.text);
        store_close(store);
        char *migrated = shape_of(path);
        assert_string_equal(migrated, fresh);
        free(migrated);
        struct store *own = f->store;
        OK(f, store_open_reader(path, &f->store, &f->error));
        assert_near(number(f, "SELECT accuracy FROM accuracy_by_seed"), 0.75);
        assert_near(number(f, "SELECT accuracy FROM mine"), 0.75);
        assert_near(number(f, "PRAGMA user_version"), SCHEMA_VERSION);
        store_close(f->store);
        f->store = own;
        assert_int_equal(unlink(path), 0);
    }
    free(fresh);
}

/* The step to 9 makes the table of energies anew. */
static void joules_of_an_earlier_version_are_kept(void **state) {
    struct fixture *f = *state;
    struct store *store, *own = f->store;
    char *text = read_text("tests/harness/store/schema/version-8.sql"), path[200];
    snprintf(path, sizeof path, "%s/old.db", f->folder);
    assert_int_equal(raw_sql(path, text), SQLITE_OK);
    free(text);
    assert_int_equal(raw_sql(path,
                             "INSERT INTO profile (id, trial_id, batch_size, warmup_passes, "
                             "inputs_per_sample) VALUES (7, 1, 32, 3, 32);"
                             "INSERT INTO energy VALUES (7, 'package', 2.5, 40, 0.5, 0.05, ''), "
                             "(7, 'dram', NULL, NULL, NULL, NULL, 'none here')"),
                     SQLITE_OK);
    OK(f, store_open(path, &store, &f->error));
    store_close(store);
    OK(f, store_open_reader(path, &f->store, &f->error));
    assert_near(number(f, "SELECT count(*) FROM energy"), 2);
    assert_near(number(f, "SELECT count(*) FROM energy WHERE profile_id = 7 AND domain = 'package' "
                          "AND joules_per_input = 2.5 AND idle_watts = 40 AND seconds = 0.5 AND "
                          "seconds_per_input = 0.05 AND n_regions = 1 AND "
                          "ci95_half_joules_per_input IS NULL AND reason = ''"),
                1);
    assert_near(number(f, "SELECT count(*) FROM energy WHERE domain = 'dram' AND n_regions IS NULL "
                          "AND joules_per_input IS NULL AND reason = 'none here'"),
                1);
    store_close(f->store);
    f->store = own;
    assert_int_equal(unlink(path), 0);
}

/* The step to 10 summarises the samples that are there, as the median of an even n is that of the two in the
 * middle: 40 10 20 30 are 25, 15 15 5 5 away from it, so 10; 3 9 5 are 5, and 2 4 0 away. With markers: 11/10,
 * 13/10 and 12/10 of the time. */
static void samples_of_an_earlier_version_are_summarised(void **state) {
    struct fixture *f = *state;
    struct store *store, *own = f->store;
    char *text = read_text("tests/harness/store/schema/version-9.sql"), path[200];
    snprintf(path, sizeof path, "%s/old.db", f->folder);
    assert_int_equal(raw_sql(path, text), SQLITE_OK);
    free(text);
    assert_int_equal(
        raw_sql(path,
                "INSERT INTO profile (id, trial_id, batch_size, warmup_passes, "
                "inputs_per_sample) VALUES (7, 1, 32, 3, 32), (8, 1, 1, 3, 1), (9, 1, 2, 3, 2);"
                "INSERT INTO profile_sample VALUES (7, 0, 40, 0, NULL, NULL), (7, 1, 10, 0, "
                "NULL, NULL), (7, 2, 20, 1, NULL, NULL), (7, 3, 30, 1, NULL, NULL),"
                "(8, 0, 3, 0, 11, 10), (8, 1, 9, 0, 13, 10), (8, 2, 5, 0, 12, 10)"),
        SQLITE_OK);
    OK(f, store_open(path, &store, &f->error));
    store_close(store);
    OK(f, store_open_reader(path, &f->store, &f->error));
    assert_near(number(f, "SELECT n_samples = 4 AND latency_ns_median = 25 AND latency_ns_mad = 10 "
                          "AND marked_over_unmarked IS NULL FROM profile WHERE id = 7"),
                1);
    assert_near(number(f, "SELECT n_samples = 3 AND latency_ns_median = 5 AND latency_ns_mad = 2 "
                          "AND marked_over_unmarked = 1.2 FROM profile WHERE id = 8"),
                1);
    assert_near(number(f, "SELECT n_samples IS NULL FROM profile WHERE id = 9"), 1);
    store_close(f->store);
    f->store = own;
    assert_int_equal(unlink(path), 0);
}

static void normalised_statements_differ_only_where_they_mean_something_else(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"CREATE TABLE t (\n    a TEXT, -- a comment, (with) marks\n    b INTEGER\n)",
         "CREATE TABLE t(a TEXT,b INTEGER)"},
        {"CREATE TABLE t (a TEXT DEFAULT ' -- no  comment')",
         "CREATE TABLE t(a TEXT DEFAULT ' -- no  comment')"},
        {"a  \n  b", "a b"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct text out = {0};
        store_normalise_ddl(pairs[i][0], &out);
        assert_string_equal(out.data, pairs[i][1]);
        text_free(&out);
    }
}

/* ---- views ---- */

static void stored_views_are_written_again_only_if_they_differ(void **state) {
    struct fixture *f = *state;
    struct store *store;
    char *fresh = shape_of(f->path);
    /* As an older program left them: one of other text, one whose name is no longer ours. */
    assert_int_equal(
        raw_sql(f->path,
                "DROP VIEW dense_arm; CREATE VIEW dense_arm /* headroom: dense_arm */ AS SELECT 1;"
                "CREATE VIEW gone /* headroom: gone */ AS SELECT 2"),
        SQLITE_OK);
    double before = number(f, "PRAGMA main.schema_version");
    OK(f, store_open_reader(f->path, &store, &f->error)); /* a reader leaves them */
    store_close(store);
    assert_near(number(f, "PRAGMA main.schema_version"), before);
    OK(f, store_open(f->path, &store, &f->error));
    assert_string_equal(store_notice(store), "");
    store_close(store);
    char *mended = shape_of(f->path);
    assert_string_equal(mended, fresh);
    double after = number(f, "PRAGMA main.schema_version");
    assert_true(after > before);
    OK(f, store_open(f->path, &store, &f->error)); /* nothing is left to do */
    store_close(store);
    assert_near(number(f, "PRAGMA main.schema_version"), after);
    free(mended);
    free(fresh);
}

static void a_view_of_the_user_under_our_name_stays_and_is_named(void **state) {
    struct fixture *f = *state;
    struct store *store;
    static const char own[] =
        "DROP VIEW dense_arm; CREATE VIEW dense_arm AS SELECT 'mine' AS workload";
    assert_int_equal(raw_sql(f->path, own), SQLITE_OK);
    OK(f, store_open(f->path, &store, &f->error));
    assert_non_null(strstr(store_notice(store), "'dense_arm' is not Headroom's"));
    store_close(store);
    assert_near(number(f, "SELECT count(*) FROM main.dense_arm WHERE workload = 'mine'"), 1);
    assert_near(number(f, "SELECT count(*) FROM dense_arm"), 0); /* ours, over no results */
}

static void our_connections_see_the_built_in_views_also_below_one_another(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy = 0.5;
    train(f, workload, "fixed-8", "fixed", ALL, 1, &accuracy, 1);
    assert_int_equal(raw_sql(f->path, "DROP VIEW accuracy_by_seed; CREATE VIEW accuracy_by_seed AS "
                                      "SELECT 'w' AS workload, 'lie' AS arm, 1.0 AS accuracy"),
                     SQLITE_OK);
    struct store *own = f->store;
    OK(f, store_open_reader(f->path, &f->store, &f->error));
    assert_near(number(f, "SELECT accuracy FROM accuracy_by_seed"), 0.5);
    assert_near(number(f, "SELECT accuracy_mean FROM accuracy_vs_budget WHERE arm = 'fixed-8'"),
                0.5);
    store_close(f->store);
    f->store = own;
}

/* ---- reading ---- */

/* What every reading command does, with no right to write anything: 0 if it works. */
static int reads_without_writing(struct fixture *f) {
    struct rlimit none = {0, 0};
    struct store *store;
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 77;
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &none) != 0) return 1; /* as on a full disk */
    FILE *null = fopen("/dev/null", "w");
    if (!null || !store_open_reader(f->path, &store, &f->error)) return 2;
    bool ok = report_write(store, NULL, TABLE_ALIGNED, null, &f->error) &&
              report_trials(store, null, &f->error);
    store_close(store);
    return ok ? 0 : 3;
}

static void reading_needs_no_right_to_write_no_space_and_no_lock(void **state) {
    struct fixture *f = *state;
    sqlite3 *writer;
    double accuracy = 0.5;
    train(f, one_workload(f, "w"), "fixed-8", "fixed", ALL, 1, &accuracy, 1);
    assert_int_equal(sqlite3_open(f->path, &writer), SQLITE_OK);
    assert_int_equal(sqlite3_exec(writer, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(chmod(f->folder, 0555), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(reads_without_writing(f));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(chmod(f->folder, 0777), 0);
    sqlite3_close(writer);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("SKIP: running as root and cannot become another user\n");
        skip();
    }
    assert_int_equal(status, 0);
}

/* A writer that dies in the middle: pages of its transaction are in the file, the old ones in its
 * journal. */
static int dies_while_writing(struct fixture *f) {
    sqlite3 *db;
    if (sqlite3_open(f->path, &db) != SQLITE_OK) return 1;
    return sqlite3_exec(
               db,
               "PRAGMA cache_size = 1; BEGIN IMMEDIATE; UPDATE workload SET summary = 'lost';"
               "CREATE TABLE filler (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT "
               "i + 1 FROM n WHERE i < 5000) INSERT INTO filler SELECT hex(zeroblob(200)) "
               "FROM n",
               NULL, NULL, NULL) != SQLITE_OK;
}

static void what_a_killed_writer_began_is_undone_for_a_reader(void **state) {
    struct fixture *f = *state;
    char journal[160];
    int status;
    one_workload(f, "w");
    store_close(f->store);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(dies_while_writing(f));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    snprintf(journal, sizeof journal, "%s-journal", f->path);
    assert_int_equal(access(journal, F_OK), 0);
    OK(f, store_open_reader(f->path, &f->store, &f->error));
    assert_near(number(f, "SELECT count(*) FROM workload WHERE summary = 'made up'"), 1);
    assert_near(number(f, "SELECT count(*) FROM main.sqlite_schema WHERE name = 'filler'"), 0);
}

static void a_copy_is_brought_to_this_version_and_the_file_stays(void **state) {
    struct fixture *f = *state;
    struct store *own = f->store;
    char *text = read_text("tests/harness/store/schema/version-3.sql"), path[200];
    snprintf(path, sizeof path, "%s/old.db", f->folder);
    assert_int_equal(raw_sql(path, text), SQLITE_OK);
    assert_int_equal(raw_sql(path, users_view), SQLITE_OK);
    free(text);
    OK(f, store_open_copy(path, &f->store, &f->error));
    one_workload(f, "only in the copy");
    assert_near(number(f, "SELECT count(*) FROM workload"), 2);
    assert_near(number(f, "PRAGMA user_version"), SCHEMA_VERSION);
    store_close(f->store);
    f->store = own;
    read_as_it_is(f, path, 3);
    assert_int_equal(unlink(path), 0);
}

static void a_reader_cannot_write(void **state) {
    struct fixture *f = *state;
    struct store *store;
    int64_t id;
    OK(f, store_open_reader(f->path, &store, &f->error));
    assert_false(store_environment(store, "0", "host", "machine", "{}", &id, &f->error));
    assert_non_null(strstr(f->error.text, f->path));
    store_close(store);
}

static void an_empty_file_is_named_to_a_reader(void **state) {
    struct fixture *f = *state;
    struct store *store;
    assert_int_equal(truncate(f->path, 0), 0);
    assert_false(store_open_reader(f->path, &store, &f->error));
    assert_non_null(strstr(f->error.text, "is empty"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(older_newer_and_foreign_databases_are_refused_with_the_command_that_helps),
        TEST(tables_that_are_not_what_the_version_says_are_refused),
        TEST(what_a_user_adds_is_left_alone),
        TEST(a_sqlite_that_is_too_old_is_named_in_one_sentence),
        TEST(a_database_of_every_version_becomes_what_a_new_one_is),
        TEST(joules_of_an_earlier_version_are_kept),
        TEST(samples_of_an_earlier_version_are_summarised),
        TEST(normalised_statements_differ_only_where_they_mean_something_else),
        TEST(stored_views_are_written_again_only_if_they_differ),
        TEST(a_view_of_the_user_under_our_name_stays_and_is_named),
        TEST(our_connections_see_the_built_in_views_also_below_one_another),
        TEST(reading_needs_no_right_to_write_no_space_and_no_lock),
        TEST(what_a_killed_writer_began_is_undone_for_a_reader),
        TEST(a_copy_is_brought_to_this_version_and_the_file_stays),
        TEST(a_reader_cannot_write),
        TEST(an_empty_file_is_named_to_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
