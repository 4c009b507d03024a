/*
 * Views that hold accuracy against FLOPs, and FLOPs against other rules of counting them. A made-up
 * model executes 250 FLOPs per input and head; numbers are worked out by hand.
 */
#include "tests/harness/store/store_fixture.h"

/* One finished training with k heads for every input. */
static void train_one(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                      int seed, int k, double accuracy) {
    struct made_up m;
    make_up(&m, accuracy, (const int[]){k, k, k, k});
    if (strcmp(policy, "fixed") == 0) m.evaluation[0].mean_s = NAN;
    if (seed == 1) m.evaluation[0].matthews = NAN;
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, arm, policy, seed, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
    OK(f, store_finish_training(f->store, id, &m.result, &f->error));
}

static void expect(struct fixture *f, const char *view, const char *arm, const char *column,
                   double expected) {
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT %s FROM %s WHERE arm = '%s'", column, view, arm);
    double value = number(f, sql);
    if (isnan(expected) ? !isnan(value) : !(fabs(value - expected) <= 1e-6 * (1 + fabs(expected))))
        fail_msg("%s of %s in %s is %g, not %g", column, arm, view, value, expected);
}

/* Two heads execute 500 FLOPs, a third of the way from 250 to 1000. Seed 0: .6 + (.9 - .6) / 3 = .7;
 * seed 1: .7 throughout. So .8 and .9 are 10 and 20 points more; half width 12.7062 x 5. */
static void a_budget_is_held_against_the_fixed_curve_at_its_flops(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    static const double one[] = {0.6, 0.7}, four[] = {0.9, 0.7}, budget[] = {0.8, 0.9};
    for (int seed = 0; seed < 2; seed++) {
        train_one(f, workload, "fixed-1", "fixed", seed, 1, one[seed]);
        train_one(f, workload, "fixed-4", "fixed", seed, 4, four[seed]);
        train_one(f, workload, "budget", "budgetformer", seed, 2, budget[seed]);
        train_one(f, workload, "same", "budgetformer", seed, 4, budget[seed]);
        train_one(f, workload, "more", "budgetformer", seed, 5, 0.9);
        train_one(f, workload, "seldom", "budgetformer", seed, seed ? 8 : 2, 0.8);
    }
    static const char view[] = "accuracy_at_equal_flops";
    KEEP(f, view);
    expect(f, view, "budget", "executed_flops_per_input", 500);
    expect(f, view, "budget", "accuracy", 0.85);
    expect(f, view, "budget", "fixed_accuracy", 0.7);
    expect(f, view, "budget", "difference_points", 15);
    expect(f, view, "budget", "ci95_low_points", 15 - 12.7062 * 5);
    expect(f, view, "budget", "ci95_high_points", 15 + 12.7062 * 5);
    expect(f, view, "budget", "n_seeds", 2);
    expect(f, view, "budget", "n_outside", 0);
    expect(f, view, "same", "difference_points", (-10 + 20) / 2.0); /* at a point of the curve */
    expect(f, view, "more", "difference_points", NAN); /* no line beyond the last point */
    expect(f, view, "more", "fixed_accuracy", NAN);
    expect(f, view, "more", "n_seeds", 0);
    expect(f, view, "more", "n_outside", 2);
    expect(f, view, "seldom", "difference_points", 10); /* of its one seed inside */
    expect(f, view, "seldom", "ci95_low_points", NAN);
    expect(f, view, "seldom", "n_outside", 1);
    assert_near(number(f, "SELECT count(*) FROM accuracy_at_equal_flops"), 4); /* no fixed arm */
}

/* The curve of one workload is at .6, that of the other at .8. */
static void every_workload_has_a_curve_of_its_own(void **state) {
    struct fixture *f = *state;
    static const char *const names[] = {"v", "w"};
    for (int i = 0; i < 2; i++) {
        int64_t workload = one_workload(f, names[i]);
        train_one(f, workload, "fixed-1", "fixed", 0, 1, 0.6 + 0.2 * i);
        train_one(f, workload, "fixed-4", "fixed", 0, 4, 0.6 + 0.2 * i);
        train_one(f, workload, "budget", "budgetformer", 0, 2, 0.7);
    }
    static const char of[] =
        "SELECT difference_points FROM accuracy_at_equal_flops WHERE workload = ";
    char sql[200];
    snprintf(sql, sizeof sql, "%s'v'", of);
    assert_near(number(f, sql), 10);
    snprintf(sql, sizeof sql, "%s'w'", of);
    assert_near(number(f, sql), -10);
}

static void the_front_is_what_no_arm_beats(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *arm;
        int k;
        double accuracy;
        bool on;
    } arms[] = {{"one", 1, 0.6, true},         {"twin", 1, 0.6, true}, /* equal: neither beats */
                {"worse twin", 1, 0.5, false}, {"two", 2, 0.6, false}, /* dearer, not better */
                {"four", 4, 0.9, true},        {"same cost", 4, 0.8, false},
                {"eight", 8, 0.9, false}};
    int64_t workload = one_workload(f, "w");
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++)
        train_one(f, workload, arms[i].arm, "fixed", 0, arms[i].k, arms[i].accuracy);
    train_one(f, one_workload(f, "other"), "elsewhere", "fixed", 0, 1, 0.99);
    KEEP(f, "pareto_front");
    for (size_t i = 0; i < sizeof arms / sizeof *arms; i++) {
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM pareto_front WHERE arm = '%s'",
                 arms[i].arm);
        if (number(f, sql) != arms[i].on) fail_msg("%s", arms[i].arm);
    }
    assert_near(number(f, "SELECT count(*) FROM pareto_front"), 4);
}

/* Macro-F1 is made up as half of the accuracy: .3 and .4, so .35 with 12.7062 x .05. */
static void other_metrics_have_means_and_intervals(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    train_one(f, workload, "one", "fixed", 0, 1, 0.6);
    train_one(f, workload, "one", "fixed", 1, 1, 0.8);
    KEEP(f, "interval_by_measure", "accuracy_vs_budget", "measure_by_arm");
    expect(f, "accuracy_vs_budget", "one", "macro_f1", 0.35);
    expect(f, "accuracy_vs_budget", "one", "matthews", 0.1); /* seed 1 has none */
    expect(f, "accuracy_vs_budget", "one", "ece", 0.25);
    expect(f, "accuracy_vs_budget", "one", "loss", 0.5);
    assert_near(number(f, "SELECT ci95_high FROM measure_by_arm WHERE measure = 'macro_f1'"),
                0.35 + 12.7062 * 0.05);
    assert_near(number(f, "SELECT n_seeds FROM measure_by_arm WHERE measure = 'matthews'"), 1);
}

/* One layer, D 4, H 2, F 8, 3 tokens, 2 classes, 10 words, final norm and positions; counts of one
 * input by the formulas of models/flops.h. With all heads they sum to 1542, with one head and a
 * gate of 50 to 1256. s is .35 although half of the heads run. */
static const char all_heads[] =
    "{\"qkv\":288,\"scores\":72,\"scale\":18,\"softmax\":90,\"av\":72,\"gate_multiply\":0,"
    "\"output\":96,\"attention_bias\":48,\"ffn\":384,\"ffn_bias\":36,\"gelu\":192,\"norm\":180,"
    "\"residual\":24,\"gate\":0,\"position\":12,\"pool\":12,\"classifier\":16,"
    "\"classifier_bias\":2}";
static const char one_head[] =
    "{\"qkv\":144,\"scores\":36,\"scale\":9,\"softmax\":45,\"av\":36,\"gate_multiply\":0,"
    "\"output\":48,\"attention_bias\":30,\"ffn\":384,\"ffn_bias\":36,\"gelu\":192,\"norm\":180,"
    "\"residual\":24,\"gate\":50,\"position\":12,\"pool\":12,\"classifier\":16,"
    "\"classifier_bias\":2}";

static void counting_rules_are_those_of_a_worked_example(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *convention;
        double own, all;
    } cases[] = {
        {"BFC-1", 1256, 1542},
        /* 144 + 36 + 36 + 48 + 384 + 16; 288 + 72 + 72 + 96 + 384 + 16 */
        {"GEMM only", 664, 928},
        /* half of these and of the gate, and norms */
        {"fvcore", 332 + 25 + 180, 464 + 180},
        {"fvcore, fused attention", 332 - 36 + 25 + 180, 464 - 72 + 180},
        /* products, scale, softmax / 5, GELU / 8, norms, residual, gate, positions */
        {"DeepSpeed", 664 + 9 + 9 + 24 + 180 + 24 + 50 + 12, 928 + 18 + 18 + 24 + 180 + 24 + 12},
        /* AV and output of both heads; 2 x 10 words x 12 */
        {"ELECTRA", 1256 + 36 + 48 + 240, 1542 + 240},
        {"ELECTRA, look-up", 1256 + 36 + 48, 1542},
        /* 288 + 96 + 48 stay; 72 + 18 + 90 + 72 by s */
        {"paper (inferred)", 432 + 0.35 * 252, 432 + 252},
    };
    int64_t workload = one_workload(f, "w");
    train_one(f, workload, "all", "fixed", 0, HEADS, 0.9);
    train_one(f, workload, "half", "fixed", 0, HEADS / 2, 0.9);
    train_one(f, workload, "budget", "budgetformer", 0, HEADS / 2, 0.9);
    train_one(f, workload, "none", "none", 0, 0, 0.5);
    char sql[2000];
    snprintf(
        sql, sizeof sql,
        "UPDATE trial SET vocab = 10; UPDATE evaluation SET n_inputs = 1, flops_by_component = "
        "CASE heads WHEN mean_heads THEN '%s' ELSE '%s' END, "
        "mean_s = CASE WHEN mean_s IS NOT NULL THEN 0.35 END",
        all_heads, one_head);
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    static const char of[] =
        "SELECT %s FROM flops_by_convention WHERE arm = '%s' AND convention = '%s'";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *convention = cases[i].convention;
        snprintf(sql, sizeof sql, of, "flops_per_input", "budget", convention);
        assert_near(number(f, sql), cases[i].own);
        snprintf(sql, sizeof sql, of, "all_heads_flops_per_input", "budget", convention);
        assert_near(number(f, sql), cases[i].all);
        snprintf(sql, sizeof sql, of, "saved_share", "budget", convention);
        assert_near(number(f, sql), 1 - cases[i].own / cases[i].all);
        snprintf(sql, sizeof sql, of, "saved_share", "all", convention);
        assert_near(number(f, sql), 0);
    }
    snprintf(sql, sizeof sql, of, "flops_per_input", "half", "paper (inferred)"); /* s is k / H */
    assert_near(number(f, sql), 432 + 0.5 * 252);
    assert_near(number(f, "SELECT count(*) FROM flops_by_convention WHERE arm = 'none'"), 0);
    size_t n_cases = sizeof cases / sizeof *cases;
    assert_near(number(f, "SELECT count(*) FROM flop_convention"), (double)n_cases);
}

/* Seed 0 saves 286 of 1542. Seed 1 saves nothing of 771: it has twice the inputs for the same counts. */
static void a_saving_is_the_mean_over_seeds_of_each_seed_s_share(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    for (int seed = 0; seed < 2; seed++) {
        train_one(f, workload, "all", "fixed", seed, HEADS, 0.9);
        train_one(f, workload, "half", "fixed", seed, HEADS / 2, 0.9);
    }
    char sql[2000];
    snprintf(
        sql, sizeof sql,
        "UPDATE trial SET vocab = 10; UPDATE evaluation SET n_inputs = 1 + seed, "
        "flops_by_component = CASE WHEN heads = mean_heads OR seed = 1 THEN '%s' ELSE '%s' END "
        "FROM trial WHERE trial.id = trial_id",
        all_heads, one_head);
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    static const char of[] = "SELECT %s FROM flops_by_convention "
                             "WHERE arm = 'half' AND convention = 'BFC-1'";
    static const struct {
        const char *column;
        double expected;
    } cases[] = {{"flops_per_input", (1256 + 771) / 2.0},
                 {"all_heads_flops_per_input", (1542 + 771) / 2.0},
                 {"saved_share", 286 / 1542.0 / 2},
                 {"n_seeds", 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(sql, sizeof sql, of, cases[i].column);
        assert_near(number(f, sql), cases[i].expected);
    }
}

/* The rule of ours is what is stored as executed, whatever the weights in the view say. */
static void our_own_rule_is_the_stored_count(void **state) {
    struct fixture *f = *state;
    int64_t workload = one_workload(f, "w");
    train_one(f, workload, "all", "fixed", 0, HEADS, 0.9);
    struct text components = {0};
    for (int c = 0; c < FLOP_COMPONENTS; c++)
        text_append(&components, "%s\"%s\":%d", c ? "," : "{",
                    flops_component_name((enum flop_component)c), 1 << c);
    text_append(&components, "}");
    char sql[2000];
    snprintf(sql, sizeof sql,
             "UPDATE trial SET vocab = 1; UPDATE evaluation SET n_inputs = 1, "
             "flops_by_component = '%s'",
             components.data);
    assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    static const char of[] = "SELECT flops_per_input FROM flops_by_convention WHERE convention = ";
    snprintf(sql, sizeof sql, "%s'BFC-1'", of);
    assert_near(number(f, sql), (1 << FLOP_COMPONENTS) - 1); /* every component, once */
    struct flops flops;
    for (int c = 0; c < FLOP_COMPONENTS; c++) flops.count[c] = (uint64_t)1 << c;
    snprintf(sql, sizeof sql, "%s'GEMM only'", of);
    assert_near(number(f, sql), (double)flops_gemm(&flops));
    text_free(&components);
}

/* Two seeds, a and b: the mean lies between, sd / sqrt(2) is |a - b| / 2. What one seed lacks has no interval. */
static void every_measure_of_an_arm_has_its_own_mean_and_interval(void **state) {
    struct fixture *f = *state;
    double accuracy[] = {0.5, 0.75};
    train(f, one_workload(f, "w"), "a", "fixed", ALL, 2, accuracy, 1);
    static const struct {
        const char *measure, *column;
        double a, b; /* in the row of the model: FLOPs of all inputs */
    } cases[] = {{"accuracy", "accuracy", 0.5, 0.75},
                 {"heads", "mean_heads", 2, 3},
                 {"executed_flops", "executed_flops", 400, 1600},
                 {"active_flops", "active_flops", 800, 1200},
                 {"dense_flops", "dense_flops", 4000, 6000},
                 {"macro_f1", "macro_f1", 0.25, 0.5},
                 {"matthews", "matthews", -0.5, 0.5},
                 {"ece", "ece", 0.0625, 0.1875},
                 {"loss", "loss", 1, 4}};
    char sql[256];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(sql, sizeof sql,
                 "UPDATE evaluation SET %s = CASE trial_id WHEN 1 THEN %g ELSE %g END",
                 cases[i].column, cases[i].a, cases[i].b);
        assert_int_equal(raw_sql(f->path, sql), SQLITE_OK);
    }
    KEEP(f, "interval_by_measure");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double unit = strstr(cases[i].measure, "flops") ? INPUTS : 1;
        snprintf(sql, sizeof sql, "SELECT mean FROM interval_by_measure WHERE measure = '%s'",
                 cases[i].measure);
        assert_near(number(f, sql), (cases[i].a + cases[i].b) / 2 / unit);
        snprintf(sql, sizeof sql, "SELECT half95 FROM interval_by_measure WHERE measure = '%s'",
                 cases[i].measure);
        assert_near(number(f, sql), 12.7062 * (cases[i].b - cases[i].a) / 2 / unit);
    }
    assert_int_equal(raw_sql(f->path, "UPDATE evaluation SET loss = NULL WHERE trial_id = 2"),
                     SQLITE_OK);
    KEEP(f, "interval_by_measure");
    assert_near(number(f, "SELECT n FROM interval_by_measure WHERE measure = 'loss'"), 1);
    assert_near(number(f, "SELECT mean FROM interval_by_measure WHERE measure = 'loss'"), 1);
    assert_true(isnan(number(f, "SELECT half95 FROM interval_by_measure WHERE measure = 'loss'")));
    assert_near(number(f, "SELECT n FROM interval_by_measure WHERE measure = 'ece'"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_budget_is_held_against_the_fixed_curve_at_its_flops),
        TEST(every_workload_has_a_curve_of_its_own),
        TEST(the_front_is_what_no_arm_beats),
        TEST(other_metrics_have_means_and_intervals),
        TEST(counting_rules_are_those_of_a_worked_example),
        TEST(a_saving_is_the_mean_over_seeds_of_each_seed_s_share),
        TEST(our_own_rule_is_the_stored_count),
        TEST(every_measure_of_an_arm_has_its_own_mean_and_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
