/*
 * Making results again: which rows give way to new ones, what comes along because it starts from
 * them, and that nothing that was found is lost.
 */
#include "harness/measure/code_hash.h"
#include "harness/store/report.h"
#include "harness/sweep/plan.h"
#include "tests/harness/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* A base, an arm that starts from it, and one that starts from that; planned in this order. */
enum { FIRST, FIRST_PROFILE, MIDDLE, MIDDLE_PROFILE, LAST, LAST_PROFILE, ALONE, ALONE_PROFILE, N };
static const char chain[] = "workload: chain\ntier: default\ndata: {source: topic}\n"
                            "model: {layers: 1, dim: 16, heads: 4}\nprofile: {again: 0}\n"
                            "arms:\n"
                            "  - {arm: last, policy: flop-matched, base: middle}\n"
                            "  - {arm: middle, policy: fixed-matched, base: first}\n"
                            "  - {arm: first, policy: budgetformer}\n"
                            "  - {arm: alone, policy: none}\n"
                            "seeds: [1]\n";

struct fixture {
    struct scratch scratch;
    struct store *store;
    struct plan plan;
    struct plan_request request;
    struct error error;
    int64_t before[N]; /* ids */
};

static void make(struct fixture *f, enum rerun rerun) {
    plan_free(&f->plan);
    f->request.rerun = rerun;
    if (!plan_make(f->store, &f->request, &f->plan, &f->error)) fail_msg("%s", f->error.text);
    assert_int_equal(f->plan.n_trials, N);
}

/* Finishes a trial of the plan; `code`: NULL for the code of this program. */
static void finish(struct fixture *f, int i, const char *code) {
    static const char *const policies[] = {"budgetformer", "fixed-matched", "flop-matched", "none"};
    const struct plan_trial *trial = &f->plan.trials[i];
    char own[CODE_HASH_SIZE];
    code_hash(policies[i / 2], trial->profile, false, own);
    bool ok = store_claim(f->store, trial->id, getpid(), 0, &f->error);
    if (trial->profile) {
        struct profiling_result result = {0};
        snprintf(result.code_sha256, sizeof result.code_sha256, "%s", code ? code : own);
        ok = ok && store_finish_profiling(f->store, trial->id, &result, &f->error);
    } else {
        struct training_result result = {.n_classes = 2}; /* no checkpoint, none to lose */
        snprintf(result.code_sha256, sizeof result.code_sha256, "%s", code ? code : own);
        ok = ok && store_finish_training(f->store, trial->id, &result, &f->error);
    }
    if (!ok) fail_msg("%s", f->error.text);
}

/* All trials of the chain are ok, by this program. */
static int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !scratch_make(&f->scratch)) return -1;
    *state = f;
    f->request = (struct plan_request){.folder = f->scratch.folder, .profile = true};
    if (!store_open(":memory:", &f->store, &f->error)) return -1;
    assert_true(scratch_write(&f->scratch, "chain.yaml", chain));
    make(f, RERUN_NONE);
    for (int i = 0; i < N; i++) {
        finish(f, i, NULL);
        f->before[i] = f->plan.trials[i].id;
    }
    return 0;
}

static int remove_fixture(void **state) {
    struct fixture *f = *state;
    plan_free(&f->plan);
    store_close(f->store);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

/* Bits of the trials that have another row than before; those are planned, and the others ok. */
static unsigned renewed(struct fixture *f) {
    unsigned bits = 0;
    for (int i = 0; i < N; i++) {
        const struct plan_trial *trial = &f->plan.trials[i];
        bool is_new = trial->id != f->before[i];
        assert_int_equal(trial->retired, is_new);
        assert_string_equal(trial->status, is_new ? "planned" : "ok");
        bits |= (unsigned)is_new << i;
    }
    return bits;
}

enum {
    OF_ALONE = 1 << ALONE | 1 << ALONE_PROFILE,
    OF_LAST = 1 << LAST | 1 << LAST_PROFILE,
    OF_MIDDLE = 1 << MIDDLE | 1 << MIDDLE_PROFILE,
    OF_ALL = (1 << N) - 1
};

static bool keep_text(void *context, int n, const char *const *names, const char *const *texts) {
    (void)n, (void)names;
    snprintf(context, 256, "%s", texts[0] ? texts[0] : "NULL");
    return false;
}

static const char *ask(struct fixture *f, const char *sql) {
    static char text[256];
    text[0] = '\0';
    if (!store_query(f->store, sql, NO_VALUES, keep_text, text, &f->error))
        fail_msg("%s", f->error.text);
    return text;
}

/* All trials are made again, number i by that code and the others by this program's. */
static void set_code(struct fixture *f, int i, const char *code) {
    make(f, RERUN_ALL);
    for (int k = 0; k < N; k++) {
        finish(f, k, k == i ? code : NULL);
        f->before[k] = f->plan.trials[k].id;
    }
}

static const char *older(struct fixture *f, const char *workloads) {
    static char line[256];
    FILE *file = fmemopen(line, sizeof line, "w");
    memset(line, 0, sizeof line);
    if (!report_older_code(f->store, workloads, file, &f->error)) fail_msg("%s", f->error.text);
    fclose(file);
    return line;
}

static void results_of_this_program_stay(void **state) {
    struct fixture *f = *state;
    make(f, RERUN_STALE);
    assert_int_equal(renewed(f), 0);
    assert_string_equal(older(f, NULL), "");
}

static void results_of_other_code_are_made_again_with_all_that_starts_from_them(void **state) {
    struct fixture *f = *state;
    static const struct {
        int old;
        unsigned again;
        const char *said;
    } cases[] = {{ALONE, OF_ALONE, "2 results are of older code"},
                 {ALONE_PROFILE, 1 << ALONE_PROFILE, "1 result is of older code"},
                 {LAST, OF_LAST, "2 results are of older code"},
                 {MIDDLE, OF_MIDDLE | OF_LAST, "4 results are of older code"},
                 {FIRST, OF_ALL & ~OF_ALONE, "6 results are of older code"},
                 {FIRST_PROFILE, 1 << FIRST_PROFILE, "1 result is of older code"}};
    static const char *const codes[] = {"of yesterday", ""}; /* "": not stored, as by version 3 */
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        set_code(f, cases[i / 2].old, codes[i % 2]);
        if (!strstr(older(f, NULL), cases[i / 2].said)) fail_msg("'%s'", older(f, NULL));
        assert_string_equal(older(f, "[\"another\"]"), "");
        assert_string_not_equal(older(f, "[\"chain\"]"), "");
        make(f, RERUN_NONE);
        assert_int_equal(renewed(f), 0); /* nothing by itself */
        make(f, RERUN_STALE);
        assert_int_equal(renewed(f), cases[i / 2].again);
        assert_string_equal(older(f, NULL), "");
        for (int k = 0; k < N; k++) assert_true(f->plan.trials[k].selected);
    }
}

/* New rows start from new rows, so that they wait for them. */
static void what_is_made_again_starts_from_what_is_made_again(void **state) {
    struct fixture *f = *state;
    set_code(f, MIDDLE, "of yesterday");
    make(f, RERUN_STALE);
    const struct plan_trial *t = f->plan.trials;
    assert_int_equal(t[MIDDLE].base_id, t[FIRST].id);
    assert_int_equal(t[LAST].base_id, t[MIDDLE].id);
    assert_int_equal(t[LAST_PROFILE].base_id, t[LAST].id);
    char sql[160];
    for (int i = MIDDLE; i <= LAST_PROFILE; i++) {
        snprintf(sql, sizeof sql, "SELECT base_trial_id FROM trial WHERE id = %d", (int)t[i].id);
        assert_int_equal(atoi(ask(f, sql)), t[i].base_id);
    }
}

static void what_was_found_before_stays_under_a_number(void **state) {
    struct fixture *f = *state;
    char key[TRIAL_KEY_SIZE], sql[256];
    strcpy(key, f->plan.trials[FIRST].key);
    for (int turn = 1; turn <= 3; turn++) {
        make(f, RERUN_ALL);
        assert_int_equal(renewed(f), OF_ALL);
        snprintf(
            sql, sizeof sql,
            "SELECT group_concat(substr(key, 65) || status || current || (checkpoint IS NULL), "
            "' ') FROM (SELECT * FROM trial WHERE key GLOB '%s*' ORDER BY key)",
            key);
        static const char *const rows[] = {"", "planned11 .1ok01", "planned11 .1ok01 .2ok01",
                                           "planned11 .1ok01 .2ok01 .3ok01"};
        assert_string_equal(ask(f, sql), rows[turn]);
        for (int i = 0; i < N; i++) {
            finish(f, i, NULL);
            f->before[i] = f->plan.trials[i].id;
        }
    }
}

static void filter_says_what_is_made_again_and_what_starts_from_it_comes_along(void **state) {
    struct fixture *f = *state;
    f->request.filter = "/middle/";
    make(f, RERUN_ALL);
    assert_int_equal(renewed(f), OF_MIDDLE | OF_LAST);
    for (int i = 0; i < N; i++)
        assert_int_equal(f->plan.trials[i].selected, i >= MIDDLE && i <= LAST_PROFILE);
}

static void profiles_alone_are_made_again(void **state) {
    struct fixture *f = *state;
    make(f, RERUN_PROFILES);
    assert_int_equal(renewed(f), 1 << FIRST_PROFILE | 1 << MIDDLE_PROFILE | 1 << LAST_PROFILE |
                                     1 << ALONE_PROFILE);
}

/* Without profiles a training's own still gives way: it is of other weights. It runs later. */
static void profiles_of_what_is_made_again_are_not_kept(void **state) {
    struct fixture *f = *state;
    f->request.profile = false;
    f->request.filter = "/last/";
    make(f, RERUN_ALL);
    assert_int_equal(renewed(f), OF_LAST);
    assert_true(f->plan.trials[LAST].selected && !f->plan.trials[LAST_PROFILE].selected);
}

static void dry_run_takes_nothing_away(void **state) {
    struct fixture *f = *state;
    f->request.dry_run = true;
    make(f, RERUN_ALL);
    assert_int_equal(renewed(f), OF_ALL);
    f->request.dry_run = false;
    make(f, RERUN_NONE);
    assert_int_equal(renewed(f), 0);
    assert_string_equal(ask(f, "SELECT count(*) FROM trial"), "8");
}

static void of_failed_ones_nothing_else_runs(void **state) {
    struct fixture *f = *state;
    make(f, RERUN_ALL);
    finish(f, FIRST, NULL);
    if (!store_end_trial(f->store, f->plan.trials[LAST].id, "failed", "", &f->error)) fail();
    make(f, RERUN_FAILED); /* and what it needs: its base has no result */
    for (int i = 0; i < N; i++)
        assert_int_equal(f->plan.trials[i].selected, i == FIRST || i == MIDDLE || i == LAST);
    for (int i = 0; i < N; i++) assert_false(f->plan.trials[i].retired);
}

/* A profile that runs while its training is taken away times the old weights. */
static void running_trials_are_left_alone_unless_what_they_start_from_is_not(void **state) {
    struct fixture *f = *state;
    make(f, RERUN_ALL);
    for (int i = 0; i < N; i++) f->before[i] = f->plan.trials[i].id;
    finish(f, FIRST, NULL);
    if (!store_claim(f->store, f->plan.trials[FIRST_PROFILE].id, getpid(), 0, &f->error) ||
        !store_claim(f->store, f->plan.trials[ALONE].id, getpid(), 0, &f->error))
        fail_msg("%s", f->error.text);
    make(f, RERUN_ALL);
    assert_int_not_equal(f->plan.trials[FIRST].id, f->before[FIRST]);
    assert_int_not_equal(f->plan.trials[FIRST_PROFILE].id, f->before[FIRST_PROFILE]);
    assert_int_equal(f->plan.trials[ALONE].id, f->before[ALONE]);
    assert_string_equal(f->plan.trials[ALONE].status, "running");
}

static void results_stay_whose_data_are_gone(void **state) {
    struct fixture *f = *state;
    static const char text[] =
        "workload: chain\ntier: default\n"
        "data: {source: label-text, train_file: a, test_file: a}\n"
        "model: {layers: 1, dim: 16, heads: 4}\nprofile: {again: 0}\narms:\n"
        "  - {arm: a, policy: budgetformer}\n  - {arm: b, policy: fixed, heads: 1}\n"
        "  - {arm: c, policy: fixed, heads: 2}\n  - {arm: d, policy: none}\nseeds: [1]\n";
    char data[256];
    assert_int_equal(setenv("HEADROOM_DATA", f->scratch.folder, 1), 0);
    assert_true(scratch_write(&f->scratch, "a", "X:y what is this\nZ:y who was that\n"));
    assert_true(scratch_write(&f->scratch, "chain.yaml", text));
    make(f, RERUN_NONE);
    for (int i = 0; i < N; i++) {
        finish(f, i, "of yesterday");
        f->before[i] = f->plan.trials[i].id;
    }
    scratch_path(&f->scratch, "a", data, sizeof data);
    assert_int_equal(unlink(data), 0);
    make(f, RERUN_ALL);
    assert_int_equal(renewed(f), 0);
    assert_true(scratch_write(&f->scratch, "a", "X:y what is this\nZ:y who was that\n"));
    make(f, RERUN_ALL);
    assert_int_equal(renewed(f), OF_ALL);
    /* The earlier row has the configuration too, but is no longer the trial. */
    assert_int_equal(unlink(data), 0);
    for (int i = 0; i < N; i++) f->before[i] = f->plan.trials[i].id;
    make(f, RERUN_NONE);
    for (int i = 0; i < N; i++) assert_int_equal(f->plan.trials[i].id, f->before[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_fixture, remove_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(results_of_this_program_stay),
        TEST(results_of_other_code_are_made_again_with_all_that_starts_from_them),
        TEST(what_is_made_again_starts_from_what_is_made_again),
        TEST(what_was_found_before_stays_under_a_number),
        TEST(filter_says_what_is_made_again_and_what_starts_from_it_comes_along),
        TEST(profiles_alone_are_made_again),
        TEST(profiles_of_what_is_made_again_are_not_kept),
        TEST(dry_run_takes_nothing_away),
        TEST(of_failed_ones_nothing_else_runs),
        TEST(running_trials_are_left_alone_unless_what_they_start_from_is_not),
        TEST(results_stay_whose_data_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
