/*
 * Arms by the test inputs that they get wrong, for tests of what is said of differences.
 */
#ifndef HEADROOM_TESTS_HARNESS_STORE_WRONG_ANSWERS_H
#define HEADROOM_TESTS_HARNESS_STORE_WRONG_ANSWERS_H

#include "harness/store/comparison.h"
#include "tests/harness/store/store_fixture.h"

/* Which of its test inputs an arm gets wrong, for each seed: [from, to), from 0. */
struct wrong {
    int from, to;
};

/* An arm of k heads per layer with one trained model per seed and n test inputs of its own. */
static inline void add_arm(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                           int k, int n, int n_seeds, const struct wrong *wrong) {
    double accuracy[8] = {0};
    char sql[1024];
    assert_in_range(n_seeds, 1, 8);
    for (int s = 0; s < n_seeds; s++) accuracy[s] = 1 - (double)(wrong[s].to - wrong[s].from) / n;
    train(f, workload, arm, policy, (const int[]){k, k, k, k}, n_seeds, accuracy, 1);
    for (int s = 0; s < n_seeds; s++) {
        snprintf(sql, sizeof sql,
                 "CREATE TEMP TABLE own AS SELECT e.id FROM evaluation e "
                 "JOIN trial t ON t.id = trial_id WHERE arm = '%s' AND seed = %d;"
                 "DELETE FROM prediction WHERE evaluation_id IN own;"
                 "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                 "INSERT INTO prediction (evaluation_id, input, label, predicted, length_tokens, "
                 "heads_run, heads_per_layer) "
                 "SELECT own.id, i, 0, i >= %d AND i < %d, 1, 2, '[1,1]' FROM n JOIN own",
                 arm, s, n - 1, wrong[s].from, wrong[s].to);
        assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    }
}

/* After the last of them. */
static inline void compare_arms(struct fixture *f) {
    OK(f, comparison_update(f->store, &f->error));
}

static const struct wrong NONE[8];

#endif
