/*
 * Merging as the store does it: which of two rows stays, what is told, that everything a trial found
 * comes along, and that a source is read as it is and never written. Sweeps that are merged are in the
 * tests of the program; all numbers here are made up.
 */
#include "harness/store/store_merge.h"
#include "tests/harness/store/store_fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Two databases, each in a folder of its own, and what merging said. */
struct pair {
    struct fixture *out, *in;
    struct merge_result result;
    struct merge_options options;
    char told[4096];
};

static void hear(void *context, const char *text) {
    struct pair *p = context;
    size_t used = strlen(p->told);
    snprintf(p->told + used, sizeof p->told - used, "%s\n", text);
}

static int set_up_pair(void **state) {
    struct pair *p = calloc(1, sizeof *p);
    void *out = NULL, *in = NULL;
    assert_non_null(p);
    assert_int_equal(set_up(&out), 0);
    assert_int_equal(set_up(&in), 0);
    p->out = out;
    p->in = in;
    p->options = (struct merge_options){.tell = hear, .context = p};
    *state = p;
    return 0;
}

static int tear_down_pair(void **state) {
    struct pair *p = *state;
    void *out = p->out, *in = p->in;
    tear_down(&out);
    tear_down(&in);
    free(p);
    return 0;
}

static bool merge(struct pair *p) {
    p->told[0] = '\0';
    return store_merge(p->out->store, p->in->path, &p->options, &p->result, &p->out->error);
}

static void merge_ok(struct pair *p) {
    OK(p->out, merge(p));
}

static void said(const char *text, const char *words) {
    if (!strstr(text, words)) fail_msg("no '%s' in: %s", words, text);
}

static void in_sql(struct pair *p, const char *sql) {
    assert_int_equal(raw_sql(p->in->path, sql), SQLITE_OK);
}

/* One training of arm fixed-8 in workload w with this accuracy. */
static void train_one(struct fixture *f, double accuracy) {
    train(f, one_workload(f, "w"), "fixed-8", "fixed", ALL, 1, &accuracy, 1);
}

/* ---- what comes along ---- */

/* A row for every table that is merged, under numbers that mean something else in the other file. */
static const char everything[] =
    "INSERT INTO environment VALUES (7, 'e', 'lab', 'CPU', '{\"git_revision\": \"abc\"}', 'then');"
    "INSERT INTO workload VALUES (5, 'x', 's', 'g', 'c', 2, 'f');"
    "INSERT INTO trial (id, kind, key, base_trial_id, workload_id, arm, policy, base_heads, layers, dim,"
    " seed, config, status, command, planned_at, environment_id, host, pid, data_sha256, sources_sha256)"
    " VALUES (30, 'train', 'kt', NULL, 5, 'a', 'p', 8, 1, 8, 1, '{}', 'ok', 'c', 't', 7, 'lab', 9, 'd',"
    " 's'), (20, 'profile', 'kp', 30, 5, 'a', 'p', 8, 1, 8, 1, '{}', 'ok', 'c', 't', 7, 'lab', 9, NULL,"
    " NULL);" /* the profile before its training */
    "INSERT INTO epoch (trial_id, epoch, step, train_loss) VALUES (30, 1, 2, 0.1);"
    "INSERT INTO tuning VALUES (30, 0, '{}', 1, 1, 1, 1, 1, 1, '');"
    "INSERT INTO evaluation (id, trial_id, weights, split, control, n_inputs, layers, heads, accuracy,"
    " executed_flops, executed_gemm_flops, executed_map_flops, active_flops, dense_flops,"
    " flops_by_component) VALUES (90, 30, 'best', 'test', 'none', 1, 1, 8, 0.5, 1, 1, 1, 1, 1, '{}'),"
    " (80, 30, 'best', 'test', 'static', 1, 1, 8, 0.25, 1, 1, 1, 1, 1, '{}');"
    "INSERT INTO prediction VALUES (90, 0, 1, 1, 2, 3, 4, '[4]', 0.5, 0.6, 0.7),"
    " (80, 0, 1, 0, 2, 3, 4, '[4]', 0.5, 0.6, 0.7);"
    "INSERT INTO class VALUES ('d', 0, 'no', 1, 1, 1);"
    "INSERT INTO input VALUES ('s', 0, 'f', 1, 'h', 'text');"
    "INSERT INTO layer_budget VALUES (90, 0, 4, 1); INSERT INTO head_usage VALUES (80, 0, 1, 1);"
    "INSERT INTO class_head_usage VALUES (80, 1, 0, 1, 1);"
    "INSERT INTO profile (id, trial_id, batch_size, warmup_passes, inputs_per_sample)"
    " VALUES (50, 20, 32, 1, 1), (40, 20, 1, 1, 1);"
    "INSERT INTO phase VALUES (50, 'norm', 1, 1, 1, 1);"
    "INSERT INTO ceiling VALUES (7, 1, 2, 't');"
    "INSERT INTO training_phase VALUES (30, 'forward', 1, 1);"
    "INSERT INTO profile_block VALUES (40, 0, 1, 1, 1);"
    "INSERT INTO profile_sample VALUES (50, 0, 1, 0, 1, 1), (40, 0, 2, 0, 1, 1);"
    "INSERT INTO counter VALUES (40, 'cycles', 'e', 1, 'counted', '', 'thread', 0, 1, 0);"
    "INSERT INTO energy VALUES (40, 'card', 1, 1, 1, 1, 5, 0.1, '');"
    "INSERT INTO memory VALUES (30, 'peak', 1, '', 1, 1);"
    "INSERT INTO warning VALUES (6, 20, 'noisy', 't');"
    "INSERT INTO bench_run VALUES (3, 7, 't', 0, 1.5);"
    "INSERT INTO bench_result VALUES (3, 0, 'memory', 'n', 'ms', 1, 1, 1, 1, 1, NULL, NULL, '');";

/* What a table says, its rows' numbers and those that they refer to by left out. */
static char *content(const char *path, const char *table) {
    sqlite3 *db;
    sqlite3_stmt *row;
    struct text sql = {0}, out = {0};
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    char *query =
        sqlite3_mprintf("SELECT name FROM pragma_table_info(%Q) WHERE name NOT LIKE '%%id' "
                        "AND name <> 'command' OR name = 'pid'",
                        table);
    assert_int_equal(sqlite3_prepare_v2(db, query, -1, &row, NULL), SQLITE_OK);
    text_append(&sql, "SELECT '%s'", table);
    while (sqlite3_step(row) == SQLITE_ROW)
        text_append(&sql, " || ' ' || quote(%s)", sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    sqlite3_free(query);
    text_append(&sql, " FROM %s ORDER BY 1", table);
    assert_int_equal(sqlite3_prepare_v2(db, sql.data, -1, &row, NULL), SQLITE_OK);
    while (sqlite3_step(row) == SQLITE_ROW) text_append(&out, "%s\n", sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    sqlite3_close(db);
    text_free(&sql);
    return out.data;
}

static bool compare_table(void *context, int n, const char *const *names,
                          const char *const *texts) {
    struct pair *p = context;
    (void)n, (void)names;
    char *there = content(p->in->path, texts[0]), *here = content(p->out->path, texts[0]);
    if (!there || !here || strcmp(there, here) != 0)
        fail_msg("%s: '%s' is '%s' (a new table needs a row here)", texts[0], there, here);
    free(there);
    free(here);
    return true;
}

static void every_table_of_results_comes_along_under_numbers_of_its_own(void **state) {
    struct pair *p = *state;
    in_sql(p, everything);
    assert_int_equal(raw_sql(p->out->path,
                             "INSERT INTO environment VALUES (1, 'o', 'h', 'm', '{}', 't');"
                             "INSERT INTO bench_run VALUES (3, 1, 'u', 0, 1)"),
                     SQLITE_OK);
    train_one(p->out, 0.5);
    merge_ok(p);
    assert_int_equal(p->result.n_taken, 2);
    assert_int_equal(p->result.n_benches, 1);
    assert_near(number(p->out, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_near(number(p->out,
                       "SELECT count(*) FROM prediction p JOIN evaluation e ON e.id = "
                       "p.evaluation_id JOIN trial t ON t.id = e.trial_id JOIN workload w ON "
                       "w.id = t.workload_id WHERE w.name = 'x' AND t.host = 'lab' "
                       "AND predicted = (control = 'none')"),
                2);
    assert_near(number(p->out,
                       "SELECT count(*) FROM profile_sample s JOIN profile q ON q.id = "
                       "s.profile_id JOIN trial t ON t.id = q.trial_id JOIN trial b ON b.id = "
                       "t.base_trial_id WHERE b.key = 'kt' AND latency_ns = 1 + (batch_size = 1)"),
                2);
    assert_near(number(p->out, "SELECT count(*) FROM trial t JOIN environment e ON e.id = "
                               "t.environment_id WHERE e.hash = 'e'"),
                2);
    assert_near(number(p->out, "SELECT count(*) FROM trial WHERE command GLOB "
                               "'./headroom trial ' || id || ' --db *'"),
                3);
    /* Again: nothing, and then into an empty one: the very same in every table. */
    merge_ok(p);
    assert_int_equal(p->result.n_taken + p->result.n_benches, 0);
    assert_int_equal(p->result.n_here, 2);
    store_close(p->out->store);
    char path[160];
    snprintf(path, sizeof path, "%s/empty.db", p->out->folder);
    strcpy(p->out->path, path);
    OK(p->out, store_open(path, &p->out->store, &p->out->error));
    merge_ok(p);
    OK(p->out,
       store_query(p->out->store,
                   "SELECT name FROM main.sqlite_schema WHERE type = 'table' "
                   "AND name NOT IN ('comparison', 'progress')", /* made anew, of live ones */
                   NO_VALUES, compare_table, p, &p->out->error));
}

/* ---- which of two rows stays ---- */

static void of_two_ceilings_the_better_of_each_number_stays(void **state) {
    struct pair *p = *state;
    environment(p->out, "{}");
    environment(p->in, "{\"cpu\": 2}");
    environment(p->in, "{}");
    assert_int_equal(raw_sql(p->out->path, "INSERT INTO ceiling VALUES (1, 20, 8, 'b')"),
                     SQLITE_OK);
    in_sql(p, "INSERT INTO ceiling VALUES (2, 10, 16, 'a')");
    for (int i = 0; i < 2; i++) {
        merge_ok(p);
        assert_near(number(p->out, "SELECT count(*) FROM ceiling"), 1);
        assert_near(number(p->out, "SELECT sgemm_flops_per_second = 20 AND measured_at = 'b' "
                                   "AND triad_bytes_per_second = 16 FROM ceiling"),
                    1);
    }
}

static void the_same_numbers_are_one_result_and_the_first_stays(void **state) {
    struct pair *p = *state;
    train_one(p->out, 0.5);
    train_one(p->in, 0.5);
    environment(p->in, "{\"cpu\": 2}"); /* trainings are not made to be timed */
    in_sql(p,
           "UPDATE trial SET host = 'lab', train_seconds = 99, finished_at = 'then', "
           "environment_id = 1;"
           "UPDATE evaluation SET seconds = 77, macro_f1 = NULL"); /* made before it was stored */
    merge_ok(p);
    assert_int_equal(p->result.n_here, 1);
    assert_string_equal(p->told, "");
    assert_near(number(p->out, "SELECT count(*) FROM trial WHERE host <> 'lab'"), 1);
    assert_near(number(p->out, "SELECT count(*) FROM trial"), 1);
    assert_near(number(p->out, "SELECT count(*) FROM evaluation WHERE macro_f1 = 0.25"), 1);
}

static void any_number_that_is_computed_makes_a_conflict(void **state) {
    static const struct {
        const char *change, *back, *words;
    } cases[] = {
        {"UPDATE evaluation SET loss = 0.5000000000000001", "UPDATE evaluation SET loss = 0.5",
         "evaluation test/best/none: loss 0.50000000000000011 there, 0.5 here"},
        {"UPDATE evaluation SET executed_flops = executed_flops + 1",
         "UPDATE evaluation SET executed_flops = executed_flops - 1", "executed_flops 8001 there"},
        {"UPDATE prediction SET predicted = 1 WHERE input = 3",
         "UPDATE prediction SET predicted = 0",
         "prediction 3 of evaluation test/best/none: predicted 1 there, 0 here"},
        {"UPDATE head_usage SET n_inputs = 1 WHERE layer = 1 AND head = 2",
         "UPDATE head_usage SET n_inputs = 4",
         "head_usage 1/2 of evaluation test/best/none: n_inputs 1 there, 4 here"},
        {"UPDATE class_head_usage SET n_inputs = 1", "UPDATE class_head_usage SET n_inputs = 2",
         "class_head_usage 1/0/3 of evaluation test/best/none: n_inputs 1 there, 2 here"},
        {"UPDATE layer_budget SET n_inputs = 3", "UPDATE layer_budget SET n_inputs = 4",
         "layer_budget 0/8"},
        {"UPDATE epoch SET train_loss = 0.6", "UPDATE epoch SET train_loss = 0.7",
         "epoch 1: train_loss 0.59999999999999998 there"},
        {"UPDATE trial SET best_epoch = 5", "UPDATE trial SET best_epoch = 1",
         "best_epoch 5 there, 1 here"},
        {"UPDATE trial SET n_train = 7", "UPDATE trial SET n_train = 8",
         "trial: n_train 7 there, 8 here"},
        {"UPDATE tuning SET validation_loss = 2", "UPDATE tuning SET validation_loss = 1",
         "tuning 0: validation_loss 2.0 there, 1.0 here"},
    };
    static const char more[] = "UPDATE trial SET n_train = 8;"
                               "INSERT INTO class_head_usage SELECT id, 1, 0, 3, 2 FROM evaluation;"
                               "INSERT INTO tuning VALUES (1, 0, '{}', 1, 1, 1, 1, 1, 1, '')";
    struct pair *p = *state;
    train_one(p->out, 0.5);
    train_one(p->in, 0.5);
    in_sql(p, more);
    assert_int_equal(raw_sql(p->out->path, more), SQLITE_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        in_sql(p, cases[i].change);
        merge_ok(p);
        assert_int_equal(p->result.n_conflicts, 1);
        said(p->told, cases[i].words);
        in_sql(p, cases[i].back);
        merge_ok(p);
        assert_int_equal(p->result.n_conflicts, 0);
    }
    assert_near(number(p->out, "SELECT count(*) FROM trial"), 1);
}

static void a_conflict_names_both_machines_and_their_revisions(void **state) {
    struct pair *p = *state;
    train_one(p->out, 0.5);
    train_one(p->in, 0.75);
    environment(p->in, "{\"git_revision\": \"1234567\"}");
    in_sql(p, "UPDATE environment SET machine = 'Other CPU'; UPDATE trial SET host = 'lab', "
              "environment_id = 1");
    merge_ok(p);
    said(p->told, "w/fixed-8/0 (train, key ");
    said(p->told, "accuracy 0.75 there, 0.5 here");
    said(p->told, "there by 1234567 on lab (Other CPU)");
    said(p->told, "here by an unknown revision on ");
    assert_near(number(p->out, "SELECT accuracy FROM evaluation"), 0.5);
    p->options.replace = true;
    in_sql(p, "UPDATE trial SET current = 0"); /* the plan here has it */
    merge_ok(p);
    said(p->told, "takes its place");
    assert_near(number(p->out,
                       "SELECT accuracy FROM evaluation e JOIN trial t ON t.id = e.trial_id "
                       "WHERE current = 1 AND host = 'lab'"),
                0.75);
    assert_near(number(p->out,
                       "SELECT accuracy FROM evaluation e JOIN trial t ON t.id = e.trial_id "
                       "WHERE current = 0 AND key GLOB '*.1'"),
                0.5);
}

static void a_result_takes_the_place_of_what_has_none_whichever_comes_first(void **state) {
    struct pair *p = *state;
    one_trial(p->out);
    train_one(p->in, 0.5);
    merge_ok(p);
    assert_int_equal(p->result.n_taken, 1);
    assert_near(number(p->out, "SELECT count(*) FROM accuracy_by_seed WHERE accuracy = 0.5"), 1);
    in_sql(p, "UPDATE trial SET status = 'failed', reason = 'fault'");
    merge_ok(p);
    assert_int_equal(p->result.n_open, 1);
    assert_near(number(p->out, "SELECT count(*) FROM trial WHERE status = 'ok'"), 1);
    assert_near(number(p->out, "SELECT count(*) FROM trial"), 1);
}

static void a_failure_says_more_than_a_plan(void **state) {
    struct pair *p = *state;
    int64_t id = one_trial(p->out);
    one_trial(p->in);
    in_sql(p, "UPDATE trial SET status = 'failed', reason = 'fault'; "
              "INSERT INTO warning (trial_id, text, at) VALUES (1, 'hot', 't')");
    merge_ok(p);
    assert_near(number(p->out, "SELECT count(*) FROM trial_status WHERE reason = 'fault'"), 1);
    assert_near(number(p->out, "SELECT count(*) FROM warning"), 1);
    OK(p->out, store_retry(p->out->store, id, &p->out->error));
}

/* Of two that say as much the first stays, so that merging again changes nothing. */
static void of_two_trials_without_a_result_the_one_that_says_more_stays(void **state) {
    static const struct {
        const char *there, *here, *stays;
    } cases[] = {
        {"failed", "oom", "oom"},
        {"failed", "interrupted", "failed"},
        {"skipped", "failed", "failed"},
        {"interrupted", "skipped", "skipped"},
        {"timeout", "skipped", "timeout"},
        {"skipped", "planned", "skipped"},
        {"running", "planned", "interrupted"},
    };
    struct pair *p = *state;
    char sql[128];
    one_trial(p->out);
    one_trial(p->in);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(sql, sizeof sql, "UPDATE trial SET status = '%s', reason = 'there'",
                 cases[i].there);
        in_sql(p, sql);
        snprintf(sql, sizeof sql, "UPDATE trial SET status = '%s', reason = 'here'", cases[i].here);
        assert_int_equal(raw_sql(p->out->path, sql), SQLITE_OK);
        merge_ok(p);
        assert_int_equal(p->result.n_open, 1);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM trial WHERE status = '%s'", cases[i].stays);
        if (number(p->out, sql) != 1)
            fail_msg("%s there, %s here: not %s", cases[i].there, cases[i].here, cases[i].stays);
    }
}

static void what_a_killed_shard_was_running_can_be_run_here(void **state) {
    struct pair *p = *state;
    struct made_up m;
    one_trial(p->in);
    in_sql(p, "UPDATE trial SET status = 'running', host = 'lab', pid = 12, boot_id = 'b'");
    merge_ok(p);
    assert_near(number(p->out,
                       "SELECT count(*) FROM trial WHERE status = 'interrupted' AND reason = "
                       "'it was running as pid 12 on host lab when its database was merged'"),
                1);
    OK(p->out, store_claim(p->out->store, 1, getpid(), 0, &p->out->error));
    make_up(&m, 0.5, ALL);
    OK(p->out, store_finish_training(p->out->store, 1, &m.result, &p->out->error));
    merge_ok(p);
    assert_near(number(p->out, "SELECT count(*) FROM trial WHERE status = 'ok'"), 1);
}

static void a_trial_that_somebody_is_running_here_is_left_to_them(void **state) {
    struct pair *p = *state;
    int to_parent[2];
    char byte;
    one_trial(p->out);
    train_one(p->in, 0.5);
    assert_int_equal(pipe(to_parent), 0);
    store_close(p->out->store);
    fflush(NULL);
    pid_t holder = fork();
    if (holder == 0) {
        struct store *store;
        struct error error;
        bool ok = store_open(p->out->path, &store, &error) &&
                  store_claim(store, 1, getpid(), 0, &error) && write(to_parent[1], "", 1) == 1;
        if (ok) pause();
        _exit(1);
    }
    assert_int_equal(read(to_parent[0], &byte, 1), 1);
    OK(p->out, store_open(p->out->path, &p->out->store, &p->out->error));
    bool merged = merge(p);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    close(to_parent[0]);
    close(to_parent[1]);
    assert_false(merged);
    said(p->out->error.text, "which is run by pid");
    merge_ok(p);
    assert_int_equal(p->result.n_taken, 1);
}

/* Times of another machine are kept beside, not in place; those of the same are enough once. */
static void both_machines_timings_are_kept_and_the_first_is_shown(void **state) {
    struct pair *p = *state;
    double slow[] = {200, 200}, fast[] = {100, 100};
    struct fixture *sides[] = {p->out, p->in};
    for (int i = 0; i < 2; i++) {
        train_one(sides[i], 0.5);
        int64_t id = environment(sides[i], i ? "{\"cpu\": 2}" : "{\"cpu\": 1}");
        profile(sides[i], 1, "fixed-8", "fixed", i ? fast : slow, 2, 1000, id);
    }
    for (int i = 0; i < 2; i++) {
        merge_ok(p);
        assert_int_equal(p->result.n_timed, i == 0);
        assert_int_equal(p->result.n_here, 1 + i);
        assert_near(number(p->out, "SELECT count(*) FROM trial WHERE kind = 'profile'"), 2);
        assert_near(number(p->out,
                           "SELECT latency_ns FROM profile_sample s JOIN profile q ON q.id = "
                           "s.profile_id JOIN trial t ON t.id = trial_id WHERE current = 1"),
                    200);
        assert_near(number(p->out,
                           "SELECT latency_ns FROM profile_sample s JOIN profile q ON q.id = "
                           "s.profile_id JOIN trial t ON t.id = trial_id "
                           "WHERE key GLOB '*.1' AND base_trial_id = 1"),
                    100);
    }
    in_sql(p, "UPDATE profile SET executed_flops_per_input = 1");
    merge_ok(p);
    assert_int_equal(p->result.n_conflicts, 1);
    said(p->told, "profile 32: executed_flops_per_input 1.0 there, 1000.0 here");
}

/* A profile that is planned is one of the training that counts. */
static void what_is_not_done_starts_from_the_result_that_took_the_place(void **state) {
    struct pair *p = *state;
    train_one(p->out, 0.5);
    OK(p->out, store_begin_plan(p->out->store, &p->out->error));
    int64_t id = plan_trial(p->out, 1, "fixed-8", "fixed", 0, 1);
    OK(p->out, store_end_plan(p->out->store, true, &p->out->error));
    train_one(p->in, 0.75);
    p->options.replace = true;
    merge_ok(p);
    assert_int_equal(p->result.n_replaced, 1);
    assert_near(number(p->out, "SELECT e.accuracy FROM trial t JOIN evaluation e "
                               "ON e.trial_id = t.base_trial_id WHERE t.kind = 'profile'"),
                0.75);
    assert_near(number(p->out, "SELECT id FROM current_trial WHERE status = 'planned'"),
                (double)id);
}

/* ---- workloads ---- */

/* A sweep without the data knows no number of classes. */
static void what_a_workload_lacks_here_comes_from_there(void **state) {
    struct pair *p = *state;
    one_trial(p->out);
    train_one(p->in, 0.5);
    assert_true(isnan(number(p->out, "SELECT n_classes FROM workload")));
    merge_ok(p);
    assert_near(number(p->out, "SELECT n_classes FROM workload"), 2);
    in_sql(p, "UPDATE workload SET n_classes = 3");
    merge_ok(p);
    assert_near(number(p->out, "SELECT n_classes FROM workload"), 2);
}

static void another_definition_of_a_workload_is_refused_or_takes_its_place(void **state) {
    struct pair *p = *state;
    train_one(p->out, 0.5);
    train_one(p->in, 0.75);
    in_sql(p, "UPDATE trial SET key = 'other', config = '{\"train\": {\"epochs\": 3}}'");
    assert_int_equal(
        raw_sql(p->out->path, "UPDATE trial SET config = '{\"train\": {\"epochs\": 4}}'"),
        SQLITE_OK);
    merge_ok(p);
    assert_int_equal(p->result.n_refused_workloads, 1);
    said(p->told, "its workload 'w' is not the one of");
    said(p->told, "train.epochs of fixed-8 is 3 there, 4 here");
    p->options.replace = true;
    in_sql(p, "UPDATE workload SET file = 'there.yaml'");
    merge_ok(p);
    assert_near(number(p->out, "SELECT count(*) FROM workload WHERE file = 'there.yaml'"), 1);
    assert_near(number(p->out, "SELECT count(*) FROM trial"), 2);
    assert_near(number(p->out, "SELECT accuracy FROM accuracy_by_seed"), 0.75);
}

static void the_same_settings_on_other_data_are_another_workload(void **state) {
    struct pair *p = *state;
    train_one(p->out, 0.5);
    train_one(p->in, 0.5);
    in_sql(p, "UPDATE trial SET key = 'other', data_sha256 = 'bbbb'");
    assert_int_equal(raw_sql(p->out->path, "UPDATE trial SET data_sha256 = 'aaaa'"), SQLITE_OK);
    merge_ok(p);
    assert_int_equal(p->result.n_refused_workloads, 1);
    said(p->told, "the data of fixed-8/0 are bbbb there, aaaa here");
    /* Where the data is absent the key is another one too, but there is no result. */
    in_sql(p, "UPDATE trial SET status = 'skipped'");
    merge_ok(p);
    assert_int_equal(p->result.n_refused_workloads, 0);
    assert_near(number(p->out, "SELECT count(*) FROM trial"), 1);
    /* The other way round it gives way. */
    assert_int_equal(raw_sql(p->out->path, "UPDATE trial SET status = 'skipped'"), SQLITE_OK);
    in_sql(p, "UPDATE trial SET status = 'ok'");
    merge_ok(p);
    assert_near(number(p->out, "SELECT count(*) FROM trial WHERE current = 1 AND key = 'other'"),
                1);
}

static void earlier_results_come_along_once(void **state) {
    struct pair *p = *state;
    bool retired;
    train_one(p->in, 0.5);
    char key[65];
    sha256_hex("fixed-8/0", 9, key);
    OK(p->in, store_begin_plan(p->in->store, &p->in->error));
    OK(p->in, store_retire_trial(p->in->store, 1, key, NULL, false, &retired, &p->in->error));
    assert_true(retired);
    OK(p->in, store_end_plan(p->in->store, true, &p->in->error));
    train_one(p->in, 0.75);
    for (int i = 0; i < 2; i++) {
        merge_ok(p);
        assert_int_equal(p->result.n_taken, i ? 0 : 2);
        assert_near(number(p->out, "SELECT count(*) FROM trial WHERE key GLOB '*.1'"), 1);
        assert_near(number(p->out, "SELECT accuracy FROM accuracy_by_seed"), 0.75);
    }
}

/* ---- sources ---- */

static void a_source_that_fails_in_the_middle_leaves_nothing(void **state) {
    struct pair *p = *state;
    train_one(p->out, 0.5);
    in_sql(p, everything);
    in_sql(
        p,
        "PRAGMA ignore_check_constraints = ON; UPDATE evaluation SET accuracy = 5 WHERE id = 80");
    assert_false(merge(p));
    said(p->out->error.text, p->in->path);
    said(p->out->error.text, "CHECK constraint failed");
    assert_near(number(p->out, "SELECT count(*) FROM trial"), 1);
    assert_near(number(p->out, "SELECT count(*) FROM environment"), 0);
    in_sql(p, "UPDATE evaluation SET accuracy = 0.5; PRAGMA foreign_keys = OFF; "
              "UPDATE trial SET base_trial_id = 20 WHERE id = 20");
    assert_false(merge(p));
    said(p->out->error.text, "start from trials that are not there");
    in_sql(p, "UPDATE trial SET base_trial_id = 30 WHERE id = 20");
    merge_ok(p);
    assert_int_equal(p->result.n_taken, 2);
}

static char *bytes_of(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    *size = 0;
    if (!file) return NULL;
    char *bytes = malloc(1 << 22);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    return bytes;
}

/* Merges p->in->path, and fails where that changes a byte of the file. */
static void merge_unchanged(struct pair *p) {
    size_t before, after;
    char *there = bytes_of(p->in->path, &before);
    merge_ok(p);
    char *here = bytes_of(p->in->path, &after);
    assert_int_equal(before, after);
    assert_memory_equal(there, here, before);
    free(there);
    free(here);
}

static void every_version_is_merged_and_stays_as_it_is(void **state) {
    struct pair *p = *state;
    char path[200];
    for (int version = 3; version <= 5; version++) {
        snprintf(path, sizeof path, "tests/harness/store/schema/version-%d.sql", version);
        size_t size;
        char *text = bytes_of(path, &size);
        assert_non_null(text);
        text[size] = '\0';
        snprintf(p->in->path, sizeof p->in->path, "%s/%d.db", p->in->folder, version);
        in_sql(p, text);
        free(text);
        merge_unchanged(p);
        assert_int_equal(p->result.n_taken, version == 3);
        assert_int_equal(p->result.n_here, version != 3);
        assert_near(number(p->out, "SELECT accuracy_mean FROM accuracy_vs_budget"), 0.75);
    }
}

static int dies_while_writing(const char *path) {
    sqlite3 *db;
    return sqlite3_open(path, &db) == SQLITE_OK &&
                   sqlite3_exec(
                       db,
                       "PRAGMA cache_size = 1; BEGIN; UPDATE evaluation SET accuracy = 0.1;"
                       "CREATE TABLE filler AS WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL "
                       "SELECT x + 1 FROM n LIMIT 300) SELECT randomblob(1000) FROM n",
                       NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : 1;
}

static void what_a_killed_writer_began_is_undone_in_a_copy(void **state) {
    struct pair *p = *state;
    char journal[160];
    int status;
    size_t before = 0, after = 0;
    train_one(p->in, 0.5);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) _exit(dies_while_writing(p->in->path));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    snprintf(journal, sizeof journal, "%s-journal", p->in->path);
    free(bytes_of(journal, &before));
    assert_true(before > 0);
    merge_unchanged(p);
    free(bytes_of(journal, &after));
    assert_int_equal(before, after);
    assert_near(number(p->out, "SELECT accuracy FROM accuracy_by_seed"), 0.5);
}

static void a_log_beside_the_source_is_read_with_it(void **state) {
    struct pair *p = *state;
    char log[160];
    int status;
    train_one(p->in, 0.5);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) { /* it leaves the log: its writer does not close the file */
        sqlite3 *db;
        _exit(sqlite3_open(p->in->path, &db) == SQLITE_OK &&
                      sqlite3_exec(
                          db, "PRAGMA journal_mode = WAL; UPDATE evaluation SET accuracy = 0.75",
                          NULL, NULL, NULL) == SQLITE_OK
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    snprintf(log, sizeof log, "%s-wal", p->in->path);
    assert_int_equal(access(log, F_OK), 0);
    merge_unchanged(p);
    assert_near(number(p->out, "SELECT accuracy FROM accuracy_by_seed"), 0.75);
}

/* The file of a trial that has its result since is a left-over. */
static void results_that_wait_beside_the_source_are_counted(void **state) {
    struct pair *p = *state;
    char path[256], key[65];
    one_trial(p->in);
    sha256_hex("fixed-8/0", 9, key);
    snprintf(path, sizeof path, "%s/pending", p->in->folder);
    assert_int_equal(mkdir(path, 0777), 0);
    snprintf(path, sizeof path, "%s/pending/%s.db", p->in->folder, key);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    merge_ok(p);
    assert_int_equal(p->result.n_waiting, 1);
    in_sql(p, "UPDATE trial SET status = 'ok'");
    merge_ok(p);
    assert_int_equal(p->result.n_waiting, 0);
}

#define PAIR(function) cmocka_unit_test_setup_teardown(function, set_up_pair, tear_down_pair)

int main(void) {
    const struct CMUnitTest tests[] = {
        PAIR(every_table_of_results_comes_along_under_numbers_of_its_own),
        PAIR(of_two_ceilings_the_better_of_each_number_stays),
        PAIR(the_same_numbers_are_one_result_and_the_first_stays),
        PAIR(any_number_that_is_computed_makes_a_conflict),
        PAIR(a_conflict_names_both_machines_and_their_revisions),
        PAIR(a_result_takes_the_place_of_what_has_none_whichever_comes_first),
        PAIR(a_failure_says_more_than_a_plan),
        PAIR(of_two_trials_without_a_result_the_one_that_says_more_stays),
        PAIR(what_a_killed_shard_was_running_can_be_run_here),
        PAIR(a_trial_that_somebody_is_running_here_is_left_to_them),
        PAIR(both_machines_timings_are_kept_and_the_first_is_shown),
        PAIR(what_is_not_done_starts_from_the_result_that_took_the_place),
        PAIR(what_a_workload_lacks_here_comes_from_there),
        PAIR(another_definition_of_a_workload_is_refused_or_takes_its_place),
        PAIR(the_same_settings_on_other_data_are_another_workload),
        PAIR(earlier_results_come_along_once),
        PAIR(a_source_that_fails_in_the_middle_leaves_nothing),
        PAIR(every_version_is_merged_and_stays_as_it_is),
        PAIR(what_a_killed_writer_began_is_undone_in_a_copy),
        PAIR(results_that_wait_beside_the_source_are_counted),
        PAIR(a_log_beside_the_source_is_read_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
