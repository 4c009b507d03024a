/*
 * Which trials a sweep runs and in which order: once each, bases first, profiles in turns, nothing
 * that others run, nothing without its data.
 */
#include "tests/harness/sweep/sweep_fixture.h"

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

/* Six profiles in a new database. The time in which one waits for its turn is not its own: the
 * timeout is longer than the turns of one and shorter than those of all. A busy machine adds to the
 * own time as much whatever the turns take, so that long ones tell where short ones do not. */
static struct fixture *run_turns(void **state, int turn_ms) {
    static const char *const arms[] = {"turns-1", "turns-2", "turns-3",
                                       "turns-4", "turns-5", "turns-6"};
    char text[16];
    remove_fixture(state);
    if (make_fixture(state) != 0) abort(); /* no analyzer knows that an assertion does not return */
    struct fixture *f = *state;
    snprintf(text, sizeof text, "%d", turn_ms);
    setenv("HEADROOM_TEST_TURN_MS", text, 1);
    f->options.timeout = 5 * N_TURNS * turn_ms / 1000;
    plan_arms(f, arms, 6, true);
    run(f);
    unsetenv("HEADROOM_TEST_TURN_MS");
    return f;
}

static void profiles_take_turns_in_an_order_that_is_new_in_every_round(void **state) {
    enum { N = 6 };
    char runs[8192], order[N_TURNS][8] = {{0}};
    struct fixture *f = run_turns(state, 100);
    for (int turn_ms = 200; f->result.n_failed > 0 && turn_ms < 1000; turn_ms *= 2)
        f = run_turns(state, turn_ms);
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

MAIN_OF_SWEEPS(TEST(finished_trials_never_run_again_and_failed_ones_do),
               TEST(profiles_run_one_at_a_time_after_all_training),
               TEST(profiles_take_turns_in_an_order_that_is_new_in_every_round),
               TEST(trial_starts_after_its_base_and_not_without),
               TEST(interrupted_base_leaves_who_waits_for_it_planned),
               TEST(base_that_runs_elsewhere_is_not_waited_for),
               TEST(same_trial_of_two_workloads_runs_once_at_a_time),
               TEST(trial_that_another_process_took_first_stays_its_own),
               TEST(trial_that_another_process_finished_meanwhile_is_ok),
               TEST(what_is_known_before_any_trial_runs_is_written_at_once),
               TEST(absent_data_skips_with_the_fix_and_runs_when_it_comes),
               TEST(share_of_the_cores_is_what_trials_computed_while_others_waited))
