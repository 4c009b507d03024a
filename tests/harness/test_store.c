/*
 * The results database: what the schema refuses, what the views compute (against numbers worked out
 * by hand), and that nothing finished is lost when processes write at once, die, or run out of
 * disk. Every test has its own database in a fresh folder. All numbers here are made up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/store.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
    char folder[64], path[128];
    struct store *store;
    struct error error;
};

/* Calls a store function and fails the test with its message. */
#define OK(f, call)                                                                                \
    do {                                                                                           \
        if (!(call)) fail_msg("%s", (f)->error.text);                                              \
    } while (0)

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    snprintf(f->folder, sizeof f->folder, "/tmp/headroom-store-XXXXXX");
    if (!mkdtemp(f->folder)) return -1;
    snprintf(f->path, sizeof f->path, "%s/results.db", f->folder);
    *state = f;
    return store_open(f->path, &f->store, &f->error) ? 0 : -1;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    store_close(f->store);
    char journal[160];
    snprintf(journal, sizeof journal, "%s-journal", f->path);
    unlink(journal);
    unlink(f->path);
    rmdir(f->folder);
    free(f);
    return 0;
}

/* Runs SQL on a connection of its own, as a user with the sqlite3 tool would; returns the code. */
static int raw_sql(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return code;
}

/* The first column of the first row; NaN for NULL. No row is a failure. */
static bool first_number(void *context, int n, const char *const *names, const char *const *texts) {
    (void)n;
    (void)names;
    *(double *)context = texts[0] ? strtod(texts[0], NULL) : (double)NAN;
    return false;
}

static double number(struct fixture *f, const char *sql) {
    double value = -12345.0;
    OK(f, store_query(f->store, sql, first_number, &value, &f->error));
    if (value == -12345.0) fail_msg("no row: %s", sql);
    return value;
}

static void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-6 * (1 + fabs(expected))))
        fail_msg("%.9g is not %.9g", value, expected);
}

/* ---- made-up results ---- */

enum { INPUTS = 4, LAYERS = 2, HEADS = 8 };

/* An evaluation over INPUTS inputs in which input i runs k heads in every layer. */
struct made_up {
    struct training_result result;
    struct evaluation_result evaluation[3];
    struct epoch_result epoch;
    int32_t label[INPUTS], predicted[INPUTS], difficulty[INPUTS], length[INPUTS];
    int32_t heads_run[INPUTS * LAYERS];
    float budget[INPUTS * LAYERS];
    uint64_t usage[LAYERS * HEADS];
};

static void make_up(struct made_up *m, double accuracy, const int k[INPUTS]) {
    static const char *const controls[] = {"none", "static", "shuffled"};
    *m = (struct made_up){0};
    double sum = 0;
    for (int i = 0; i < INPUTS; i++) {
        m->label[i] = i % 2;
        m->predicted[i] = 0;
        m->difficulty[i] = i / 2 + 1; /* inputs 0 and 1: 1; inputs 2 and 3: 2 */
        m->length[i] = 10 + i;
        for (int l = 0; l < LAYERS; l++) {
            m->heads_run[i * LAYERS + l] = k[i];
            m->budget[i * LAYERS + l] = (float)k[i] / HEADS;
            for (int h = 0; h < k[i]; h++) m->usage[l * HEADS + h]++;
        }
        sum += k[i];
    }
    for (int c = 0; c < 3; c++) {
        struct evaluation_result *e = &m->evaluation[c];
        *e = (struct evaluation_result){.weights = "best",
                                        .split = "test",
                                        .control = controls[c],
                                        .n = INPUTS,
                                        .layers = LAYERS,
                                        .heads = HEADS,
                                        .accuracy = accuracy - 0.1 * c,
                                        .loss = 0.5,
                                        .mean_heads = sum / INPUTS,
                                        .mean_s = sum / INPUTS / HEADS,
                                        .dense_flops = 8000,
                                        .seconds = 0.1,
                                        .label = m->label,
                                        .predicted = m->predicted,
                                        .difficulty = m->difficulty,
                                        .length = m->length,
                                        .heads_run = m->heads_run,
                                        .budget = m->budget,
                                        .usage = m->usage};
        e->executed.count[FLOP_QKV] = e->formula.count[FLOP_QKV] = (uint64_t)(1000 * sum / INPUTS);
    }
    m->epoch =
        (struct epoch_result){.epoch = 1, .step = 10, .train_loss = 0.7, .train_mean_s = NAN};
    m->result = (struct training_result){.n_epochs = 1,
                                         .epochs = &m->epoch,
                                         .best_epoch = 1,
                                         .n_evaluations = 1,
                                         .evaluations = m->evaluation,
                                         .arena_bytes = 4096,
                                         .peak_rss_bytes = -1,
                                         .checkpoint = "checkpoints/x.safetensors",
                                         .n_classes = 2,
                                         .wall_seconds = 1};
}

static int64_t plan_workload(struct fixture *f, const char *name) {
    int64_t id;
    struct workload_plan plan = {name, "made up", "synthetic", "made-up.yaml"};
    OK(f, store_plan_workload(f->store, &plan, &id, &f->error));
    return id;
}

static struct trial_plan trial_plan(int64_t workload, const char *arm, const char *policy, int seed,
                                    const char *key) {
    return (struct trial_plan){.workload_id = workload,
                               .kind = "train",
                               .key = key,
                               .arm = arm,
                               .policy = policy,
                               .cost_weight = NAN,
                               .base_heads = HEADS,
                               .layers = LAYERS,
                               .dim = 64,
                               .seed = seed,
                               .config = "{}",
                               .expected_flops = NAN};
}

/* Plans a trial with the key "arm/seed" (profile: "arm/seed/profile") inside an open plan. */
static int64_t plan_trial(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                          int seed, int64_t base) {
    char key[160], status[16];
    int64_t id;
    snprintf(key, sizeof key, "%s/%d%s", arm, seed, base ? "/profile" : "");
    struct trial_plan plan = trial_plan(workload, arm, policy, seed, key);
    if (base) plan.kind = "profile", plan.base_trial_id = base;
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    return id;
}

/* One finished training trial per accuracy, seeds 0, 1, ... */
static void train(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                  const int k[INPUTS], int n, const double *accuracy, int n_evaluations) {
    for (int seed = 0; seed < n; seed++) {
        struct made_up m;
        make_up(&m, accuracy[seed], k);
        m.result.n_evaluations = n_evaluations;
        OK(f, store_begin_plan(f->store, &f->error));
        int64_t id = plan_trial(f, workload, arm, policy, seed, 0);
        OK(f, store_end_plan(f->store, true, &f->error));
        OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
        OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    }
}

static int64_t one_workload(struct fixture *f, const char *name) {
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_workload(f, name);
    OK(f, store_end_plan(f->store, true, &f->error));
    return id;
}

static int64_t one_trial(struct fixture *f) {
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, plan_workload(f, "w"), "fixed-8", "fixed", 0, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    return id;
}

static const int ALL[INPUTS] = {8, 8, 8, 8}, ONE[INPUTS] = {1, 1, 1, 1},
                 MIXED[INPUTS] = {2, 4, 4, 6};

/* ---- schema ---- */

static void strict_tables_refuse_wrong_types_and_dangling_references(void **state) {
    struct fixture *f = *state;
    one_trial(f);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET seed = 1"), SQLITE_OK);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET seed = 'one'"), SQLITE_CONSTRAINT);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET status = 'fine'"), SQLITE_CONSTRAINT);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET config = '{'"), SQLITE_CONSTRAINT);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET workload_id = 99"), SQLITE_CONSTRAINT);
    assert_int_equal(raw_sql(f->path, "INSERT INTO epoch (trial_id, epoch, step) VALUES (9, 1, 1)"),
                     SQLITE_CONSTRAINT);
}

static void newer_and_foreign_databases_are_refused(void **state) {
    struct fixture *f = *state;
    struct store *store;
    assert_int_equal(raw_sql(f->path, "PRAGMA user_version = 2"), SQLITE_OK);
    assert_false(store_open(f->path, &store, &f->error));
    assert_non_null(strstr(f->error.text, "schema version 2"));
    assert_int_equal(raw_sql(f->path, "PRAGMA user_version = 1; PRAGMA application_id = 7"),
                     SQLITE_OK);
    assert_false(store_open(f->path, &store, &f->error));
    assert_non_null(strstr(f->error.text, "another program"));
    assert_null(store);
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state) {
    struct fixture *f = *state;
    char path[160], line[32] = "";
    struct store *store;
    snprintf(path, sizeof path, "%s/notes.txt", f->folder);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 100; i++) fputs("not a database\n", file);
    fclose(file);
    assert_false(store_open(path, &store, &f->error));
    assert_non_null(strstr(f->error.text, path));
    file = fopen(path, "r");
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    unlink(path);
    assert_string_equal(line, "not a database\n");
}

static void results_in_memory_need_no_file(void **state) {
    struct fixture *f = *state;
    struct store *store;
    OK(f, store_open(":memory:", &store, &f->error));
    store_close(store);
}

static void missing_folder_is_an_error_with_path_and_fix(void **state) {
    struct fixture *f = *state;
    struct store *store;
    char path[160];
    snprintf(path, sizeof path, "%s/absent/results.db", f->folder);
    assert_false(store_open(path, &store, &f->error));
    assert_non_null(strstr(f->error.text, path));
    assert_non_null(strstr(f->error.text, "--db"));
}

/* Runs child(f) in a process of its own and returns how it ended (a wait status). */
static int in_child(struct fixture *f, int (*child)(struct fixture *)) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(child(f));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* 0 if opening fails with a message that names path and fix. Root may write anywhere: give that up.
 */
static int open_is_refused(struct fixture *f) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) return 77;
    struct store *store;
    if (store_open(f->path, &store, &f->error)) return 1;
    return strstr(f->error.text, f->path) && strstr(f->error.text, "writable") ? 0 : 2;
}

static void read_only_file_or_folder_is_refused_before_any_work(void **state) {
    struct fixture *f = *state;
    assert_int_equal(chmod(f->folder, 0555), 0);
    assert_int_equal(chmod(f->path, 0666), 0);
    int folder_status = in_child(f, open_is_refused);
    assert_int_equal(chmod(f->folder, 0777), 0);
    assert_int_equal(chmod(f->path, 0444), 0);
    int file_status = in_child(f, open_is_refused);
    if (WIFEXITED(folder_status) && WEXITSTATUS(folder_status) == 77) {
        print_message("SKIP: running as root and cannot become another user\n");
        skip();
    }
    assert_int_equal(folder_status, 0);
    assert_int_equal(file_status, 0);
}

/* ---- plans ---- */

static void planning_again_finds_the_same_trial_and_its_status(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w"), again, id;
    char status[16];
    double accuracy = 0.5;
    train(f, workload, "fixed-8", "fixed", ALL, 1, &accuracy, 1);
    OK(f, store_begin_plan(f->store, &f->error));
    assert_int_equal(plan_workload(f, "w"), workload);
    struct trial_plan plan = trial_plan(workload, "all heads", "fixed", 0, "fixed-8/0");
    OK(f, store_plan_trial(f->store, &plan, &again, status, &f->error));
    assert_string_equal(status, "ok");
    plan = trial_plan(workload, "fixed-4", "fixed", 0, "fixed-4/0");
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    assert_string_equal(status, "planned");
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_not_equal(id, again);
    assert_near(number(f, "SELECT accuracy_mean FROM accuracy_vs_budget WHERE arm = 'all heads'"),
                0.5);
}

/* The change counter in the file's header: SQLite raises it with every commit that writes. */
static uint32_t change_counter(struct fixture *f) {
    unsigned char bytes[28];
    FILE *file = fopen(f->path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    fclose(file);
    return (uint32_t)bytes[24] << 24 | (uint32_t)bytes[25] << 16 | (uint32_t)bytes[26] << 8 |
           bytes[27];
}

static void a_plan_that_changes_nothing_leaves_the_file_untouched(void **state) {
    struct fixture *f = *state;
    int n;
    one_trial(f);
    uint32_t before = change_counter(f);
    store_close(f->store);
    f->store = NULL;
    OK(f, store_open(f->path, &f->store, &f->error));
    OK(f, store_recover(f->store, &n, &f->error));
    OK(f, store_begin_plan(f->store, &f->error));
    plan_trial(f, plan_workload(f, "w"), "fixed-8", "fixed", 0, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_equal(change_counter(f), before);
    OK(f, store_begin_plan(f->store, &f->error)); /* the trial is no longer planned */
    plan_workload(f, "w");
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_not_equal(change_counter(f), before);
}

static void a_trial_outside_the_latest_plan_leaves_the_views_but_not_the_table(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double old[] = {0.2}, new[] = {0.8};
    train(f, workload, "fixed-8", "fixed", ALL, 1, old, 1);
    OK(f, store_begin_plan(f->store, &f->error));
    plan_workload(f, "w");
    int64_t id;
    char status[16];
    struct trial_plan plan = trial_plan(workload, "fixed-8", "fixed", 0, "other configuration");
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    OK(f, store_end_plan(f->store, true, &f->error));
    struct made_up m;
    make_up(&m, new[0], ALL);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_near(number(f, "SELECT accuracy_mean FROM accuracy_vs_budget"), 0.8);
    assert_near(number(f, "SELECT n_seeds FROM accuracy_vs_budget"), 1);
    assert_near(number(f, "SELECT count(*) FROM trial"), 2);
    assert_near(number(f, "SELECT count(*) FROM trial_status"), 1);
}

static void the_same_trial_twice_in_one_plan_names_both_arms(void **state) {
    struct fixture *f = *state;
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t workload = plan_workload(f, "w"), id;
    char status[16];
    struct trial_plan plan = trial_plan(workload, "first", "fixed", 0, "key");
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    plan.arm = "second";
    assert_false(store_plan_trial(f->store, &plan, &id, status, &f->error));
    assert_non_null(strstr(f->error.text, "'first'"));
    assert_non_null(strstr(f->error.text, "'second'"));
    OK(f, store_end_plan(f->store, false, &f->error));
    assert_near(number(f, "SELECT count(*) FROM workload"), 0);
}

static void names_with_quotes_and_newlines_come_back_unchanged(void **state) {
    struct fixture *f = *state;
    const char *name = "Bobby'); DROP TABLE trial;--\n\"x\" 100% \xc3\xa9";
    int64_t workload = one_workload(f, name);
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, "it's\nan arm", "fixed", 0, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    struct trial_row row;
    OK(f, store_load_trial(f->store, id, &row, &f->error));
    assert_string_equal(row.workload, name);
    assert_string_equal(row.arm, "it's\nan arm");
    trial_row_free(&row);
}

static void the_command_quotes_its_path_for_the_shell(void **state) {
    struct fixture *f = *state;
    char path[160], expected[256];
    snprintf(path, sizeof path, "%s/it's a.db", f->folder);
    store_close(f->store);
    f->store = NULL;
    OK(f, store_open(path, &f->store, &f->error));
    struct trial_row row;
    OK(f, store_load_trial(f->store, one_trial(f), &row, &f->error));
    snprintf(expected, sizeof expected, "./headroom trial 1 --db '%s/it'\\''s a.db'", f->folder);
    assert_string_equal(row.command, expected);
    trial_row_free(&row);
    unlink(path);
}

/* ---- the life of a trial ---- */

static void a_trial_is_claimed_once_and_finished_once(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    make_up(&m, 0.5, ALL);
    assert_false(store_finish_training(f->store, id, &m.result, &f->error)); /* not claimed */
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_false(store_claim(f->store, id, getpid(), 0, &f->error));
    assert_non_null(strstr(f->error.text, "running"));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_false(store_finish_training(f->store, id, &m.result, &f->error));
    assert_false(store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_end_trial(f->store, id, "failed", "too late", &f->error));
    assert_false(store_retry(f->store, id, &f->error));
    assert_near(number(f, "SELECT status = 'ok' AND reason = '' FROM trial"), 1);
    assert_near(number(f, "SELECT count(*) FROM evaluation"), 1);
    assert_false(store_claim(f->store, 99, getpid(), 0, &f->error));
    assert_non_null(strstr(f->error.text, "no trial 99"));
}

static void the_first_reason_stands_until_the_trial_is_retried(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct trial_list list;
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_warning(f->store, id, "of the first attempt", &f->error));
    OK(f, store_end_trial(f->store, id, "failed", "the loss is NaN", &f->error));
    OK(f, store_end_trial(f->store, id, "killed", "exit status 1", &f->error));
    OK(f, store_list_trials(f->store, "failed", &list, &f->error));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].reason, "the loss is NaN");
    trial_list_free(&list);
    OK(f, store_retry(f->store, id, &f->error));
    OK(f, store_list_trials(f->store, "planned", &list, &f->error));
    assert_int_equal(list.n, 1);
    assert_string_equal(list.rows[0].reason, "");
    trial_list_free(&list);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_near(number(f, "SELECT count(*) FROM warning"), 0);
}

static int claim_and_die(struct fixture *f) {
    struct store *store;
    if (!store_open(f->path, &store, &f->error)) return 1;
    if (!store_claim(store, 1, getpid(), 0, &f->error)) return 2;
    raise(SIGKILL);
    return 3;
}

static void a_trial_whose_process_is_gone_becomes_interrupted(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    int n, status = in_child(f, claim_and_die);
    assert_true(WIFSIGNALED(status));
    OK(f, store_recover(f->store, &n, &f->error));
    assert_int_equal(n, 1);
    assert_near(number(f, "SELECT status = 'interrupted' AND reason <> '' FROM trial"), 1);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error)); /* we live: not to be recovered */
    OK(f, store_recover(f->store, &n, &f->error));
    assert_int_equal(n, 0);
    /* The same process id with another start time is another process. */
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET pid_start_ticks = pid_start_ticks - 1"),
                     SQLITE_OK);
    OK(f, store_recover(f->store, &n, &f->error));
    assert_int_equal(n, 1);
}

static void one_environment_is_one_row(void **state) {
    struct fixture *f = *state;
    int64_t a, b, c;
    OK(f, store_environment(f->store, "h1", "host", "a machine", "{}", &a, &f->error));
    OK(f, store_environment(f->store, "h2", "host", "a machine", "{}", &b, &f->error));
    OK(f, store_environment(f->store, "h1", "host", "a machine", "{}", &c, &f->error));
    assert_int_equal(a, c);
    assert_int_not_equal(a, b);
}

static void what_was_not_measured_is_null(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    make_up(&m, 0.5, ALL);
    m.evaluation[0].mean_s = NAN;
    m.evaluation[0].budget = NULL;
    m.difficulty[0] = -1;
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_near(number(f, "SELECT mean_s IS NULL AND accuracy = 0.5 FROM evaluation"), 1);
    assert_near(number(f, "SELECT sum(mean_s IS NULL) FROM prediction"), INPUTS);
    assert_near(number(f, "SELECT sum(difficulty IS NULL) FROM prediction"), 1);
    assert_near(number(f, "SELECT train_mean_s IS NULL AND train_loss = 0.7 FROM epoch"), 1);
    assert_near(number(f, "SELECT bytes IS NULL AND reason <> '' FROM memory "
                          "WHERE what = 'peak resident'"),
                1);
    assert_near(number(f, "SELECT bytes = 4096 AND reason = '' FROM memory "
                          "WHERE what = 'arena training'"),
                1);
}

static void flops_that_disagree_are_not_stored(void **state) {
    struct fixture *f = *state;
    int64_t id = one_trial(f);
    struct made_up m;
    make_up(&m, 0.5, ALL);
    m.evaluation[0].executed.count[FLOP_SCORES]++;
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    assert_false(store_finish_training(f->store, id, &m.result, &f->error));
    assert_non_null(strstr(f->error.text, flops_component_name(FLOP_SCORES)));
    assert_near(number(f, "SELECT (SELECT count(*) FROM epoch) + (SELECT count(*) FROM memory)"),
                0);
    assert_near(number(f, "SELECT status = 'running' FROM trial"), 1);
}

/* ---- views ---- */

static void accuracy_vs_budget_gives_means_and_t_intervals(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double three[] = {0.5, 0.6, 0.7}, one[] = {0.4};
    train(f, workload, "fixed-8", "fixed", ALL, 3, three, 1);
    train(f, workload, "fixed-1", "fixed", ONE, 1, one, 1);
    train(f, workload, "budget", "budgetformer", MIXED, 3, three, 3);
    /* sd = 0.1, standard error 0.1 / sqrt(3), t(2) = 4.3027 */
    double half = 4.3027 * 0.1 / sqrt(3.0);
    const char *row = "SELECT %s FROM accuracy_vs_budget WHERE arm = '%s'";
    const struct {
        const char *arm, *column;
        double expected;
    } cases[] = {
        {"fixed-8",           "accuracy_mean",                  0.6       },
        {"fixed-8",           "accuracy_ci95_low",              0.6 - half},
        {"fixed-8",           "accuracy_ci95_high",             0.6 + half},
        {"fixed-8",           "n_seeds",                        3         },
        {"fixed-8",           "head_budget",                    1         },
        {"fixed-8",           "n_classes",                      2         },
        {"fixed-8",           "executed_flops_per_input",       2000      },
        {"fixed-1",           "accuracy_mean",                  0.4       },
        {"fixed-1",           "accuracy_ci95_low",              NAN       },
        {"fixed-1",           "head_budget",                    0.125     },
        {"budget",            "mean_heads",                     4         },
        {"budget",            "mean_s",                         0.5       },
        {"budget (static)",   "accuracy_mean",                  0.5       },
        {"budget (static)",   "policy = 'budgetformer/static'", 1         },
        {"budget (shuffled)", "accuracy_mean",                  0.4       },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, row, cases[i].column, cases[i].arm);
        double value = number(f, sql);
        if (isnan(cases[i].expected))
            assert_true(isnan(value));
        else
            assert_near(value, cases[i].expected);
    }
    assert_near(number(f, "SELECT count(*) FROM accuracy_vs_budget"), 5);
}

static void paired_difference_pairs_by_seed(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    /* Differences 10, 12, 14 points: mean 12, sd 2. The fourth seed has no partner. */
    double a[] = {0.80, 0.72, 0.94, 0.10}, b[] = {0.70, 0.60, 0.80};
    train(f, workload, "a", "fixed", ALL, 4, a, 1);
    train(f, workload, "b", "fixed", ONE, 3, b, 1);
    const char *from = "FROM paired_difference WHERE arm_a = 'a' AND arm_b = 'b'";
    const struct {
        const char *column;
        double expected;
    } cases[] = {
        {"difference_points", 12                         },
        {"n_pairs",           3                          },
        {"ci95_low_points",   12 - 4.3027 * 2 / sqrt(3.0)},
        {"ci95_high_points",  12 + 4.3027 * 2 / sqrt(3.0)},
        {"ci90_low_points",   12 - 2.9200 * 2 / sqrt(3.0)},
        {"ci90_high_points",  12 + 2.9200 * 2 / sqrt(3.0)}
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "SELECT %s %s", cases[i].column, from);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_near(number(f, "SELECT difference_points FROM paired_difference WHERE arm_a = 'b'"),
                -12);
}

static void budgets_are_told_by_layer_and_by_difficulty(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.5};
    train(f, workload, "budget", "budgetformer", MIXED, 2, accuracy, 1); /* k = 2 4 4 6 */
    assert_near(number(f, "SELECT share FROM budget_by_layer WHERE layer = 1 AND k = 4"), 0.5);
    assert_near(number(f, "SELECT share FROM budget_by_layer WHERE layer = 0 AND k = 2"), 0.25);
    assert_near(number(f, "SELECT sum(share) FROM budget_by_layer"), LAYERS);
    assert_near(number(f, "SELECT n_inputs FROM head_usage WHERE layer = 0 AND head = 3 LIMIT 1"),
                3);
    /* Difficulty 1: inputs 0 and 1 with k = 2 and 4; predicted is 0, label 0 and 1. */
    const char *columns[] = {"mean_heads", "accuracy", "n_inputs", "n_seeds",
                             "mean_heads_ci95_low"};
    const double expected[][5] = {
        {3, 0.5, 2, 2, 3},
        {5, 0.5, 2, 2, 5}
    };
    for (int g = 1; g <= 2; g++)
        for (int c = 0; c < 5; c++) {
            char sql[128];
            snprintf(sql, sizeof sql, "SELECT %s FROM budget_by_difficulty WHERE difficulty = %d",
                     columns[c], g);
            assert_near(number(f, sql), expected[g - 1][c]);
        }
}

/* A profile trial over fixed samples; FLOPs per input as given. */
static void profile(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                    double *samples, int n, double flops) {
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT id FROM trial WHERE arm = '%s' AND kind = 'train'", arm);
    int64_t base = (int64_t)number(f, sql);
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, arm, policy, 0, base);
    OK(f, store_end_plan(f->store, true, &f->error));
    struct counter_result counters[] = {
        {.role = "cycles",
         .event = "",
         .available = false,
         .value = 0,
         .status = "unavailable",
         .reason = "this virtual machine shows no PMU",
         .scope = "thread"},
        {.role = "task_clock",
         .event = "perf::TASK-CLOCK",
         .available = true,
         .value = 250,
         .status = "counted",
         .scope = "thread",
         .repeats = 20    }
    };
    struct profile_result p = {.batch_size = 32,
                               .warmup = 3,
                               .n_samples = n,
                               .inputs_per_sample = 32,
                               .latency_ns = samples,
                               .mean_heads = 4,
                               .mean_s = NAN,
                               .executed_flops_per_input = flops,
                               .dense_flops_per_input = 2000,
                               .n_counters = 2,
                               .counters = counters};
    struct memory_result memory = {"peak resident", 1 << 20, ""};
    struct profiling_result result = {1, &p, 1, &memory, 2.0};
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_profiling(f->store, id, &result, &f->error));
}

static void latency_is_median_and_mad_against_the_arm_with_all_heads(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5};
    train(f, workload, "wide", "fixed", ALL, 1, accuracy,
          1); /* found by what it ran, not by name */
    train(f, workload, "fixed-8", "fixed", ONE, 1, accuracy, 1);
    double dense[] = {300, 100, 200, 400,
                      1000};            /* median 300; |x - 300|: 0 200 100 100 700 -> 100 */
    double narrow[] = {10, 40, 20, 30}; /* median 25; 15 15 5 5 -> 10 */
    profile(f, workload, "wide", "fixed", dense, 5, 2000);
    profile(f, workload, "fixed-8", "fixed", narrow, 4, 500);
    const struct {
        const char *arm, *column;
        double expected;
    } cases[] = {
        {"wide",    "latency_ns_median", 300       },
        {"wide",    "latency_ns_mad",    100       },
        {"wide",    "time_ratio",        1         },
        {"wide",    "flops_ratio",       1         },
        {"fixed-8", "latency_ns_median", 25        },
        {"fixed-8", "latency_ns_mad",    10        },
        {"fixed-8", "flops_ratio",       0.25      },
        {"fixed-8", "time_ratio",        25.0 / 300},
        {"fixed-8", "batch_size",        32        }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT %s FROM latency_vs_flops WHERE arm = '%s'",
                 cases[i].column, cases[i].arm);
        assert_near(number(f, sql), cases[i].expected);
    }
    assert_near(number(f, "SELECT value IS NULL AND reason LIKE '%PMU%' FROM counter_vs_budget "
                          "WHERE role = 'cycles'"),
                1);
    assert_near(number(f, "SELECT value FROM counter_vs_budget WHERE role = 'task_clock'"), 250);
}

static bool collect_names(void *context, int n, const char *const *names,
                          const char *const *texts) {
    char *out = context;
    (void)texts;
    out[0] = '\0';
    for (int i = 0; i < n; i++) {
        strcat(out, i ? ", " : "");
        strcat(out, names[i]);
    }
    return false;
}

static void views_have_the_promised_columns(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5}, samples[] = {1, 2, 3}, ignored;
    train(f, workload, "fixed-8", "fixed", ALL, 1, accuracy, 1);
    profile(f, workload, "fixed-8", "fixed", samples, 3, 2000);
    static const char *const views[][2] = {
        {"accuracy_vs_budget",
         "workload, granularity, n_classes, arm, policy, cost_weight, head_budget, mean_heads, "
         "mean_s, accuracy_mean, accuracy_ci95_low, accuracy_ci95_high, n_seeds, "
         "executed_flops_per_input"                                                    },
        {"latency_vs_flops",   "workload, arm, batch_size, latency_ns_median, latency_ns_mad, "
                             "flops_ratio, time_ratio"     },
        {"budget_by_layer",    "workload, arm, layer, k, share"                        },
        {"counter_vs_budget",  "workload, arm, role, value, status, reason, scope"     },
        {"trial_status",       "trial_id, workload, arm, seed, status, reason, command"}
    };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        char sql[64], names[512] = "";
        snprintf(sql, sizeof sql, "SELECT * FROM %s", views[i][0]);
        OK(f, store_query(f->store, sql, collect_names, names, &f->error));
        assert_string_equal(names, views[i][1]);
    }
    assert_false(store_query(f->store, "DELETE FROM trial", first_number, &ignored, &f->error));
}

/* ---- many writers, dead writers, full disks ---- */

enum { WRITERS = 6, TRIALS_EACH = 4 };

/* Finishes every trial whose number leaves this remainder; the exit status says what went wrong. */
static int write_share(struct fixture *f, int share) {
    struct store *store;
    if (!store_open(f->path, &store, &f->error)) return 1;
    for (int i = 0; i < TRIALS_EACH; i++) {
        struct made_up m;
        make_up(&m, 0.5, MIXED);
        m.result.n_evaluations = 3;
        int64_t id = 1 + share + i * WRITERS;
        if (!store_claim(store, id, getpid(), 0, &f->error)) return 2;
        if (!store_finish_training(store, id, &m.result, &f->error)) return 3;
    }
    store_close(store);
    return 0;
}

static void processes_that_write_at_once_lose_nothing(void **state) {
    struct fixture *f = *state;
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t workload = plan_workload(f, "w");
    for (int i = 0; i < WRITERS * TRIALS_EACH; i++)
        plan_trial(f, workload, "budget", "budgetformer", i, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    fflush(NULL);
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0) _exit(write_share(f, i));
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_near(number(f, "SELECT count(*) FROM trial WHERE status = 'ok'"), WRITERS * TRIALS_EACH);
    assert_near(number(f, "SELECT count(*) FROM prediction"), WRITERS * TRIALS_EACH * 3 * INPUTS);
}

/* Writes more than SQLite's page cache holds, so that the file itself is half changed, and dies. */
static int die_in_a_transaction(struct fixture *f) {
    struct store *store;
    int64_t id;
    char status[16], key[32];
    size_t size = 200000;
    char *config = malloc(size);
    if (!config || !store_open(f->path, &store, &f->error)) return 1;
    memset(config, 'x', size);
    config[0] = config[size - 2] = '"';
    config[size - 1] = '\0';
    if (!store_begin_plan(store, &f->error)) return 2;
    for (int i = 0; i < 40; i++) {
        snprintf(key, sizeof key, "dead/%d", i);
        struct trial_plan plan = trial_plan(1, "dead", "fixed", i, key);
        plan.config = config;
        if (!store_plan_trial(store, &plan, &id, status, &f->error)) return 3;
    }
    raise(SIGKILL);
    return 4;
}

static void a_killed_writer_loses_no_finished_row(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.6};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    int status = in_child(f, die_in_a_transaction);
    assert_true(WIFSIGNALED(status));
    assert_near(number(f, "SELECT count(*) FROM trial"), 2);
    assert_near(number(f, "SELECT count(*) FROM prediction"), 2 * INPUTS);
    assert_near(
        number(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

/* The limit on file sizes stands for a full disk: the write that does not fit fails. */
static int finish_without_room(struct fixture *f) {
    struct stat file;
    struct store *store;
    struct made_up m;
    make_up(&m, 0.5, ALL);
    enum { MANY = 20000 };
    struct epoch_result *epochs = calloc(MANY, sizeof *epochs);
    if (!epochs || !store_open(f->path, &store, &f->error)) return 1;
    if (!store_claim(store, 3, getpid(), 0, &f->error) || stat(f->path, &file) != 0) return 2;
    for (int i = 0; i < MANY; i++) epochs[i].epoch = i + 1;
    m.result.epochs = epochs;
    m.result.n_epochs = MANY;
    signal(SIGXFSZ, SIG_IGN);
    rlim_t limit = (rlim_t)file.st_size + 16384;
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
    if (store_finish_training(store, 3, &m.result, &f->error)) return 3;
    return strstr(f->error.text, f->path) && strstr(f->error.text, "full") ? 0 : 4;
}

static void a_full_disk_is_reported_and_loses_no_finished_row(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    double accuracy[] = {0.5, 0.6};
    train(f, workload, "fixed-8", "fixed", ALL, 2, accuracy, 1);
    OK(f, store_begin_plan(f->store, &f->error));
    assert_int_equal(plan_trial(f, workload, "fixed-1", "fixed", 0, 0), 3);
    OK(f, store_end_plan(f->store, true, &f->error));
    assert_int_equal(in_child(f, finish_without_room), 0);
    assert_near(number(f, "SELECT count(*) FROM trial WHERE status = 'ok'"), 2);
    assert_near(number(f, "SELECT count(*) FROM epoch"), 2);
    assert_near(
        number(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"), 1);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(strict_tables_refuse_wrong_types_and_dangling_references),
        TEST(newer_and_foreign_databases_are_refused),
        TEST(a_file_that_is_no_database_is_refused_and_kept),
        TEST(results_in_memory_need_no_file),
        TEST(missing_folder_is_an_error_with_path_and_fix),
        TEST(read_only_file_or_folder_is_refused_before_any_work),
        TEST(planning_again_finds_the_same_trial_and_its_status),
        TEST(a_plan_that_changes_nothing_leaves_the_file_untouched),
        TEST(a_trial_outside_the_latest_plan_leaves_the_views_but_not_the_table),
        TEST(the_same_trial_twice_in_one_plan_names_both_arms),
        TEST(names_with_quotes_and_newlines_come_back_unchanged),
        TEST(the_command_quotes_its_path_for_the_shell),
        TEST(a_trial_is_claimed_once_and_finished_once),
        TEST(the_first_reason_stands_until_the_trial_is_retried),
        TEST(a_trial_whose_process_is_gone_becomes_interrupted),
        TEST(one_environment_is_one_row),
        TEST(what_was_not_measured_is_null),
        TEST(flops_that_disagree_are_not_stored),
        TEST(accuracy_vs_budget_gives_means_and_t_intervals),
        TEST(paired_difference_pairs_by_seed),
        TEST(budgets_are_told_by_layer_and_by_difficulty),
        TEST(latency_is_median_and_mad_against_the_arm_with_all_heads),
        TEST(views_have_the_promised_columns),
        TEST(processes_that_write_at_once_lose_nothing),
        TEST(a_killed_writer_loses_no_finished_row),
        TEST(a_full_disk_is_reported_and_loses_no_finished_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
