/*
 * A sweep over cards, without one: how many there are is told to it, and its trials say which they
 * were given.
 */
#include "tests/harness/sweep/sweep_fixture.h"

/* Plans the arms ok-1 .. ok-n, trained on the device, with more lines in the file. */
static void plan_on(struct fixture *f, const char *device, int n, const char *lines) {
    char yaml[2048];
    int used = snprintf(yaml, sizeof yaml,
                        "workload: w\ntier: default\ndata: {source: topic}\nseeds: 1\n"
                        "model: {layers: 1, dim: 16, heads: 8}\n%sarms:\n",
                        lines);
    for (int i = 1; i <= n; i++)
        used += snprintf(yaml + used, sizeof yaml - (size_t)used,
                         "  - {arm: ok-%d, policy: budgetformer, cost: 0.%d}\n", i, i);
    assert_true(scratch_write(&f->scratch, "w.yaml", yaml));
    struct plan_request request = {
        .folder = f->scratch.folder, .profile = true, .overrides = {.device = device}};
    plan_free(&f->plan);
    if (!plan_make(f->store, &request, &f->plan, &f->error)) fail_msg("%s", f->error.text);
    if (f->plan.n_problems) fail_msg("%s", f->plan.problems[0].text);
}

static const char unprofiled[] = "profile: {seeds: 0}\n";

/* How many trials of a kind began on a card. */
static int count_on(const struct fixture *f, const char *kind, int card) {
    char runs[8192], what[64];
    int n = 0;
    read_runs(f, runs, sizeof runs);
    snprintf(what, sizeof what, " on %d", card);
    for (char *line = strtok(runs, "\n"); line; line = strtok(NULL, "\n"))
        n += strncmp(line, "begin", 5) == 0 && strstr(line, kind) && strstr(line, what);
    return n;
}

static void trainings_spread_over_the_cards_one_process_to_a_card(void **state) {
    struct fixture *f = *state;
    f->options.cards = 2;
    f->options.jobs = 1;
    plan_on(f, "cuda", 8, unprofiled);
    run(f);
    assert_int_equal(f->result.n_ok, 8);
    assert_int_equal(count_on(f, "train", 0) + count_on(f, "train", 1), 8);
    assert_in_range(count_on(f, "train", 0), 1, 7);
    assert_true(f->result.cores_used < 0); /* of cores that wait for cards nothing is said */
}

static void a_named_card_is_the_only_one_used(void **state) {
    struct fixture *f = *state;
    f->options.cards = 2;
    plan_on(f, "cuda:1", 3, unprofiled);
    run(f);
    assert_int_equal(count_on(f, "train", 1), 3);
}

static void profiles_on_cpu_and_card_are_alone_and_the_cards_are_the_same(void **state) {
    struct fixture *f = *state;
    char runs[8192];
    f->options.cards = 4;
    f->options.jobs = 1;
    plan_on(f, NULL, 3, "profile: {devices: [cpu, cuda], again: 1}\n");
    assert_int_equal(f->plan.n_trials, 3 * 3 + 2);
    run(f);
    assert_int_equal(f->result.n_ok, 11);
    assert_int_equal(count_on(f, "profile", 0), 3);
    assert_int_equal(count_on(f, "again", 0), 1);
    read_runs(f, runs, sizeof runs);
    assert_int_equal(count(runs, " on "), 2 * 4); /* begin and end; the CPU's see no card of ours */
    int running = 0;
    for (char *line = strtok(runs, "\n"); line; line = strtok(NULL, "\n")) {
        if (!strstr(line, "profile") && !strstr(line, "again")) continue;
        running += strncmp(line, "begin", 5) == 0 ? 1 : -1;
        assert_in_range(running, 0, 1);
    }
}

static void assert_refused(struct fixture *f, const char *text, const char *more) {
    char runs[64];
    assert_false(sweep_run(f->store, &f->plan, &f->options, &f->result, &f->error));
    if (!strstr(f->error.text, text) || !strstr(f->error.text, more))
        fail_msg("'%s' does not say '%s' and '%s'", f->error.text, text, more);
    read_runs(f, runs, sizeof runs);
    assert_string_equal(runs, "");
}

/* Also what could run on the CPU does not start: who asked for a card by mistake hears it
 * at once. */
static void nothing_runs_where_a_card_is_missing(void **state) {
    struct fixture *f = *state;
    f->options.cards = 1;
    plan_on(f, "cuda:1", 2, unprofiled);
    assert_refused(f, "w.cuda/ok-1/1 is to run on cuda:1", "there is 1 card here");
    f->options.cards = -1;
    plan_on(f, NULL, 2, "profile: {devices: [cpu, cuda]}\n");
    assert_refused(f, "profile on cuda w/ok-1/1 is to run on a card (--device cpu: on the CPU)",
                   "");
}

static void device_and_precision_stand_in_the_row(void **state) {
    struct fixture *f = *state;
    sqlite3 *db;
    plan_on(f, NULL, 1,
            "train: {device: cuda, precision: bf16}\nprofile: {devices: [cuda, cpu]}\n");
    static const char *const labels[] = {"cuda-bf16", "cuda-bf16", "cpu", "cuda-bf16", "cpu"};
    static const char *const kinds[] = {"", "profile ", "profile on cpu ", "profile again ",
                                        "profile again on cpu "};
    assert_int_equal(f->plan.n_trials, 5); /* training, both profiles, both again */
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(f->plan.trials[i].device, labels[i]);
        assert_string_equal(f->plan.trials[i].kind, kinds[i]);
    }
    assert_int_equal(sqlite3_open(f->db, &db), SQLITE_OK);
    sqlite3_stmt *rows;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT group_concat(kind || ' ' || device || ' ' || "
                                        "precision, ', ') FROM (SELECT * FROM trial ORDER BY id)",
                                        -1, &rows, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(rows), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(rows, 0),
                        "train cuda bf16, profile cuda bf16, profile cpu fp32, again cuda bf16, "
                        "again cpu fp32");
    sqlite3_finalize(rows);
    sqlite3_close(db);
}

MAIN_OF_SWEEPS(TEST(trainings_spread_over_the_cards_one_process_to_a_card),
               TEST(a_named_card_is_the_only_one_used),
               TEST(profiles_on_cpu_and_card_are_alone_and_the_cards_are_the_same),
               TEST(nothing_runs_where_a_card_is_missing),
               TEST(device_and_precision_stand_in_the_row))
