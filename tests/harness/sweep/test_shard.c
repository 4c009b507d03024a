/*
 * Shards: together they are the plan and no trial is in two of them, whatever is done already and
 * in whatever order files are named; trials that need each other are in one; and none is longer
 * than the mean and one group.
 */
#include "harness/sweep/plan.h"
#include "models/base/rng.h"
#include "tests/harness/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

enum { N_GROUPS = 100, N_SHARDS = 7 };

/* ---- sharing out ---- */

/* Work from a few MFLOPs to 2^20 times that, many of them equal. */
static void make_groups(struct shard_group *groups, int *shards) {
    for (int i = 0; i < N_GROUPS; i++) {
        groups[i] = (struct shard_group){.flops = 5e6 * pow(2, i % 21), .shard = &shards[i]};
        snprintf(groups[i].label, sizeof groups[i].label, "workload/arm-%d/1", i);
    }
}

static void none_gets_more_than_the_mean_and_one_group(void **state) {
    struct shard_group groups[N_GROUPS];
    struct shard_shares shares;
    int shards[N_GROUPS];
    (void)state;
    for (int n = 1; n <= 2 * N_GROUPS; n++) {
        double all = 0, largest = 0, sum = 0, work[2 * N_GROUPS] = {0};
        int count = 0;
        make_groups(groups, shards);
        shard_share(groups, N_GROUPS, n, &shares);
        for (int i = 0; i < N_GROUPS; i++) {
            assert_in_range(*groups[i].shard, 1, n);
            work[*groups[i].shard - 1] += groups[i].flops;
            all += groups[i].flops;
            largest = fmax(largest, groups[i].flops);
        }
        for (int s = 0; s < n; s++) {
            assert_true(work[s] <= all / n + largest);
            assert_true(fabs(shares.share[s] - work[s] / all) < 1e-9);
            sum += shares.share[s];
            count += shares.groups[s];
        }
        assert_true(fabs(sum - 1) < 1e-9);
        assert_int_equal(count, N_GROUPS);
        assert_int_equal(shares.n_groups, N_GROUPS);
    }
}

static void every_order_of_the_groups_gives_the_same_shards(void **state) {
    struct shard_group groups[N_GROUPS], shuffled[N_GROUPS];
    struct shard_shares shares, again;
    int first[N_GROUPS], second[N_GROUPS];
    int32_t order[N_GROUPS];
    struct rng rng = rng_stream(1, RNG_TURNS);
    (void)state;
    make_groups(groups, first);
    shard_share(groups, N_GROUPS, N_SHARDS, &shares);
    for (int i = 0; i < N_GROUPS; i++) order[i] = i;
    for (uint64_t round = 0; round < 20; round++) {
        rng_shuffle(&rng, round, order, N_GROUPS);
        make_groups(groups, second);
        for (int i = 0; i < N_GROUPS; i++) shuffled[i] = groups[order[i]];
        shard_share(shuffled, N_GROUPS, N_SHARDS, &again);
        assert_memory_equal(first, second, sizeof first);
        assert_memory_equal(&shares, &again, sizeof shares);
    }
    make_groups(groups, second);
    groups[N_GROUPS / 2].flops += 1e6;
    shard_share(groups, N_GROUPS, N_SHARDS, &again);
    assert_string_not_equal(shares.plan, again.plan);
    /* The same order of other work is shared out alike here, and need not be elsewhere. */
    make_groups(groups, second);
    for (int i = 0; i < N_GROUPS; i++) groups[i].flops *= 2;
    shard_share(groups, N_GROUPS, N_SHARDS, &again);
    assert_string_not_equal(shares.plan, again.plan);
}

/* The long ones last would come on top of a shard that is full. */
static void the_longest_group_is_balanced_by_the_others(void **state) {
    struct shard_group groups[5];
    struct shard_shares shares;
    int shards[5];
    (void)state;
    for (int i = 0; i < 5; i++) {
        groups[i] = (struct shard_group){.flops = i == 2 ? 4e9 : 1e9, .shard = &shards[i]};
        snprintf(groups[i].label, sizeof groups[i].label, "w/arm-%d/1", i);
    }
    shard_share(groups, 5, 2, &shares);
    assert_int_equal(shares.groups[0], 1);
    assert_int_equal(shares.groups[1], 4);
    assert_true(shares.share[0] == 0.5 && shares.share[1] == 0.5);
}

static void what_is_no_part_of_a_whole_is_refused(void **state) {
    static const char *const wrong[] = {
        "0/3",  "4/3",   "1/0",  "-1/3", "1/-3",  "a",    "",    "1",      "1/",           "/3",
        "1/3x", "1/2/3", " 1/3", "1 /3", "1.0/3", "+1/3", "0/0", "1/1001", "1/99999999999"};
    struct shard shard;
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (shard_parse(wrong[i], &shard, &error)) fail_msg("'%s' was accepted", wrong[i]);
    assert_true(shard_parse("2/8", &shard, &error));
    assert_int_equal(shard.number, 2);
    assert_int_equal(shard.of, 8);
    assert_true(shard_parse("1000/1000", &shard, &error));
}

/* ---- plans ---- */

/* Two chains of bases, profiles twice, and arms that stand alone. */
static const char chains[] = "workload: chains\ntier: default\ndata: {source: topic}\n"
                             "model: {layers: 1, dim: 16, heads: 4}\n"
                             "arms:\n"
                             "  - {arm: last, policy: flop-matched, base: middle}\n"
                             "  - {arm: middle, policy: fixed-matched, base: first}\n"
                             "  - {arm: first, policy: budgetformer}\n"
                             "  - {arm: other, policy: fixed-matched, base: second}\n"
                             "  - {arm: second, policy: budgetformer, cost: 0.5}\n"
                             "  - {arm: all, policy: fixed, heads: 4}\n"
                             "  - {arm: one, policy: fixed, heads: 1}\n"
                             "seeds: [1, 2, 3]\n"
                             "profile: {seeds: 2, again: 3}\n";
static const char tuned[] = "workload: tuned\ntier: default\ndata: {source: topic}\n"
                            "model: {layers: 2, dim: 16, heads: 4}\n"
                            "tune: {learning_rate: [1e-3, 3e-3]}\n"
                            "arms:\n"
                            "  - {arm: all, policy: fixed, heads: 4}\n"
                            "  - {arm: none, policy: none}\n";
static const char absent[] = "workload: absent\ntier: default\n"
                             "data: {source: label-text, train_file: a, test_file: b}\n"
                             "arms:\n"
                             "  - {arm: all, policy: fixed, heads: 4}\n";

enum { TRIALS_MAX = 64 };

struct fixture {
    struct scratch scratch;
    struct store *store;
    struct plan plan;
    struct plan_request request;
    struct error error;
};

static int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    if (!f || !scratch_make(&f->scratch)) return -1;
    *state = f;
    f->request = (struct plan_request){.folder = f->scratch.folder, .profile = true};
    setenv("HEADROOM_DATA", f->scratch.folder, 1);
    if (!scratch_write(&f->scratch, "chains.yaml", chains) ||
        !scratch_write(&f->scratch, "tuned.yaml", tuned))
        return -1;
    return store_open(":memory:", &f->store, &f->error) ? 0 : -1;
}

static int remove_fixture(void **state) {
    struct fixture *f = *state;
    plan_free(&f->plan);
    store_close(f->store);
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static void make(struct fixture *f, int number, int of) {
    plan_free(&f->plan);
    f->request.shard = (struct shard){number, of};
    if (!plan_make(f->store, &f->request, &f->plan, &f->error)) fail_msg("%s", f->error.text);
    assert_in_range(f->plan.n_trials, 1, TRIALS_MAX);
}

/* The trial with this id of the plan. */
static size_t place_of(const struct plan *plan, int64_t id) {
    size_t i = 0;
    while (plan->trials[i].id != id) i++;
    return i;
}

/* shards[i]: that of the plan's i-th trial, 0 for none; each in at most one, and with its base. */
static void find_shards(struct fixture *f, int of, int *shards) {
    memset(shards, 0, TRIALS_MAX * sizeof *shards);
    for (int number = 1; number <= of; number++) {
        make(f, number, of);
        for (size_t i = 0; i < f->plan.n_trials; i++) {
            if (!f->plan.trials[i].selected) continue;
            assert_int_equal(shards[i], 0);
            shards[i] = number;
        }
    }
    for (size_t i = 0; i < f->plan.n_trials; i++)
        if (f->plan.trials[i].base_id && shards[i])
            assert_int_equal(shards[i], shards[place_of(&f->plan, f->plan.trials[i].base_id)]);
}

static void shards_are_the_plan_and_keep_together_what_needs_each_other(void **state) {
    struct fixture *f = *state;
    int shards[TRIALS_MAX];
    static const int counts[] = {1, 2, 3, 7, 20}; /* the last: more than there are groups */
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        int of = counts[n];
        double work[20] = {0}, all = 0;
        find_shards(f, of, shards);
        /* Of each seed two chains and four arms that stand alone. */
        assert_int_equal(f->plan.shares.n_groups, 3 * (2 + 4));
        for (size_t i = 0; i < f->plan.n_trials; i++) {
            assert_in_range(shards[i], 1, of);
            work[shards[i] - 1] += f->plan.trials[i].expected_flops;
            all += f->plan.trials[i].expected_flops;
        }
        for (int s = 0; s < of; s++)
            assert_true(fabs(work[s] / all - f->plan.shares.share[s]) < 1e-3);
    }
}

static void what_is_done_does_not_move_a_trial(void **state) {
    struct fixture *f = *state;
    int before[TRIALS_MAX], after[TRIALS_MAX];
    struct training_result result = {.n_classes = 2};
    find_shards(f, 4, before);
    struct shard_shares shares = f->plan.shares;
    for (size_t i = 0; i < f->plan.n_trials; i += 3) {
        int64_t id = f->plan.trials[i].id;
        if (f->plan.trials[i].profile)
            assert_true(store_end_trial(f->store, id, "failed", "because", &f->error));
        else
            assert_true(store_claim(f->store, id, getpid(), 0, &f->error) &&
                        store_finish_training(f->store, id, &result, &f->error));
    }
    find_shards(f, 4, after);
    assert_memory_equal(before, after, sizeof before);
    assert_memory_equal(&shares, &f->plan.shares, sizeof shares);
    /* What is made again is so in its own shard alone. */
    f->request.rerun = RERUN_ALL;
    for (int number = 1; number <= 4; number++) {
        make(f, number, 4);
        for (size_t i = 0; i < f->plan.n_trials; i++)
            assert_true(!f->plan.trials[i].retired || before[i] == number);
        assert_memory_equal(&shares, &f->plan.shares, sizeof shares);
    }
}

static void order_of_named_files_does_not_matter(void **state) {
    struct fixture *f = *state;
    char one[256], other[256], *names[] = {one, other}, *swapped[] = {other, one};
    scratch_path(&f->scratch, "chains.yaml", one, sizeof one);
    scratch_path(&f->scratch, "tuned.yaml", other, sizeof other);
    f->request.files = names;
    f->request.n_files = 2;
    for (int number = 1; number <= 3; number++) {
        make(f, number, 3);
        struct plan first = f->plan;
        f->plan = (struct plan){0};
        f->request.files = swapped;
        make(f, number, 3);
        assert_string_equal(first.shares.plan, f->plan.shares.plan);
        for (size_t i = 0; i < first.n_trials; i++)
            assert_int_equal(first.trials[i].selected,
                             f->plan.trials[place_of(&f->plan, first.trials[i].id)].selected);
        plan_free(&first);
        f->request.files = names;
    }
}

static void only_what_is_selected_is_shared_out(void **state) {
    struct fixture *f = *state;
    int shards[TRIALS_MAX];
    f->request.filter = "^chains/(middle|one)/[12]$";
    f->request.profile = false;
    find_shards(f, 3, shards);
    assert_int_equal(f->plan.shares.n_groups, 4); /* `first` comes with `middle` */
    for (size_t i = 0; i < f->plan.n_trials; i++) {
        const struct plan_trial *trial = &f->plan.trials[i];
        bool wanted = !trial->profile && strncmp(trial->label, "chains/", 7) == 0 &&
                      strchr("12", trial->label[strlen(trial->label) - 1]) &&
                      (strstr(trial->label, "/middle/") || strstr(trial->label, "/one/") ||
                       strstr(trial->label, "/first/"));
        assert_int_equal(shards[i] > 0, wanted);
    }
}

/* Every candidate is trained, and the chosen one is profiled. */
static void tuning_is_as_much_work_as_its_candidates(void **state) {
    struct fixture *f = *state;
    double flops[2][2] = {{0}};
    assert_true(scratch_write(&f->scratch, "alone.yaml",
                              "workload: alone\ntier: default\ndata: {source: topic}\n"
                              "model: {layers: 2, dim: 16, heads: 4}\n"
                              "arms:\n"
                              "  - {arm: all, policy: fixed, heads: 4}\n"
                              "  - {arm: none, policy: none}\n"));
    make(f, 0, 0);
    for (size_t i = 0; i < f->plan.n_trials; i++) {
        const struct plan_trial *trial = &f->plan.trials[i];
        bool alone = strcmp(trial->label, "alone/all/1") == 0;
        if (alone || strcmp(trial->label, "tuned/all/1") == 0)
            flops[alone][trial->profile] = trial->expected_flops;
    }
    assert_true(flops[0][0] > 0 && flops[0][0] == 2 * flops[1][0]);
    assert_true(flops[0][1] > 0 && flops[0][1] == flops[1][1]);
}

/* Every shard says that these are skipped, and they are nobody's share. */
static void absent_data_is_in_every_shard_and_no_work(void **state) {
    struct fixture *f = *state;
    make(f, 1, 2);
    struct shard_shares shares = f->plan.shares;
    assert_true(scratch_write(&f->scratch, "absent.yaml", absent));
    for (int number = 1; number <= 2; number++) {
        make(f, number, 2);
        assert_memory_equal(&shares, &f->plan.shares, sizeof shares);
        for (size_t i = 0; i < f->plan.n_trials; i++)
            if (f->plan.trials[i].missing[0]) assert_true(f->plan.trials[i].selected);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_gets_more_than_the_mean_and_one_group),
        cmocka_unit_test(the_longest_group_is_balanced_by_the_others),
        cmocka_unit_test(every_order_of_the_groups_gives_the_same_shards),
        cmocka_unit_test(what_is_no_part_of_a_whole_is_refused),
        TEST(shards_are_the_plan_and_keep_together_what_needs_each_other),
        TEST(what_is_done_does_not_move_a_trial),
        TEST(order_of_named_files_does_not_matter),
        TEST(only_what_is_selected_is_shared_out),
        TEST(tuning_is_as_much_work_as_its_candidates),
        TEST(absent_data_is_in_every_shard_and_no_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
