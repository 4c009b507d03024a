/*
 * How a sweep stands: what a running training told, and the expected end of made-up databases,
 * worked out by hand. Now is a number here, so nothing depends on when a test runs.
 */
#include "harness/store/status.h"
#include "tests/harness/store/store_fixture.h"

#include <inttypes.h>

/* 2026-07-18 12:00:00 UTC. */
static const int64_t noon = 1784376000;

static const struct training_progress third_epoch = {.candidate = 2,
                                                     .n_candidates = 4,
                                                     .epoch = 3,
                                                     .n_epochs = 6,
                                                     .train_loss = 0.5,
                                                     .validation_accuracy = 0.75,
                                                     .validation_mean_heads = 2.5};

static int64_t plan_one(struct fixture *f) {
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, plan_workload(f, "w"), "fixed-8", "fixed", 1, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    return id;
}

static void a_running_training_tells_how_far_it_is_until_it_ends(void **state) {
    struct fixture *f = *state;
    struct training_progress read;
    int64_t id = plan_one(f);
    assert_false(store_progress(f->store, id, &third_epoch)); /* it does not run */
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_false(store_read_progress(f->store, id, &read));
    assert_true(store_progress(f->store, id, &third_epoch));
    assert_true(store_progress(f->store, id, &third_epoch));
    assert_true(store_read_progress(f->store, id, &read));
    assert_int_equal(read.candidate, 2);
    assert_int_equal(read.n_candidates, 4);
    assert_int_equal(read.epoch, 3);
    assert_int_equal(read.n_epochs, 6);
    assert_near(read.train_loss, 0.5);
    assert_near(read.validation_accuracy, 0.75);
    assert_near(read.validation_mean_heads, 2.5);
    assert_near(number(f, "SELECT done_share FROM running_trial"), (1 + 0.5) / 4);
    OK(f, store_end_trial(f->store, id, "failed", "made up", &f->error));
    assert_false(store_read_progress(f->store, id, &read));
    OK(f, store_retry(f->store, id, &f->error));
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_false(store_read_progress(f->store, id, &read)); /* nothing of the earlier attempt */
}

static void a_trial_that_another_process_has_is_not_spoken_for(void **state) {
    struct fixture *f = *state;
    int64_t id = plan_one(f);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET host = 'elsewhere'"), SQLITE_OK);
    assert_false(store_progress(f->store, id, &third_epoch));
    assert_near(number(f, "SELECT count(*) FROM progress"), 0);
}

/* What a patient store does when it waits: it lets the waiting end, so that a test that fails does
 * not hang. */
struct locker {
    sqlite3 *db;
    bool was_waited_for;
};

static void unlock(void *context, const char *who) {
    struct locker *locker = context;
    (void)who;
    locker->was_waited_for = true;
    sqlite3_exec(locker->db, "ROLLBACK", NULL, NULL, NULL);
}

static void nobody_waits_for_a_locked_database_to_tell_or_to_hear(void **state) {
    struct fixture *f = *state;
    struct locker locker = {0};
    struct store *store;
    struct training_progress read;
    int64_t id = plan_one(f);
    assert_int_equal(sqlite3_open(f->path, &locker.db), SQLITE_OK);
    OK(f, store_open_patiently(f->path, unlock, &locker, &store, &f->error));
    OK(f, store_claim(store, id, getpid(), 0, &f->error));
    assert_true(store_progress(store, id, &third_epoch));
    assert_int_equal(sqlite3_exec(locker.db, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_false(store_progress(store, id, &third_epoch));
    assert_false(store_read_progress(store, id, &read));
    assert_false(locker.was_waited_for);
    /* A reader lets it begin and not commit; nothing of it stays behind. */
    sqlite3_exec(locker.db, "ROLLBACK; BEGIN; SELECT count(*) FROM trial", NULL, NULL, NULL);
    assert_false(store_progress(store, id, &third_epoch));
    assert_true(store_read_progress(store, id, &read));
    assert_false(locker.was_waited_for);
    /* Whatever else is stored waits as before. */
    sqlite3_exec(locker.db, "ROLLBACK; BEGIN EXCLUSIVE", NULL, NULL, NULL);
    assert_false(store_progress(store, id, &third_epoch));
    OK(f, store_end_trial(store, id, "failed", "made up", &f->error));
    assert_true(locker.was_waited_for);
    locker.was_waited_for = false;
    sqlite3_exec(locker.db, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
    assert_false(store_read_progress(store, id, &read));
    OK(f, store_retry(store, id, &f->error));
    assert_true(locker.was_waited_for);
    store_close(store);
    sqlite3_close(locker.db);
}

/* ---- the expected end ---- */

/* One row of a made-up sweep on host h; NULL and numbers are SQL. */
static void add_trial(struct fixture *f, const char *kind, int seed, const char *status,
                      const char *flops, const char *planned, const char *started,
                      const char *finished, const char *wall) {
    char sql[1024];
    snprintf(sql, sizeof sql,
             "INSERT OR IGNORE INTO workload (id, name, summary, granularity, file) "
             "VALUES (1, 'w', '', '', '');"
             "INSERT INTO trial (kind, key, base_trial_id, workload_id, arm, policy, base_heads, "
             "layers, "
             "dim, seed, config, expected_flops, status, planned_at, started_at, finished_at, "
             "wall_seconds, host, pid, boot_id, pid_namespace) VALUES ('%s', '%s-%d', "
             "CASE '%s' WHEN 'train' THEN NULL ELSE 1 END, 1, 'a', 'fixed', 8, 1, 8, %d, '{}', %s, "
             "'%s', '2026-07-18T%sZ', '2026-07-18T%sZ', '2026-07-18T%sZ', %s, 'h', 1, 'b', 'n')",
             kind, kind, seed, kind, seed, flops, status, planned, started, finished, wall);
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
}

/* Trainings of 99e10 FLOPs and more, to each of which 1e10 are added; two are done and two run. */
static void make_sweep(struct fixture *f) {
    add_trial(f, "train", 1, "ok", "99e10", "11:00:00", "11:00:00", "11:01:40", "100");
    add_trial(f, "train", 2, "ok", "99e10", "11:00:00", "11:00:00", "11:01:40", "100");
    add_trial(f, "train", 3, "running", "199e10", "11:00:00", "11:58:00", "", "NULL");
    add_trial(f, "train", 4, "running", "99e10", "11:00:00", "11:59:50", "", "NULL");
    add_trial(f, "train", 5, "planned", "299e10", "11:00:00", "", "", "NULL");
    /* Of before the plan, very fast: it tells nothing of this sweep. */
    add_trial(f, "train", 6, "ok", "99e10", "09:00:00", "10:00:00", "10:00:01", "1");
    /* Nor does a fast machine that has no part in what is left. */
    add_trial(f, "train", 9, "ok", "99e10", "11:00:00", "11:10:00", "11:10:01", "1");
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET host = 'fast' WHERE seed = 9"), SQLITE_OK);
    /* Trial 3 has told a quarter of its epochs, 100 s after its start. */
    assert_int_equal(raw_sql(f->path,
                             "INSERT INTO progress VALUES (3, '2026-07-18T11:59:40Z', 1, 1, "
                             "1, 4, 0.25, 0.875, 2)"),
                     SQLITE_OK);
}

static void expected_end_is_work_over_speed_and_trainings_beside_each_other(void **state) {
    struct fixture *f = *state;
    struct expected_end end;
    make_sweep(f);
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    /* Speed: (100e10 + 100e10 + 200e10 / 4) / (100 + 100 + 100) s. To come: 150e10 of trial 3 less
     * 20 s, 100e10 of trial 4 less 10 s, 300e10; two run. */
    double speed = 250e10 / 300;
    assert_near(end.training_seconds, (550e10 - 30 * speed) / speed / 2);
    assert_near(end.training_seconds, 315);
    assert_int_equal(end.n_slots, 2);
    assert_int_equal(end.n_trainings, 3);
    assert_near(end.profiling_seconds, 0);
    assert_string_equal(end.reason, "");
}

static void profiles_come_after_trainings_one_at_a_time(void **state) {
    struct fixture *f = *state;
    struct expected_end end;
    make_sweep(f);
    add_trial(f, "profile", 1, "planned", "9e10", "11:00:00", "", "", "NULL");
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    assert_near(end.training_seconds, 315);
    assert_true(end.profiling_seconds < 0);
    assert_string_equal(end.reason, "no profile has ended yet");
    /* Two took turns for 40 s, though each ran 40 s by its own clock. */
    add_trial(f, "profile", 2, "ok", "9e10", "11:00:00", "11:10:00", "11:10:40", "40");
    add_trial(f, "profile", 3, "ok", "9e10", "11:00:00", "11:10:00", "11:10:40", "40");
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    assert_near(end.profiling_seconds, 20);
    assert_string_equal(end.reason, "");
}

static void expected_end_is_not_known_where_it_cannot_be(void **state) {
    struct fixture *f = *state;
    struct expected_end end;
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    assert_int_equal(end.n_trainings + end.n_profiles, 0);
    add_trial(f, "train", 1, "planned", "99e10", "11:00:00", "", "", "NULL");
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    assert_true(end.training_seconds < 0);
    assert_string_equal(end.reason, "nothing is known to run");
    add_trial(f, "train", 2, "running", "99e10", "11:00:00", "11:50:00", "", "NULL");
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    assert_true(end.training_seconds < 0);
    assert_string_equal(end.reason, "no training has ended and no epoch was told yet");
    add_trial(f, "train", 3, "ok", "99e10", "11:00:00", "11:00:00", "11:01:40", "100");
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    assert_near(end.training_seconds, 100); /* the running one should have ended 500 s ago */
    add_trial(f, "train", 4, "planned", "NULL", "11:00:00", "", "", "NULL");
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    assert_true(end.training_seconds < 0);
    assert_string_equal(end.reason, "of a trial to come the work is not known");
}

/* Trials 3 and 4 were heard of 20 and 10 s before noon, from a machine that cannot be asked. */
static void what_is_quiet_for_ten_minutes_is_not_counted_on(void **state) {
    struct fixture *f = *state;
    static const struct {
        int64_t after;
        int n_slots;
    } cases[] = {{580, 2}, {581, 1}, {590, 1}, {591, 0}};
    struct expected_end end;
    make_sweep(f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OK(f, status_expected_end(f->store, noon + cases[i].after, &end, &f->error));
        assert_int_equal(end.n_slots, cases[i].n_slots);
    }
    assert_string_equal(end.reason, "nothing is known to run");
    /* A profile that runs is no place for a training. */
    add_trial(f, "profile", 1, "running", "9e10", "11:00:00", "12:09:00", "", "NULL");
    OK(f, status_expected_end(f->store, noon + 591, &end, &f->error));
    assert_int_equal(end.n_slots, 0);
    assert_string_equal(end.reason, "no training runs");
}

static void assert_status(struct fixture *f, int64_t now, const char *expected) {
    char *text = NULL;
    size_t size;
    struct store *reader;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    OK(f, store_open_reader(f->path, &reader, &f->error));
    OK(f, status_write(reader, now, out, &f->error));
    store_close(reader);
    fclose(out);
    if (!strstr(text, expected)) fail_msg("no '%s' in:\n%s", expected, text);
    free(text);
}

static void status_says_what_runs_and_when_it_was_last_heard_of(void **state) {
    struct fixture *f = *state;
    make_sweep(f);
    add_trial(f, "train", 7, "failed", "99e10", "11:00:00", "11:00:00", "11:01:40", "NULL");
    assert_int_equal(
        raw_sql(f->path, "UPDATE trial SET reason = 'its file is gone' WHERE seed = 7"), SQLITE_OK);
    assert_status(f, noon,
                  "workload  running  done  failed  skipped  planned\n"
                  "w               2     4       1        0        1\n"
                  "\nexpected end: 2026-07-18 12:05 UTC, in 6 min\n");
    assert_status(
        f, noon,
        "w/a/3, trial 3  h, pid 1  2026-07-18 11:58 UTC  1 of 4  0.2500        87.5   2.00       "
        "20 s ago\n"
        "w/a/4, trial 4  h, pid 1  2026-07-18 11:59 UTC       -       -           -      -       "
        "10 s ago\n");
    assert_status(f, noon, "w: 1 failed: its file is gone (a, seed 7, trial 8)\n");
    /* From another machine all that can be said of a silent one is for how long it has been so. */
    assert_status(f, noon + 7200, "2 h 00 min ago: gone, or long busy\n");
    assert_status(f, noon - 3600, "0 s ago\n"); /* the other clock is ahead */
}

/* The process id is that of no process: ids end at 2^22. */
static void a_process_that_is_gone_from_this_machine_is_told(void **state) {
    struct fixture *f = *state;
    struct expected_end end;
    int64_t id = plan_one(f);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_status(f, noon, "0 s ago\n");
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET pid = 99999999, boot_id = NULL"),
                     SQLITE_OK);
    assert_status(f, noon, "0 s ago: its process is gone\n");
    OK(f, status_expected_end(f->store, noon, &end, &f->error));
    assert_string_equal(end.reason, "nothing is known to run");
    /* The ids of another container of this name mean nothing here. */
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET pid_namespace = 'other'"), SQLITE_OK);
    assert_status(f, noon, "0 s ago\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_running_training_tells_how_far_it_is_until_it_ends,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_trial_that_another_process_has_is_not_spoken_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_waits_for_a_locked_database_to_tell_or_to_hear,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            expected_end_is_work_over_speed_and_trainings_beside_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(profiles_come_after_trainings_one_at_a_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(expected_end_is_not_known_where_it_cannot_be, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_quiet_for_ten_minutes_is_not_counted_on, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(status_says_what_runs_and_when_it_was_last_heard_of, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_process_that_is_gone_from_this_machine_is_told, set_up,
                                        tear_down),
    };
    setenv("COLUMNS", "200", 1); /* rows are one line each */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
