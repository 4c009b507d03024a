/*
 * Sweeps for tests, whose trials do what their names say: the trial program is the test itself,
 * called as `trial ID --db PATH`, so a test is a list of arms.
 */
#ifndef HEADROOM_TESTS_HARNESS_SWEEP_SWEEP_FIXTURE_H
#define HEADROOM_TESTS_HARNESS_SWEEP_SWEEP_FIXTURE_H

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

static inline double own_cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

/* Appends "begin ok/1 train PID" or "end ..." to the file `runs` beside the database; with " on N"
 * behind it where the process was given a card. */
static inline void note(const char *db, const char *what, const struct trial_row *row) {
    char path[256], line[256];
    snprintf(path, sizeof path, "%.*s/runs", (int)(strrchr(db, '/') - db), db);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    const char *card = getenv("CUDA_VISIBLE_DEVICES");
    int n = snprintf(line, sizeof line, "%s %s/%" PRId64 " %s %d%s%s\n", what, row->arm, row->seed,
                     row->kind, (int)getpid(), card ? " on " : "", card ? card : "");
    if (file < 0 || write(file, line, (size_t)n) != n) _exit(99);
    close(file);
}

/* Another sweep's process: it has the row when this one ends, and finishes it while the sweep waits
 * to write what became of this one. */
static inline int let_another_finish(const char *db, int64_t id, struct error *error) {
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

/* With a log of its own: "logs/1 has words", or nothing but the line that every attempt begins
 * with. */
static inline int write_log(const char *db, const struct trial_row *row, struct error *error) {
    char folder[256], command[300];
    fprintf(stderr, "before\n");
    if (!trial_log_folder(db, folder, sizeof folder)) return 99;
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    if (!strcmp(row->arm, "logs-anew") && system(command) != 0) return 99;
    if (!trial_log_open(db, row->key, row->id, error)) return 99;
    if (strcmp(row->arm, "logs-silently") != 0) printf("%s has words\n", row->arm);
    return 3;
}

/* Says that it was told to end, in the file of runs, and ends: what is killed says nothing. */
static inline int *end_notes(void) {
    static int file = -1;
    return &file;
}

static inline void note_the_end(int number) {
    static const char line[] = "told to end\n";
    (void)number;
    _exit(write(*end_notes(), line, sizeof line - 1) < 0 ? 99 : 98);
}

static inline void note_when_told_to_end(const char *db) {
    char path[256];
    snprintf(path, sizeof path, "%.*s/runs", (int)(strrchr(db, '/') - db), db);
    *end_notes() = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    signal(SIGTERM, note_the_end);
}

/* Uses the processor now and then, a tenth of so many seconds. */
static inline void work_for(double seconds) {
    double end = clock_seconds() + seconds;
    while (clock_seconds() < end) {
        double until = own_cpu_seconds() + 0.02;
        while (own_cpu_seconds() < until) continue;
        nanosleep(&(struct timespec){.tv_nsec = 180000000}, NULL);
    }
}

static inline bool run_sql(const char *db, const char *sql) {
    sqlite3 *connection;
    bool ok = sqlite3_open(db, &connection) == SQLITE_OK &&
              sqlite3_busy_timeout(connection, 10000) == SQLITE_OK &&
              sqlite3_exec(connection, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_close(connection);
    return ok;
}

/* Until the file `name` beside the database has the text. */
static inline bool wait_for_text(const char *db, const char *name, const char *text) {
    char path[256], found[8192];
    snprintf(path, sizeof path, "%.*s/%s", (int)(strrchr(db, '/') - db), db, name);
    for (int i = 0; i < 2400; i++) {
        FILE *file = fopen(path, "r");
        size_t n = file ? fread(found, 1, sizeof found - 1, file) : 0;
        found[n] = '\0';
        if (file) fclose(file);
        if (strstr(found, text)) return true;
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return false;
}

/* Takes the sweep's table away, and gives it back once it has said that it misses it. Views keep the
 * table's name: to write it anew in all of them takes SQLite seconds. */
#define RENAME(from, to) "PRAGMA legacy_alter_table = ON; ALTER TABLE " from " RENAME TO " to
static inline int spoil(const char *db) {
    return wait_for_text(db, "runs", "begin mends") && run_sql(db, RENAME("trial", "hidden")) ? 7
                                                                                              : 99;
}

static inline bool mend(const char *db) {
    return wait_for_text(db, "said", "no more trials") && run_sql(db, RENAME("hidden", "trial"));
}

/* Asks the sweep to stop and, as soon as it has heard, once more, as timeout(1) does; then takes the time in
 * which it would be killed. */
static inline void ask_twice(void) {
    sigset_t term;
    int number;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    kill(getppid(), SIGTERM);
    sigwait(&term, &number);
    kill(getppid(), SIGTERM);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
}

static inline int act(struct store *store, const char *db, const struct trial_row *row,
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
    if (!strncmp(arm, "hangs", 5)) pause();
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
    if (!strcmp(arm, "asks-twice")) ask_twice();
    if (!strcmp(arm, "stubborn")) {
        signal(SIGTERM, SIG_IGN);
        for (;;) { /* until a second one arrives: those that wait together are one */
            kill(getppid(), SIGTERM);
            nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        }
    }
    const char *threads = getenv("OPENBLAS_NUM_THREADS");
    if (!strcmp(arm, "threads") && (!threads || strcmp(threads, "1") != 0)) return 5;
    if (getenv("HEADROOM_TEST_INTERRUPT")) note_when_told_to_end(db);
    for (int turn = 0; !strcmp(row->kind, "profile") && turn < N_TURNS; turn++) {
        if (strncmp(arm, "turns", 5) != 0) break;
        turn_wait();
        note(db, "from", row);
        if (turn == 1 && getenv("HEADROOM_TEST_INTERRUPT")) kill(getppid(), SIGINT), pause();
        const char *turn_ms = getenv("HEADROOM_TEST_TURN_MS");
        usleep(1000 * (turn_ms ? (unsigned)atoi(turn_ms) : 100));
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

static inline int trial_program(const char *id, const char *db) {
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

static inline int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !scratch_make(&f->scratch)) return -1;
    *state = f;
    scratch_path(&f->scratch, "results.db", f->db, sizeof f->db);
    f->options = (struct sweep_options){
        .db = f->db, .jobs = 2, .talk = fmemopen(f->said, sizeof f->said, "w")};
    unsetenv("HEADROOM_TEST_ALL_OK");
    unsetenv("CUDA_VISIBLE_DEVICES");
    return f->options.talk && store_open(f->db, &f->store, &f->error) ? 0 : -1;
}

static inline int remove_fixture(void **state) {
    struct fixture *f = *state;
    plan_free(&f->plan);
    store_close(f->store);
    fclose(f->options.talk);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

/* Plans one workload whose arms are named after what their trials do. */
static inline void plan_arms(struct fixture *f, const char *const *arms, size_t n, bool profile) {
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
static inline void plan_list(struct fixture *f, const char *list) {
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

static inline void run(struct fixture *f) {
    if (!sweep_run(f->store, &f->plan, &f->options, &f->result, &f->error))
        fail_msg("%s", f->error.text);
}

static inline void assert_row(struct fixture *f, size_t i, const char *status, const char *reason) {
    struct trial_row row;
    if (!store_load_trial(f->store, f->plan.trials[i].id, &row, &f->error))
        fail_msg("%s", f->error.text);
    if (strcmp(row.status, status) != 0 || !strstr(row.reason, reason))
        fail_msg("%s is %s: '%s'; expected %s: '%s'", row.arm, row.status, row.reason, status,
                 reason);
    trial_row_free(&row);
}

static inline void assert_said(struct fixture *f, const char *text) {
    fflush(f->options.talk);
    if (!strstr(f->said, text)) fail_msg("'%s' does not say '%s'", f->said, text);
}

/* The notes of all trial processes, in order. */
static inline void read_runs(const struct fixture *f, char *out, size_t size) {
    char path[128];
    FILE *file = fopen(scratch_path(&f->scratch, "runs", path, sizeof path), "r");
    size_t n = file ? fread(out, 1, size - 1, file) : 0;
    out[n] = '\0';
    if (file) fclose(file);
}

static inline int count(const char *text, const char *what) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at++) n++;
    return n;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

/* The test's main: a trial where it is called as one. */
/* Whatever else a sweep says to its trials, none of them may get to the tests: each would start
 * sweeps of its own, without an end. */
#define MAIN_OF_SWEEPS(...)                                                                        \
    int main(int argc, char **argv) {                                                              \
        unsetenv("HEADROOM_DATA"); /* messages here are those of the default root */               \
        signal(SIGINT, SIG_DFL);   /* a job in the background begins with it ignored */            \
        if (argc > 1 && strcmp(argv[1], "trial") == 0)                                             \
            return argc >= 5 ? trial_program(argv[2], argv[4]) : 97;                               \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                           \
        return cmocka_run_group_tests(tests, NULL, NULL);                                          \
    }

#endif
