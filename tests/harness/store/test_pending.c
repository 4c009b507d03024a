/*
 * A result whose database is locked: it is waited for, kept in a file of its own meanwhile, and
 * what the next sweep makes of that file is what would have been stored.
 */
#include "harness/store/store_pending.h"
#include "tests/harness/store/store_fixture.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define KEY "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int64_t claimed_trial(struct fixture *f, const char *kind, const char *key, int64_t base) {
    char status[16];
    int64_t id;
    OK(f, store_begin_plan(f->store, &f->error));
    struct trial_plan plan = trial_plan(plan_workload(f, "w"), "tuned", "budgetformer", 1, key);
    plan.kind = kind;
    plan.base_trial_id = base;
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    OK(f, store_end_plan(f->store, true, &f->error));
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    return id;
}

/* Results with something in every table of a training. */
static void make_up_tuned(struct made_up *m, struct candidate_result *candidate) {
    static char settings[] = "{\"cost\": 0.25}";
    make_up(m, 0.75, (const int[]){1, 2, 3, 4});
    make_up_sources(m, "data", "sources");
    *candidate =
        (struct candidate_result){.settings = settings, .validation_accuracy = 0.5, .chosen = true};
    m->result.n_candidates = 1;
    m->result.candidates = candidate;
    m->result.n_evaluations = 3;
    m->result.phase_seconds[PHASE_FORWARD] = 2;
    m->result.mean_length = 11.5;
    strcpy(m->result.checkpoint_sha256, "of the file");
    strcpy(m->result.code_sha256, "of the code");
}

/* All rows of one trial in one text, its own numbers and times left out. */
static bool append_row(void *context, int n, const char *const *names, const char *const *texts) {
    for (int i = 0; i < n; i++)
        text_append(context, "%s=%s;", names[i], texts[i] ? texts[i] : "NULL");
    text_append(context, "\n");
    return true;
}

static char *everything(struct fixture *f, int64_t trial) {
    static const char *const queries[] = {
        "SELECT status, reason, wall_seconds, cost_weight, best_epoch, checkpoint, "
        "checkpoint_sha256, code_sha256, train_flops, mean_length_tokens FROM trial WHERE id = ?1",
        "SELECT epoch, step, train_loss, train_mean_s FROM epoch WHERE trial_id = ?1",
        "SELECT candidate, settings, chosen FROM tuning WHERE trial_id = ?1",
        "SELECT phase, seconds, share FROM training_phase WHERE trial_id = ?1",
        "SELECT what, bytes, reason FROM memory WHERE trial_id = ?1",
        "SELECT control, accuracy, loss, mean_heads, executed_flops FROM evaluation "
        "WHERE trial_id = ?1",
        "SELECT control, p.* FROM (SELECT evaluation_id AS own, input, label, predicted, "
        "length_tokens, heads_run, heads_per_layer, mean_s FROM prediction) p "
        "JOIN evaluation e ON e.id = own WHERE trial_id = ?1 ORDER BY control, input",
        "SELECT control, layer, k, b.n_inputs FROM layer_budget b "
        "JOIN evaluation e ON e.id = evaluation_id WHERE trial_id = ?1 ORDER BY 1, 2, 3",
        "SELECT control, layer, head, u.n_inputs FROM head_usage u "
        "JOIN evaluation e ON e.id = evaluation_id WHERE trial_id = ?1 ORDER BY 1, 2, 3",
        "SELECT class, name, c.n_train, c.n_test FROM class c JOIN trial t USING (data_sha256) "
        "WHERE t.id = ?1",
        "SELECT input, file, row, text_sha256, text FROM input JOIN trial t USING (sources_sha256) "
        "WHERE t.id = ?1",
        "SELECT batch_size, latency_ns, block FROM profile p "
        "JOIN profile_sample ON profile_id = p.id WHERE trial_id = ?1 ORDER BY 1, sample",
        "SELECT role, value_per_input, c.reason FROM profile p JOIN counter c ON profile_id = p.id "
        "WHERE trial_id = ?1"};
    struct text out = {0};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        OK(f, store_query(f->store, queries[i], VALUES(INT(trial)), append_row, &out, &f->error));
    assert_false(out.failed);
    /* What tells the two apart is the number of the evaluation that a prediction is of. */
    for (char *own = strstr(out.data, "own="); own; own = strstr(own, "own="))
        for (own += 4; *own != ';'; own++) *own = '#';
    return out.data;
}

static void take(struct fixture *f, int expected) {
    int n;
    OK(f, store_pending_take(f->store, &n, &f->error));
    assert_int_equal(n, expected);
}

static void a_kept_training_becomes_what_would_have_been_stored(void **state) {
    struct fixture *f = *state;
    struct made_up m;
    struct candidate_result candidate;
    struct trial_row row;
    double accuracy = 0.5;
    make_up_tuned(&m, &candidate);
    train(f, one_workload(f, "w"), "other", "fixed", ALL, 1, &accuracy, 2); /* ids are not 1 */
    int64_t id = claimed_trial(f, "train", KEY, 0);
    OK(f, store_load_trial(f->store, id, &row, &f->error));
    OK(f, store_pending_write(f->store, &row, &m.result, NULL, &f->error));
    char draft[300];
    snprintf(draft, sizeof draft, "%s/pending/" KEY ".db.draft", f->folder);
    FILE *left = fopen(draft, "w"); /* by a process that was killed while it wrote */
    fclose(left);
    take(f, 1);
    char *taken = everything(f, id);
    take(f, 0); /* and the file is gone */
    assert_int_equal(access(draft, F_OK), -1);
    assert_int_equal(raw_sql(f->path, "UPDATE trial SET status = 'running', cost_weight = NULL, "
                                      "wall_seconds = NULL WHERE id = 2; "
                                      "DELETE FROM class; DELETE FROM input"),
                     SQLITE_OK);
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    char *stored = everything(f, id);
    assert_string_equal(taken, stored);
    assert_non_null(
        strstr(stored, "input=3;file=w/test.csv;row=5;text_sha256=hash of 3;text=text 3;"));
    assert_non_null(strstr(stored, "class=1;name=yes;n_train=40;n_test=2;"));
    assert_non_null(strstr(stored, "cost_weight=0.25"));
    assert_non_null(strstr(stored, "checkpoint_sha256=of the file;code_sha256=of the code"));
    assert_non_null(strstr(stored, "heads_per_layer=[4,4]"));
    assert_near(number(f, "SELECT n_classes FROM workload"), 2);
    free(taken);
    free(stored);
    trial_row_free(&row);
}

static void a_kept_profile_becomes_what_would_have_been_stored(void **state) {
    struct fixture *f = *state;
    struct trial_row row;
    double latencies[] = {1000, 2000, 1500}, accuracy = 0.5;
    struct profile_block block = {.started_s = 1, .cpu_share = 1, .others_running = -1};
    struct counter_result counter = {
        .role = "cycles", .status = "unavailable", .reason = "no PMU", .scope = "thread"};
    struct profile_result p = {.batch_size = 1,
                               .n_samples = 3,
                               .inputs_per_sample = 1,
                               .latency_ns = latencies,
                               .n_blocks = 1,
                               .blocks = &block,
                               .n_counters = 1,
                               .counters = &counter};
    struct profiling_result result = {
        .n_profiles = 1, .profiles = &p, .wall_seconds = 3, .code_sha256 = "of the code"};
    train(f, one_workload(f, "w"), "other", "fixed", ALL, 1, &accuracy, 1);
    int64_t id = claimed_trial(f, "profile", KEY, 1);
    OK(f, store_load_trial(f->store, id, &row, &f->error));
    OK(f, store_pending_write(f->store, &row, NULL, &result, &f->error));
    take(f, 1);
    char *taken = everything(f, id);
    assert_non_null(strstr(taken, "latency_ns=2000.0"));
    assert_non_null(strstr(taken, "reason=no PMU"));
    assert_non_null(strstr(taken, "code_sha256=of the code"));
    assert_non_null(strstr(taken, "status=ok"));
    assert_near(number(f, "SELECT base_trial_id FROM trial WHERE kind = 'profile'"), 1);
    free(taken);
    trial_row_free(&row);
}

static void what_is_stored_already_is_not_stored_twice(void **state) {
    struct fixture *f = *state;
    struct made_up m;
    struct candidate_result candidate;
    struct trial_row row;
    make_up_tuned(&m, &candidate);
    int64_t id = claimed_trial(f, "train", KEY, 0);
    OK(f, store_load_trial(f->store, id, &row, &f->error));
    OK(f, store_pending_write(f->store, &row, &m.result, NULL, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    take(f, 0);
    assert_near(number(f, "SELECT count(*) FROM evaluation"), 3);
    trial_row_free(&row);
}

static void what_is_of_no_trial_here_is_left_for_another_database(void **state) {
    struct fixture *f = *state;
    struct made_up m;
    struct candidate_result candidate;
    struct trial_row row;
    make_up_tuned(&m, &candidate);
    int64_t id = claimed_trial(f, "train", KEY, 0);
    OK(f, store_load_trial(f->store, id, &row, &f->error));
    OK(f, store_pending_write(f->store, &row, &m.result, NULL, &f->error));
    assert_int_equal(raw_sql(f->path, "UPDATE workload SET name = 'another'"), SQLITE_OK);
    take(f, 0);
    assert_int_equal(raw_sql(f->path, "UPDATE workload SET name = 'w'"), SQLITE_OK);
    take(f, 1);
    trial_row_free(&row);
}

static void a_pending_file_that_is_none_stays_and_is_named(void **state) {
    struct fixture *f = *state;
    char path[300];
    int n;
    snprintf(path, sizeof path, "%s/pending", f->folder);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(path, sizeof path, "%s/pending/" KEY ".db", f->folder);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 100; i++) fputs("not a database\n", file);
    fclose(file);
    assert_false(store_pending_take(f->store, &n, &f->error));
    assert_int_equal(n, 0);
    assert_non_null(strstr(f->error.text, path));
    assert_int_equal(unlink(path), 0);
    take(f, 0);
}

/* To open it would be to write into a file that is somewhere else. */
static void a_link_to_a_result_is_none_and_stays(void **state) {
    struct fixture *f = *state;
    struct made_up m;
    struct candidate_result candidate;
    struct trial_row row;
    char path[300], elsewhere[300];
    int n;
    make_up_tuned(&m, &candidate);
    int64_t id = claimed_trial(f, "train", KEY, 0);
    OK(f, store_load_trial(f->store, id, &row, &f->error));
    OK(f, store_pending_write(f->store, &row, &m.result, NULL, &f->error));
    snprintf(path, sizeof path, "%s/pending/" KEY ".db", f->folder);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere.db", f->folder);
    assert_int_equal(rename(path, elsewhere), 0);
    assert_int_equal(symlink(elsewhere, path), 0);
    assert_false(store_pending_take(f->store, &n, &f->error));
    assert_int_equal(n, 0);
    assert_non_null(strstr(f->error.text, "is no regular file"));
    assert_int_equal(rename(elsewhere, path), 0);
    take(f, 1);
    trial_row_free(&row);
}

/* ---- waiting ---- */

struct holder {
    pid_t pid;
    int release; /* a byte written here ends it */
    int n_told;
    char who[128]; /* as the waiting was told */
};

/* A process that reads the database, and goes on doing so until it is told to end. */
static struct holder hold(const char *path) {
    int ready[2], release[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(release), 0);
    struct holder holder = {.pid = fork(), .release = release[1]};
    if (holder.pid == 0) {
        sqlite3 *db;
        if (sqlite3_open(path, &db) != SQLITE_OK ||
            sqlite3_exec(db, "BEGIN; SELECT count(*) FROM trial", NULL, NULL, NULL) != SQLITE_OK)
            _exit(1);
        if (write(ready[1], "x", 1) != 1 || read(release[0], &byte, 1) != 1) _exit(1);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]), close(ready[1]), close(release[0]);
    return holder;
}

static void let_go(void *context, const char *who) {
    struct holder *holder = context;
    snprintf(holder->who, sizeof holder->who, "%s", who);
    if (holder->n_told++ == 0) assert_int_equal(write(holder->release, "x", 1), 1);
}

static void a_locked_database_is_waited_for_and_its_holder_is_named(void **state) {
    struct fixture *f = *state;
    struct made_up m;
    char expected[64];
    int status;
    make_up(&m, 0.75, ALL);
    int64_t id = one_trial(f);
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    store_close(f->store);
    struct holder holder = hold(f->path);
    OK(f, store_open_patiently(f->path, let_go, &holder, &f->store, &f->error));
    assert_int_equal(holder.n_told, 0); /* a reader is no hindrance until something is stored */
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    assert_int_equal(waitpid(holder.pid, &status, 0), holder.pid);
    assert_int_equal(status, 0);
    assert_int_equal(holder.n_told, 1);
    snprintf(expected, sizeof expected, "process %ld (", (long)holder.pid);
    if (access("/proc/locks", R_OK) == 0 && strncmp(holder.who, expected, strlen(expected)) != 0)
        fail_msg("'%s' does not begin with '%s'", holder.who, expected);
    assert_near(number(f, "SELECT accuracy FROM evaluation"), 0.75);
    close(holder.release);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_kept_training_becomes_what_would_have_been_stored),
        TEST(a_kept_profile_becomes_what_would_have_been_stored),
        TEST(what_is_stored_already_is_not_stored_twice),
        TEST(what_is_of_no_trial_here_is_left_for_another_database),
        TEST(a_pending_file_that_is_none_stays_and_is_named),
        TEST(a_link_to_a_result_is_none_and_stays),
        TEST(a_locked_database_is_waited_for_and_its_holder_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
