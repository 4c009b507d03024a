/*
 * The sweep's processes: what succeeds, fails, crashes, hangs or says nothing each becomes a row
 * with its reason, and interruptions lose nothing. The trial program is this executable itself:
 * called as `trial ID --db PATH`, it behaves as the arm's name says, so a test is a list of arms.
 */
#include "harness/measure/turn.h"
#include "harness/sweep/sweep.h"
#include "harness/trial/trial_log.h"
#include "models/base/clock.h"
#include "tests/harness/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the trial program ---- */

enum { N_TURNS = 4 }; /* of profiles whose arm's name begins with "turns" */

static double own_cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

/* Appends "begin ok/1 train PID" or "end ..." to the file `runs` beside the database. */
static void note(const char *db, const char *what, const struct trial_row *row) {
    char path[256], line[256];
    snprintf(path, sizeof path, "%.*s/runs", (int)(strrchr(db, '/') - db), db);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    int n = snprintf(line, sizeof line, "%s %s/%" PRId64 " %s %d\n", what, row->arm, row->seed,
                     row->kind, (int)getpid());
    if (file < 0 || write(file, line, (size_t)n) != n) _exit(99);
    close(file);
}

/* Another sweep's process: it has the row when this one ends, and finishes it while the sweep waits to
 * write what became of this one. */
static int let_another_finish(const char *db, int64_t id, struct error *error) {
    struct store *store = NULL;
    struct training_result training = {.n_classes = 2};
    char ready;
    int begun[2];
    if (pipe2(begun, O_CLOEXEC) != 0) return 99;
    pid_t other = fork();
    if (other == 0) {
        bool ok = store_open(db, &store, error) && store_claim(store, id, getpid(), 0, error) &&
                  store_begin(store, error) && store_finish_training(store, id, &training, error) &&
                  write(begun[1], "", 1) == 1;
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        ok = ok && store_end(store, true, error);
        store_close(store);
        _exit(!ok);
    }
    return read(begun[0], &ready, 1) == 1 ? 98 : 99;
}

/* With a log of its own: "logs/1 has words", or nothing but the line that every attempt begins with. */
static int write_log(const char *db, const struct trial_row *row, struct error *error) {
    char folder[256], command[300];
    fprintf(stderr, "before\n");
    if (!trial_log_folder(db, folder, sizeof folder)) return 99;
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    if (!strcmp(row->arm, "logs-anew") && system(command) != 0) return 99;
    if (!trial_log_open(db, row->key, row->id, error)) return 99;
    if (strcmp(row->arm, "logs-silently") != 0) printf("%s has words\n", row->arm);
    return 3;
}

/* Uses the processor now and then, for so many seconds. */
static void work_for(double seconds) {
    double end = clock_seconds() + seconds;
    while (clock_seconds() < end) {
        double until = own_cpu_seconds() + 0.02;
        while (own_cpu_seconds() < until) continue;
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
}

static bool run_sql(const char *db, const char *sql) {
    sqlite3 *connection;
    bool ok = sqlite3_open(db, &connection) == SQLITE_OK &&
              sqlite3_busy_timeout(connection, 10000) == SQLITE_OK &&
              sqlite3_exec(connection, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(connection);
    return ok;
}

/* Until the file `name` beside the database has the text. */
static bool wait_for_text(const char *db, const char *name, const char *text) {
    char command[400];
    snprintf(command, sizeof command,
             "for i in $(seq 400); do grep -qs '%s' '%.*s/%s' && exit 0; sleep 0.05; done; exit 1",
             text, (int)(strrchr(db, '/') - db), db, name);
    return system(command) == 0;
}

/* Takes the sweep's table away, and gives it back once it has said that it misses it. */
static int spoil(const char *db) {
    return wait_for_text(db, "runs", "begin mends") &&
                   run_sql(db, "ALTER TABLE trial RENAME TO hidden")
               ? 7
               : 99;
}

static bool mend(const char *db) {
    return wait_for_text(db, "said", "no more trials") &&
           run_sql(db, "ALTER TABLE hidden RENAME TO trial");
}

static int act(struct store *store, const char *db, const struct trial_row *row,
               struct error *error) {
    struct training_result training = {.n_classes = 2};
    struct profiling_result profiling = {0};
    const char *arm = getenv("HEADROOM_TEST_ALL_OK") ? "ok" : row->arm;
    if (!strcmp(arm, "unstarted")) return 7; /* dies before it claims its row */
    if (!strcmp(arm, "early")) return fprintf(stderr, "no claim yet\n") < 0 ? 99 : 7;
    if (!strcmp(arm, "overtaken")) return let_another_finish(db, row->id, error);
    if (!strcmp(arm, "taken")) return store_claim(store, row->id, 1, 0, error) ? 98 : 99;
    if (!store_claim(store, row->id, getpid(), 0, error)) return 98;
    note(db, "begin", row);
    if (!strncmp(arm, "logs", 4)) return write_log(db, row, error);
    if (!strcmp(arm, "fails")) {
        fprintf(stderr, "first line\nno room for the dragon\n\n");
        return 3;
    }
    if (!strcmp(arm, "explains")) {
        store_end_trial(store, row->id, "failed", "loss became NaN", error);
        return 1;
    }
    if (!strcmp(arm, "dies")) raise(SIGTERM);
    if (!strcmp(arm, "silent")) return 0;
    if (!strcmp(arm, "hangs")) pause();
    if (!strcmp(arm, "freezes")) raise(SIGSTOP);
    if (!strcmp(arm, "works")) work_for(5);
    if (!strcmp(arm, "simulates")) {
        if (fork() == 0) work_for(5), _exit(0);
        wait(NULL);
    }
    if (!strcmp(arm, "pokes")) kill(getppid(), SIGINT);
    if (!strcmp(arm, "spoils")) return spoil(db);
    if (!strcmp(arm, "mends") && !mend(db)) return 99;
    if (!strcmp(arm, "interrupts")) {
        kill(getppid(), SIGINT);
        pause();
    }
    if (!strcmp(arm, "stubborn")) {
        signal(SIGTERM, SIG_IGN);
        kill(getppid(), SIGTERM);
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL); /* else both arrive as one */
        kill(getppid(), SIGTERM);
        for (;;) pause();
    }
    const char *threads = getenv("OPENBLAS_NUM_THREADS");
    if (!strcmp(arm, "threads") && (!threads || strcmp(threads, "1") != 0)) return 5;
    for (int turn = 0; !strcmp(row->kind, "profile") && turn < N_TURNS; turn++) {
        if (strncmp(arm, "turns", 5) != 0) break;
        turn_wait();
        note(db, "from", row);
        if (turn == 1 && getenv("HEADROOM_TEST_INTERRUPT")) kill(getppid(), SIGINT), pause();
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        note(db, "to", row);
    }
    while (!strncmp(arm, "burns", 5) && own_cpu_seconds() < 0.1) continue;
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    note(db, "end", row);
    bool ok = strcmp(row->kind, "train") == 0
                  ? store_finish_training(store, row->id, &training, error)
                  : store_finish_profiling(store, row->id, &profiling, error);
    return ok ? 0 : 97;
}

static int trial_program(const char *id, const char *db) {
    struct store *store = NULL;
    struct trial_row row = {0};
    struct error error = {0};
    int status = 96;
    if (store_open(db, &store, &error) &&
        store_load_trial(store, strtoll(id, NULL, 10), &row, &error))
        status = act(store, db, &row, &error);
    if (error.text[0]) fprintf(stderr, "%s\n", error.text);
    trial_row_free(&row);
    store_close(store);
    return status;
}

/* ---- fixture ---- */

struct fixture {
    struct scratch scratch;
    char db[128];
    struct store *store;
    struct plan plan;
    struct sweep_options options;
    struct sweep_result result;
    struct error error;
    char said[8192];
};

static int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !scratch_make(&f->scratch)) return -1;
    *state = f;
    scratch_path(&f->scratch, "results.db", f->db, sizeof f->db);
    f->options = (struct sweep_options){
        .db = f->db, .jobs = 2, .talk = fmemopen(f->said, sizeof f->said, "w")};
    unsetenv("HEADROOM_TEST_ALL_OK");
    return f->options.talk && store_open(f->db, &f->store, &f->error) ? 0 : -1;
}

static int remove_fixture(void **state) {
    struct fixture *f = *state;
    plan_free(&f->plan);
    store_close(f->store);
    fclose(f->options.talk);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

/* Plans one workload whose arms are named after what their trials do. */
static void plan_arms(struct fixture *f, const char *const *arms, size_t n, bool profile) {
    char yaml[4096];
    int used =
        snprintf(yaml, sizeof yaml,
                 "workload: w\ntier: default\ndata: {source: topic}\nseeds: 1\n"
                 "model: {layers: 1, dim: 16, heads: 8}\nprofile: {seeds: %d, again: 0}\narms:\n",
                 profile);
    for (size_t i = 0; i < n; i++)
        used += snprintf(yaml + used, sizeof yaml - (size_t)used,
                         "  - {arm: %s, policy: budgetformer, cost: 0.%zu}\n", arms[i], i + 1);
    assert_true(scratch_write(&f->scratch, "w.yaml", yaml));
    struct plan_request request = {.folder = f->scratch.folder, .profile = true};
    plan_free(&f->plan);
    if (!plan_make(f->store, &request, &f->plan, &f->error)) fail_msg("%s", f->error.text);
    assert_int_equal(f->plan.n_problems, 0);
    assert_int_equal(f->plan.n_trials, profile ? 2 * n : n);
}

/* Plans `w`: the arms of `list`, in YAML's words, each a trial of its own. */
static void plan_list(struct fixture *f, const char *list) {
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             "workload: w\ntier: default\ndata: {source: topic}\nseeds: 1\n"
             "model: {layers: 1, dim: 16, heads: 8}\nprofile: {seeds: 0}\narms:\n%s",
             list);
    assert_true(scratch_write(&f->scratch, "w.yaml", yaml));
    struct plan_request request = {.folder = f->scratch.folder, .profile = true};
    plan_free(&f->plan);
    if (!plan_make(f->store, &request, &f->plan, &f->error)) fail_msg("%s", f->error.text);
    if (f->plan.n_problems) fail_msg("%s", f->plan.problems[0].text);
}

static void run(struct fixture *f) {
    if (!sweep_run(f->store, &f->plan, &f->options, &f->result, &f->error))
        fail_msg("%s", f->error.text);
}

static void assert_row(struct fixture *f, size_t i, const char *status, const char *reason) {
    struct trial_row row;
    if (!store_load_trial(f->store, f->plan.trials[i].id, &row, &f->error))
        fail_msg("%s", f->error.text);
    if (strcmp(row.status, status) != 0 || !strstr(row.reason, reason))
        fail_msg("%s is %s: '%s'; expected %s: '%s'", row.arm, row.status, row.reason, status,
                 reason);
    trial_row_free(&row);
}

static void assert_said(struct fixture *f, const char *text) {
    fflush(f->options.talk);
    if (!strstr(f->said, text)) fail_msg("'%s' does not say '%s'", f->said, text);
}

/* The notes of all trial processes, in order. */
static void read_runs(const struct fixture *f, char *out, size_t size) {
    char path[128];
    FILE *file = fopen(scratch_path(&f->scratch, "runs", path, sizeof path), "r");
    size_t n = file ? fread(out, 1, size - 1, file) : 0;
    out[n] = '\0';
    if (file) fclose(file);
}

static int count(const char *text, const char *what) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at++) n++;
    return n;
}

/* ---- behaviours ---- */

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

static void hanging_trial_is_stopped_after_the_timeout(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"hangs", "ok"};
    plan_arms(f, arms, 2, false);
    f->options.timeout = 1;
    run(f);
    assert_row(f, 0, "timeout", "longer than 1 s");
    assert_row(f, 1, "ok", "");
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

static void finished_trials_never_run_again_and_failed_ones_do(void **state) {
    struct fixture *f = *state;
    char runs[2048];
    static const char *const arms[] = {"fails", "ok"};
    plan_arms(f, arms, 2, false);
    run(f);
    setenv("HEADROOM_TEST_ALL_OK", "1", 1);
    plan_arms(f, arms, 2, false);
    run(f);
    assert_row(f, 0, "ok", "");
    assert_int_equal(f->result.n_ok, 1);
    plan_arms(f, arms, 2, false);
    run(f);
    assert_int_equal(f->result.n_ok + f->result.n_failed, 0);
    read_runs(f, runs, sizeof runs);
    assert_int_equal(count(runs, "begin ok/1"), 1);
    assert_int_equal(count(runs, "begin fails/1"), 2);
}

static void profiles_run_one_at_a_time_after_all_training(void **state) {
    struct fixture *f = *state;
    char runs[4096];
    static const char *const arms[] = {"ok", "ok2", "ok3", "fails"};
    plan_arms(f, arms, 4, true);
    run(f);
    read_runs(f, runs, sizeof runs);
    const char *profiles = strstr(runs, "profile");
    assert_non_null(profiles);
    assert_null(strstr(profiles, "train"));
    assert_int_equal(count(runs, "profile"), 6); /* begin and end of three */
    char kind = 'e';
    for (const char *line = strchr(runs, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
        const char *end = strchr(line + 1, '\n');
        if (!end || !memmem(line, (size_t)(end - line), "profile", 7)) continue;
        assert_int_not_equal(line[1], kind); /* begin, end, begin, end: never two at once */
        kind = line[1];
    }
    assert_row(f, 7, "skipped", "its training, trial");
    assert_row(f, 7, "skipped", "is failed");
    assert_int_equal(f->result.n_skipped, 1);
}

static void profiles_take_turns_in_an_order_that_is_new_in_every_round(void **state) {
    struct fixture *f = *state;
    char runs[8192], order[N_TURNS][8] = {{0}};
    enum { N = 6 };
    static const char *const arms[N] = {"turns-1", "turns-2", "turns-3",
                                        "turns-4", "turns-5", "turns-6"};
    f->options.timeout = 2; /* each runs for 0.4 s, all of them together for longer than that */
    plan_arms(f, arms, N, true);
    run(f);
    for (size_t i = 0; i < 2 * N; i++) assert_row(f, i, "ok", "");
    read_runs(f, runs, sizeof runs);
    const char *line = strstr(runs, "from ");
    for (int round = 0; round < N_TURNS; round++)
        for (int i = 0; i < N; i++) {
            char arm, same;
            assert_non_null(line);
            /* Whoever begins a turn ends it before the next begins. */
            assert_int_equal(sscanf(line, "from turns-%c/1 profile %*d\nto turns-%c", &arm, &same),
                             2);
            assert_int_equal(arm, same);
            assert_null(strchr(order[round], arm)); /* each once in a round */
            order[round][i] = arm;
            line = strstr(line + 1, "from ");
        }
    assert_null(line);
    bool differs = false;
    for (int round = 1; round < N_TURNS; round++)
        differs = differs || strcmp(order[round], order[0]) != 0;
    assert_true(differs);
}

static void interruption_ends_profiles_that_wait_for_their_turn(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"turns-1", "turns-2", "turns-3"};
    plan_arms(f, arms, 3, true);
    setenv("HEADROOM_TEST_INTERRUPT", "1", 1);
    double start = clock_seconds();
    run(f);
    unsetenv("HEADROOM_TEST_INTERRUPT");
    assert_true(clock_seconds() - start < 4); /* nobody had to be killed after the grace period */
    assert_true(f->result.interrupted);
    for (size_t i = 1; i < 6; i += 2) assert_row(f, i, "interrupted", "the sweep was stopped");
    assert_int_equal(f->result.n_left, 3);
}

static const char chains[] = "  - {arm: last, policy: flop-matched, base: middle}\n"
                             "  - {arm: middle, policy: fixed-matched, base: ok}\n"
                             "  - {arm: ok, policy: budgetformer}\n"
                             "  - {arm: lost, policy: flop-matched, base: orphan}\n"
                             "  - {arm: orphan, policy: fixed-matched, base: fails}\n"
                             "  - {arm: fails, policy: budgetformer, cost: 1}\n";

static void trial_starts_after_its_base_and_not_without(void **state) {
    struct fixture *f = *state;
    char runs[4096];
    plan_list(f, chains); /* in the plan: ok, middle, last, fails, orphan, lost */
    run(f);
    read_runs(f, runs, sizeof runs);
    const char *ok = strstr(runs, "end ok/"), *middle = strstr(runs, "begin middle/");
    const char *middle_end = strstr(runs, "end middle/"), *last = strstr(runs, "begin last/");
    assert_true(ok && middle && middle_end && last);
    assert_true(ok < middle && middle_end < last);
    assert_null(strstr(runs, "orphan"));
    assert_null(strstr(runs, "lost"));
    assert_row(f, 2, "ok", "");
    assert_row(f, 4, "skipped", "its base, trial 4, is failed");
    assert_row(f, 5, "skipped", "its base, trial 5, is skipped");
    assert_int_equal(f->result.n_ok, 3);
    assert_int_equal(f->result.n_failed, 1);
    assert_int_equal(f->result.n_skipped, 2);

    setenv("HEADROOM_TEST_ALL_OK", "1", 1);
    plan_list(f, chains);
    run(f);
    assert_int_equal(f->result.n_ok, 3); /* what failed and what waited for it; nothing twice */
    for (size_t i = 0; i < 6; i++) assert_row(f, i, "ok", "");
}

static void interrupted_base_leaves_who_waits_for_it_planned(void **state) {
    struct fixture *f = *state;
    plan_list(f, "  - {arm: waits, policy: fixed-matched, base: interrupts}\n"
                 "  - {arm: interrupts, policy: budgetformer}\n");
    run(f);
    assert_true(f->result.interrupted);
    assert_row(f, 0, "interrupted", "stopped");
    assert_row(f, 1, "planned", "");
    assert_int_equal(f->result.n_left, 2);
}

static void base_that_runs_elsewhere_is_not_waited_for(void **state) {
    struct fixture *f = *state;
    static const char arms[] = "  - {arm: waits, policy: fixed-matched, base: busy}\n"
                               "  - {arm: busy, policy: budgetformer}\n";
    plan_list(f, arms);
    assert_true(store_claim(f->store, f->plan.trials[0].id, getpid(), 0, &f->error));
    plan_list(f, arms);
    run(f);
    assert_row(f, 0, "running", "");
    assert_row(f, 1, "planned", "");
    assert_int_equal(f->result.n_elsewhere, 2);
    assert_int_equal(f->result.n_skipped, 0);
    assert_said(f, "left w/busy/1: trial 1 is run by pid ");
    assert_said(f, "left w/waits/1: its base, trial 1 is run by pid ");
}

static void same_trial_of_two_workloads_runs_once_at_a_time(void **state) {
    struct fixture *f = *state;
    char runs[1024];
    static const char yaml[] = "workload: %s\ntier: default\ndata: {source: topic}\nseeds: 1\n"
                               "model: {layers: 1, dim: 16, heads: 8}\nprofile: {seeds: 0}\n"
                               "arms: [{arm: ok, policy: budgetformer}]\n";
    for (int i = 0; i < 2; i++) {
        char file[16], name[4], text[512];
        snprintf(name, sizeof name, "w%d", i);
        snprintf(file, sizeof file, "%s.yaml", name);
        snprintf(text, sizeof text, yaml, name);
        assert_true(scratch_write(&f->scratch, file, text));
    }
    struct plan_request request = {.folder = f->scratch.folder, .profile = true};
    if (!plan_make(f->store, &request, &f->plan, &f->error)) fail_msg("%s", f->error.text);
    assert_int_equal(f->plan.n_trials, 2);
    assert_string_equal(f->plan.trials[0].key, f->plan.trials[1].key);
    run(f);
    assert_int_equal(f->result.n_ok, 2);
    read_runs(f, runs, sizeof runs);
    assert_true(strstr(runs, "end ok/1") < strrchr(runs, 'b')); /* of the second "begin" */
}

static void trial_that_another_process_took_first_stays_its_own(void **state) {
    struct fixture *f = *state;
    plan_list(f, "  - {arm: taken, policy: budgetformer}\n"
                 "  - {arm: waits, policy: fixed-matched, base: taken}\n");
    run(f);
    assert_row(f, 0, "running", ""); /* by process 1, which is there and not ours */
    assert_row(f, 1, "planned", "");
    assert_int_equal(f->result.n_failed, 0);
    assert_int_equal(f->result.n_elsewhere, 2);
    assert_said(f, "left w/taken/1: trial 1 is run by pid 1 on host ");
}

static void trial_that_another_process_finished_meanwhile_is_ok(void **state) {
    struct fixture *f = *state;
    plan_list(f, "  - {arm: overtaken, policy: budgetformer}\n");
    run(f);
    assert_row(f, 0, "ok", "");
    assert_int_equal(f->result.n_ok, 1);
    assert_int_equal(f->result.n_failed + f->result.n_skipped, 0);
}

static void absent_data_skips_with_the_fix_and_runs_when_it_comes(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"ok"};
    plan_arms(f, arms, 1, true);
    for (size_t i = 0; i < 2; i++) strcpy(f->plan.trials[i].missing, "data/x.label");
    run(f);
    assert_row(f, 0, "skipped", "data/x.label is absent: x.label is looked for in");
    assert_row(f, 1, "skipped", "looked for in");
    assert_int_equal(f->result.n_skipped, 2);
    plan_arms(f, arms, 1, true);
    run(f);
    assert_row(f, 0, "ok", "");
    assert_row(f, 1, "ok", "");
}

/* SQLite raises a number in the file's header with every transaction that writes. */
static unsigned transactions(const struct fixture *f) {
    unsigned char bytes[28] = {0};
    FILE *file = fopen(f->db, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
    return (unsigned)bytes[26] << 8 | bytes[27];
}

static void what_is_known_before_any_trial_runs_is_written_at_once(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"fails", "explains", "dies", "silent", "unstarted"};
    plan_arms(f, arms, 5, true);
    for (size_t i = 0; i < 10; i += 2) /* the profiles are planned, and without data */
        if (!store_end_trial(f->store, f->plan.trials[i].id, "failed", "for some reason",
                             &f->error))
            fail_msg("%s", f->error.text);
    plan_arms(f, arms, 5, true);
    for (size_t i = 1; i < 10; i += 2) strcpy(f->plan.trials[i].missing, "data/x.label");
    f->options.jobs = 1;
    f->options.program = "/nonexistent/headroom";
    unsigned before = transactions(f);
    run(f);
    assert_int_equal(f->result.n_failed, 5);
    assert_int_equal(f->result.n_skipped, 5);
    assert_int_equal(transactions(f) - before, 1 + 5); /* and one for the end of each that ran */
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
    for (int i = 0; i < 2000 && count_profiles(f, "ok") == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    kill(sweep, SIGKILL);
    assert_int_equal(waitpid(sweep, NULL, 0), sweep);
    for (int i = 0; i < 400 && count_profiles(f, "running") > 0; i++) {
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
    for (int i = 0; i < 400 && trial == 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        read_runs(f, runs, sizeof runs);
        if (sscanf(runs, "begin hangs/1 train %d\n", &trial) != 1) trial = 0;
    }
    kill(sweep, SIGKILL);
    assert_int_equal(waitpid(sweep, NULL, 0), sweep);
    assert_int_not_equal(trial, 0);
    pid_t ended = 0;
    for (int i = 0; i < 200 && ended == 0; i++) {
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

static void share_of_the_cores_is_what_trials_computed_while_others_waited(void **state) {
    struct fixture *f = *state;
    static const char *const arms[] = {"burns-1", "burns-2", "burns-3",
                                       "burns-4", "burns-5", "burns-6"};
    plan_arms(f, arms, 2, false);
    run(f);
    assert_true(f->result.cores_used < 0); /* nobody had to wait */
    plan_arms(f, arms, 6, false);
    double start = clock_seconds();
    run(f);
    double wall = clock_seconds() - start;
    /* Two of the four new ones had ended when the last one started, each with 0.1 s on a core. */
    assert_int_equal(f->result.n_ok, 4);
    assert_true(2 * wall * f->result.cores_used >= 0.2);
    assert_true(f->result.cores_used < 1.05);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int main(int argc, char **argv) {
    unsetenv("HEADROOM_DATA"); /* messages here are those of the default root */
    if (argc == 5 && strcmp(argv[1], "trial") == 0) return trial_program(argv[2], argv[4]);
    const struct CMUnitTest tests[] = {
        TEST(every_way_to_end_is_a_row_with_its_reason),
        TEST(program_that_does_not_exist_is_the_reason),
        TEST(hanging_trial_is_stopped_after_the_timeout),
        TEST(trial_without_progress_is_ended_and_one_that_waits_for_another_is_not),
        TEST(stopping_a_training_from_outside_does_not_stop_its_time),
        TEST(log_holds_every_attempt_and_only_its_own_words_are_the_reason),
        TEST(log_folder_that_goes_away_is_made_again),
        TEST(log_of_a_trial_that_another_process_runs_stays_as_it_is),
        TEST(ignored_interruption_stays_ignored),
        TEST(database_that_fails_stops_no_trial_that_runs),
        TEST(finished_trials_never_run_again_and_failed_ones_do),
        TEST(profiles_run_one_at_a_time_after_all_training),
        TEST(profiles_take_turns_in_an_order_that_is_new_in_every_round),
        TEST(interruption_ends_profiles_that_wait_for_their_turn),
        TEST(profiles_that_are_finished_outlive_a_killed_sweep),
        TEST(trial_starts_after_its_base_and_not_without),
        TEST(interrupted_base_leaves_who_waits_for_it_planned),
        TEST(base_that_runs_elsewhere_is_not_waited_for),
        TEST(same_trial_of_two_workloads_runs_once_at_a_time),
        TEST(trial_that_another_process_took_first_stays_its_own),
        TEST(trial_that_another_process_finished_meanwhile_is_ok),
        TEST(what_is_known_before_any_trial_runs_is_written_at_once),
        TEST(absent_data_skips_with_the_fix_and_runs_when_it_comes),
        TEST(interruption_marks_what_ran_keeps_what_ended_and_resumes),
        TEST(second_signal_kills_what_ignores_the_first),
        TEST(killed_sweep_leaves_no_orphan_and_is_recovered),
        TEST(folder_that_cannot_hold_logs_is_named),
        TEST(share_of_the_cores_is_what_trials_computed_while_others_waited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
