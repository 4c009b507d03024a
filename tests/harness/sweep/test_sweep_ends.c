/*
 * How trials and sweeps end: what fails, crashes, hangs or says nothing each becomes a row with its
 * reason and its log, and interruptions lose nothing.
 */
#include "harness/sweep/trial_process.h"
#include "tests/harness/sweep/sweep_fixture.h"

static void every_way_to_end_is_a_row_with_its_reason(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"fails", "explains",  "dies",   "silent",
                                       "ok",    "unstarted", "threads"};
    plan_arms(f, arms, 7, false);
    run(f);
    assert_row(f, 0, "failed", "exit status 3: no room for the dragon");
    assert_row(f, 1, "failed", "loss became NaN");
    assert_row(f, 2, "killed", "signal 15 (Terminated)");
    assert_row(f, 3, "failed", "without storing a result");
    assert_row(f, 4, "ok", "");
    assert_row(f, 5, "failed", "exit status 7");
    assert_row(f, 6, "ok", "");
    assert_int_equal(f->result.n_ok, 2);
    assert_int_equal(f->result.n_failed, 5);
    assert_false(f->result.interrupted);
}

static void program_that_does_not_exist_is_the_reason(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"ok"};
    plan_arms(f, arms, 1, false);
    f->options.program = "/nonexistent/headroom";
    run(f);
    assert_row(f, 0, "failed", "cannot start /nonexistent/headroom");
}

/* Nobody here has to be quick, which on a busy machine is nobody's to promise. */
static void hanging_trials_are_stopped_each_after_the_timeout(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"hangs", "hangs-too", "hangs-next"};
    plan_arms(f, arms, 3, false);
    f->options.timeout = 1;
    run(f);
    for (size_t i = 0; i < 3; i++) assert_row(f, i, "timeout", "longer than 1 s");
}

static void trial_without_progress_is_ended_and_one_that_waits_for_another_is_not(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"hangs", "freezes", "works", "simulates"};
    plan_arms(f, arms, 4, false);
    f->options.jobs = 4;
    f->options.stall = 3;
    run(f);
    assert_row(f, 0, "timeout", "for 3 s it used no processor time and wrote nothing");
    assert_row(f, 1, "timeout", "wrote nothing (something had stopped it)");
    assert_row(f, 2, "ok", "");
    assert_row(f, 3, "ok", "");
}

static void stopping_a_training_from_outside_does_not_stop_its_time(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"freezes"};
    plan_arms(f, arms, 1, false);
    f->options.timeout = 1;
    run(f);
    assert_row(f, 0, "timeout", "longer than 1 s");
}

static void read_log(const struct fixture *f, size_t i, char *out, size_t size) {
    char path[256];
    assert_true(trial_log_path(f->db, f->plan.trials[i].key, path, sizeof path));
    FILE *file = fopen(path, "r");
    size_t n = file ? fread(out, 1, size - 1, file) : 0;
    out[n] = '\0';
    if (file) fclose(file);
}

static void log_holds_every_attempt_and_only_its_own_words_are_the_reason(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"logs", "logs-silently", "early"};
    char log[1024];
    for (int attempt = 1; attempt <= 2; attempt++) {
        plan_arms(f, arms, 3, false);
        run(f);
        assert_row(f, 0, "failed", "exit status 3: logs has words");
        assert_row(f, 1, "failed", "exit status 3");
        assert_row(f, 2, "failed", "exit status 7: no claim yet");
        read_log(f, 0, log, sizeof log);
        assert_int_equal(count(log, "==== trial 1, 20"), attempt);
        assert_int_equal(count(log, "\nbefore\nlogs has words\n"), attempt);
        read_log(f, 1, log, sizeof log);
        assert_int_equal(count(log, "before"), attempt);
        read_log(f, 2, log, sizeof log);
        assert_string_equal(log, "");
    }
    struct trial_row row;
    assert_true(store_load_trial(f->store, f->plan.trials[1].id, &row, &f->error));
    assert_null(strstr(row.reason, "===="));
    trial_row_free(&row);
    assert_said(f, ".log)");
    assert_null(strstr(f->said, "no claim yet (log"));
}

static void log_folder_that_goes_away_is_made_again(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"logs-anew"};
    char log[1024];
    plan_arms(f, arms, 1, false);
    run(f);
    read_log(f, 0, log, sizeof log);
    assert_int_equal(count(log, "before\nlogs-anew has words\n"), 1);
}

static void log_of_a_trial_that_another_process_runs_stays_as_it_is(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"taken"};
    char log[1024], path[256];
    plan_arms(f, arms, 1, false);
    char folder[160];
    assert_int_equal(mkdir(scratch_path(&f->scratch, "logs", folder, sizeof folder), 0777), 0);
    assert_true(trial_log_path(f->db, f->plan.trials[0].key, path, sizeof path));
    assert_true(scratch_write(&f->scratch, path + strlen(f->scratch.folder) + 1, "its words\n"));
    run(f);
    read_log(f, 0, log, sizeof log);
    assert_string_equal(log, "its words\n");
}

static void ignored_interruption_stays_ignored(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"pokes"};
    plan_arms(f, arms, 1, false);
    signal(SIGINT, SIG_IGN);
    run(f);
    signal(SIGINT, SIG_DFL);
    assert_false(f->result.interrupted);
    assert_row(f, 0, "ok", "");
}

static void database_that_fails_stops_no_trial_that_runs(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"mends", "spoils", "ok"};
    char path[160];
    fclose(f->options.talk);
    f->options.talk = fopen(scratch_path(&f->scratch, "said", path, sizeof path), "w");
    setvbuf(f->options.talk, NULL, _IOLBF, 0);
    plan_arms(f, arms, 3, false);
    assert_false(sweep_run(f->store, &f->plan, &f->options, &f->result, &f->error));
    assert_non_null(strstr(f->error.text, "no such table"));
    assert_row(f, 0, "ok", "");
    assert_row(f, 1, "running", ""); /* until the next sweep finds that its process is gone */
    assert_row(f, 2, "planned", "");
}

static void interruption_ends_profiles_that_wait_for_their_turn(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"turns-1", "turns-2", "turns-3"};
    plan_arms(f, arms, 3, true);
    char runs[8192];
    setenv("HEADROOM_TEST_INTERRUPT", "1", 1);
    run(f);
    unsetenv("HEADROOM_TEST_INTERRUPT");
    read_runs(f, runs, sizeof runs);
    assert_int_equal(count(runs, "told to end\n"), 3); /* nobody had to be killed */
    assert_true(f->result.interrupted);
    for (size_t i = 1; i < 6; i += 2) assert_row(f, i, "interrupted", "the sweep was stopped");
    assert_int_equal(f->result.n_left, 3);
}

static void interruption_marks_what_ran_keeps_what_ended_and_resumes(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"interrupts", "ok", "hangs"};
    plan_arms(f, arms, 3, true);
    f->options.jobs = 1;
    run(f);
    assert_true(f->result.interrupted);
    assert_row(f, 0, "interrupted", "the sweep was stopped");
    assert_row(f, 2, "planned", "");
    assert_row(f, 1, "planned", ""); /* its profile */
    assert_int_equal(f->result.n_left, 6);
    setenv("HEADROOM_TEST_ALL_OK", "1", 1);
    plan_arms(f, arms, 3, true);
    run(f);
    assert_false(f->result.interrupted);
    assert_int_equal(f->result.n_ok, 6);
}

static void second_signal_kills_what_ignores_the_first(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"stubborn"};
    plan_arms(f, arms, 1, false);
    run(f);
    assert_row(f, 0, "interrupted", "the sweep was stopped");
    assert_int_equal(f->result.n_left, 1);
}

static void a_request_to_stop_that_comes_twice_is_one(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"asks-twice"};
    plan_arms(f, arms, 1, false);
    run(f);
    assert_true(f->result.interrupted);
    assert_row(f, 0, "ok", ""); /* nobody killed it */
}

static void who_is_told_to_end_has_as_long_as_a_kill_would_lose(void **state) {
    (void)state;
    assert_true(trial_process_grace(0.5, 2) == 5);
    assert_true(trial_process_grace(90, 2) == 90);
    assert_true(trial_process_grace(3000, 2) == 120); /* the rest was saved */
    assert_true(trial_process_grace(3000, 0) == 3000);
}

static pid_t start_sweep(struct fixture *f) {
    pid_t sweep = fork();
    if (sweep == 0) {
        struct store *store = NULL; /* a connection does not survive a fork */
        if (store_open(f->db, &store, &f->error))
            sweep_run(store, &f->plan, &f->options, &f->result, &f->error);
        _exit(0);
    }
    return sweep;
}

/* How many profiles have a status. */
static int count_profiles(struct fixture *f, const char *status) {
    struct trial_list list;
    int n = 0;
    assert_true(store_list_trials(f->store, status, &list, &f->error));
    for (size_t i = 0; i < list.n; i++) n += strcmp(list.rows[i].kind, "profile") == 0;
    trial_list_free(&list);
    return n;
}

static void profiles_that_are_finished_outlive_a_killed_sweep(void **state) {
    struct fixture *f = *state;
    char runs[8192], begin[32];
    int n_recovered, n_ok, n_begun = 0;
    static const char *const arms[] = {"turns-1", "turns-2", "turns-3"};
    plan_arms(f, arms, 3, true);
    pid_t sweep = start_sweep(f);
    for (int i = 0; i < 12000 && count_profiles(f, "ok") == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    kill(sweep, SIGKILL);
    assert_int_equal(waitpid(sweep, NULL, 0), sweep);
    for (int i = 0; i < 6000 && count_profiles(f, "running") > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        assert_true(store_recover(f->store, false, &n_recovered, &f->error));
    }
    assert_true((n_ok = count_profiles(f, "ok")) > 0);
    plan_arms(f, arms, 3, true);
    run(f);
    assert_int_equal(f->result.n_ok, 3 - n_ok);
    assert_int_equal(count_profiles(f, "ok"), 3);
    read_runs(f, runs, sizeof runs);
    for (int i = 0; i < 3; i++) {
        snprintf(begin, sizeof begin, "begin %s/1 profile", arms[i]);
        n_begun += count(runs, begin);
    }
    assert_int_equal(n_begun, 3 + 3 - n_ok); /* the finished ones once */
}

/* The sweep in a process of its own is killed outright; its trial must not outlive it. */
static void killed_sweep_leaves_no_orphan_and_is_recovered(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"hangs"};
    char runs[1024] = "";
    int trial = 0, recovered, status = 0;
    plan_arms(f, arms, 1, false);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that the orphan can be waited for here */
    pid_t sweep = start_sweep(f);
    for (int i = 0; i < 6000 && trial == 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        read_runs(f, runs, sizeof runs);
        if (sscanf(runs, "begin hangs/1 train %d\n", &trial) != 1) trial = 0;
    }
    kill(sweep, SIGKILL);
    assert_int_equal(waitpid(sweep, NULL, 0), sweep);
    assert_int_not_equal(trial, 0);
    pid_t ended = 0;
    for (int i = 0; i < 3000 && ended == 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        ended = waitpid(trial, &status, WNOHANG);
    }
    if (ended == 0) kill(trial, SIGKILL);
    assert_int_equal(ended, trial);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 0);

    assert_row(f, 0, "running", "");
    assert_true(store_recover(f->store, false, &recovered, &f->error));
    assert_int_equal(recovered, 1);
    setenv("HEADROOM_TEST_ALL_OK", "1", 1);
    plan_arms(f, arms, 1, false);
    run(f);
    assert_row(f, 0, "ok", "");
}

static void folder_that_cannot_hold_logs_is_named(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"ok"};
    char path[160];
    plan_arms(f, arms, 1, false);
    snprintf(path, sizeof path, "%s/x.db", f->db); /* below a regular file */
    f->options.db = path;
    assert_false(sweep_run(f->store, &f->plan, &f->options, &f->result, &f->error));
    assert_non_null(strstr(f->error.text, "logs"));
    assert_row(f, 0, "planned", "");
}

MAIN_OF_SWEEPS(TEST(every_way_to_end_is_a_row_with_its_reason),
               TEST(program_that_does_not_exist_is_the_reason),
               TEST(hanging_trials_are_stopped_each_after_the_timeout),
               TEST(trial_without_progress_is_ended_and_one_that_waits_for_another_is_not),
               TEST(stopping_a_training_from_outside_does_not_stop_its_time),
               TEST(log_holds_every_attempt_and_only_its_own_words_are_the_reason),
               TEST(log_folder_that_goes_away_is_made_again),
               TEST(log_of_a_trial_that_another_process_runs_stays_as_it_is),
               TEST(ignored_interruption_stays_ignored),
               TEST(database_that_fails_stops_no_trial_that_runs),
               TEST(interruption_ends_profiles_that_wait_for_their_turn),
               TEST(profiles_that_are_finished_outlive_a_killed_sweep),
               TEST(interruption_marks_what_ran_keeps_what_ended_and_resumes),
               TEST(second_signal_kills_what_ignores_the_first),
               TEST(a_request_to_stop_that_comes_twice_is_one),
               TEST(who_is_told_to_end_has_as_long_as_a_kill_would_lose),
               TEST(killed_sweep_leaves_no_orphan_and_is_recovered),
               TEST(folder_that_cannot_hold_logs_is_named))
