/*
 * Planning: the same files give the same rows, what changes a result gives new ones, and whatever
 * is wrong with one file leaves the others alone.
 */
#include "harness/sweep/plan.h"
#include "tests/harness/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define ARMS                                                                                       \
    "arms:\n"                                                                                      \
    "  - {arm: all, policy: fixed, heads: 4}\n"                                                    \
    "  - {arm: ours, policy: budgetformer, cost: 0.5}\n"                                           \
    "seeds: [1, 2]\n"                                                                              \
    "profile: {again: 0}\n"
#define MODEL "model: {layers: 1, dim: 16, heads: 4}\n"

static const char small[] =
    "workload: small\ntier: default\ndata: {source: topic}\n" MODEL "train: {epochs: 2}\n" ARMS;
static const char text[] =
    "workload: text\ntier: default\n"
    "data: {source: label-text, train_file: a.label, test_file: b.label}\n" MODEL ARMS;

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

static void write_file(struct fixture *f, const char *name, const char *content) {
    assert_true(scratch_write(&f->scratch, name, content));
}

static void make(struct fixture *f) {
    plan_free(&f->plan);
    if (!plan_make(f->store, &f->request, &f->plan, &f->error)) fail_msg("%s", f->error.text);
}

static void end(struct fixture *f, int64_t id, const char *status) {
    if (!store_end_trial(f->store, id, status, "because", &f->error)) fail_msg("%s", f->error.text);
}

static void every_arm_and_seed_is_a_trial_and_first_seeds_are_profiled(void **state) {
    struct fixture *f = *state;
    static const char *const labels[] = {"small/all/1",  "small/all/1",  "small/all/2",
                                         "small/ours/1", "small/ours/1", "small/ours/2"};
    write_file(f, "small.yaml", small);
    make(f);
    assert_int_equal(f->plan.n_problems, 0);
    assert_int_equal(f->plan.n_trials, 6);
    for (size_t i = 0; i < 6; i++) {
        const struct plan_trial *trial = &f->plan.trials[i];
        assert_string_equal(trial->label, labels[i]);
        assert_string_equal(trial->status, "planned");
        assert_int_equal(trial->profile, i == 1 || i == 4);
        assert_true(trial->selected);
        assert_true(trial->expected_flops > 0);
        if (trial->profile) assert_int_equal(trial->base_id, f->plan.trials[i - 1].id);
    }
}

static void first_arm_is_profiled_again_for_the_noise_floor(void **state) {
    struct fixture *f = *state;
    char twice[1024];
    const char *at = strstr(small, "again: 0");
    snprintf(twice, sizeof twice, "%.*sagain: 1}\n", (int)(at - small), small);
    write_file(f, "small.yaml", twice);
    make(f);
    assert_int_equal(f->plan.n_trials, 7); /* the other arm, and the second seed, once */
    const struct plan_trial *first = &f->plan.trials[1], *second = &f->plan.trials[2];
    assert_true(first->profile && !first->again && second->profile && second->again);
    assert_int_equal(first->base_id, second->base_id);
    assert_int_equal(f->plan.trials[0].id, second->base_id);
    assert_string_equal(first->label, second->label);
    assert_string_not_equal(first->key, second->key);
    for (size_t i = 3; i < 7; i++) assert_false(f->plan.trials[i].again);
}

static void other_seeds_are_profiled_once(void **state) {
    struct fixture *f = *state;
    char twice[1024];
    int n_again = 0;
    const char *at = strstr(small, "again: 0");
    snprintf(twice, sizeof twice, "%.*sagain: 1, seeds: 2}\n", (int)(at - small), small);
    write_file(f, "small.yaml", twice);
    make(f);
    assert_int_equal(f->plan.n_trials, 4 + 4 + 1); /* trainings, a profile of each, and one again */
    for (size_t i = 0; i < f->plan.n_trials; i++) n_again += f->plan.trials[i].again;
    assert_int_equal(n_again, 1);
}

static bool read_cost(void *context, int n, const char *const *names, const char *const *texts) {
    (void)n, (void)names;
    snprintf(context, 32, "%s", texts[0] ? texts[0] : "NULL");
    return false;
}

static void row_says_what_views_need(void **state) {
    struct fixture *f = *state;
    char value[32] = "";
    write_file(f, "small.yaml", small);
    make(f);
    assert_true(store_query(f->store,
                            "SELECT group_concat(arm || ':' || ifnull(cost_weight, 'none') || ':' "
                            "|| base_heads) FROM (SELECT DISTINCT arm, cost_weight, base_heads "
                            "FROM trial WHERE kind = 'train' ORDER BY arm)",
                            NO_VALUES, read_cost, value, &f->error));
    assert_string_equal(value, "all:none:4,ours:0.5:4");
}

static void same_files_give_the_same_rows_with_their_status(void **state) {
    struct fixture *f = *state;
    int64_t ids[6];
    write_file(f, "small.yaml", small);
    make(f);
    for (size_t i = 0; i < 6; i++) ids[i] = f->plan.trials[i].id;
    end(f, ids[2], "failed");
    make(f);
    assert_int_equal(f->plan.n_trials, 6);
    for (size_t i = 0; i < 6; i++) assert_int_equal(f->plan.trials[i].id, ids[i]);
    assert_string_equal(f->plan.trials[2].status, "failed");
    assert_string_equal(f->plan.trials[3].status, "planned");
}

static void new_name_keeps_the_row_and_new_setting_makes_another(void **state) {
    struct fixture *f = *state;
    struct trial_row row;
    write_file(f, "small.yaml", small);
    make(f);
    int64_t first = f->plan.trials[0].id;

    write_file(f, "small.yaml",
               "workload: small\nsummary: new\ntier: default\ndata: {source: topic}\n" MODEL
               "train: {epochs: 2}\narms: [{arm: renamed, policy: fixed, heads: 4}]\nseeds: 1\n");
    make(f);
    assert_int_equal(f->plan.trials[0].id, first);
    assert_true(store_load_trial(f->store, first, &row, &f->error));
    assert_string_equal(row.arm, "renamed");
    trial_row_free(&row);

    write_file(f, "small.yaml",
               "workload: small\ntier: default\ndata: {source: topic}\n" MODEL
               "train: {epochs: 3}\narms: [{arm: renamed, policy: fixed, heads: 4}]\nseeds: 1\n");
    make(f);
    assert_int_not_equal(f->plan.trials[0].id, first);
    assert_string_equal(f->plan.trials[0].status, "planned");
}

static void new_profile_setting_keeps_the_training(void **state) {
    struct fixture *f = *state;
    char changed[1024];
    write_file(f, "small.yaml", small);
    make(f);
    int64_t training = f->plan.trials[0].id, profile = f->plan.trials[1].id;
    const char *at = strstr(small, "again: 0");
    snprintf(changed, sizeof changed, "%.*srepeats: 99, %s", (int)(at - small), small, at);
    write_file(f, "small.yaml", changed);
    make(f);
    assert_int_equal(f->plan.trials[0].id, training);
    assert_int_not_equal(f->plan.trials[1].id, profile);
}

static void other_data_bytes_make_other_trials(void **state) {
    struct fixture *f = *state;
    char before[65];
    write_file(f, "text.yaml", text);
    write_file(f, "a.label", "X:y what is this\n");
    write_file(f, "b.label", "X:y what is that\n");
    make(f);
    assert_string_equal(f->plan.trials[0].missing, "");
    strcpy(before, f->plan.trials[0].key);
    make(f);
    assert_string_equal(f->plan.trials[0].key, before);
    write_file(f, "b.label", "X:y what was that\n");
    make(f);
    assert_string_not_equal(f->plan.trials[0].key, before);
}

static void absent_data_marks_trials_and_is_a_problem_only_if_named(void **state) {
    struct fixture *f = *state;
    char path[128], *files[1];
    write_file(f, "text.yaml", text);
    write_file(f, "small.yaml", small);
    make(f);
    assert_int_equal(f->plan.n_problems, 0);
    assert_int_equal(f->plan.n_trials, 12);
    assert_string_equal(f->plan.trials[0].missing, ""); /* small comes first */
    assert_non_null(strstr(f->plan.trials[6].missing, "a.label"));

    files[0] = (char *)scratch_path(&f->scratch, "text.yaml", path, sizeof path);
    f->request.files = files;
    f->request.n_files = 1;
    make(f);
    assert_int_equal(f->plan.n_problems, 1);
    assert_non_null(strstr(f->plan.problems[0].text, "a.label is absent"));
    assert_non_null(strstr(f->plan.problems[0].text, "a.label is looked for in $HEADROOM_DATA="));
    assert_null(strstr(f->plan.problems[0].text, "make data"));
}

static void folder_in_place_of_a_data_file_says_so_with_the_fix(void **state) {
    struct fixture *f = *state;
    char path[128];
    write_file(f, "text.yaml", text);
    write_file(f, "a.label", "X:y what is this\n");
    scratch_path(&f->scratch, "b.label", path, sizeof path);
    assert_int_equal(mkdir(path, 0777), 0);
    make(f);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(f->plan.n_problems, 1);
    assert_non_null(strstr(f->plan.problems[0].text, "b.label: it is a folder"));
    assert_non_null(strstr(f->plan.problems[0].text, "name the file"));
}

static void absent_data_leaves_results_current_and_skips_only_what_has_none(void **state) {
    struct fixture *f = *state;
    struct training_result result = {.n_classes = 2};
    struct trial_list list;
    char path[128];
    write_file(f, "text.yaml", text);
    make(f); /* no data yet: rows that can only be skipped */
    for (size_t i = 0; i < 6; i++) end(f, f->plan.trials[i].id, "skipped");
    write_file(f, "a.label", "X:y what is this\n");
    write_file(f, "b.label", "X:y what is that\n");
    make(f);
    int64_t trained = f->plan.trials[0].id;
    assert_true(store_claim(f->store, trained, getpid(), 0, &f->error));
    assert_true(store_finish_training(f->store, trained, &result, &f->error));
    assert_int_equal(unlink(scratch_path(&f->scratch, "a.label", path, sizeof path)), 0);
    for (int again = 0; again < 2; again++) {
        make(f);
        assert_int_equal(f->plan.trials[0].id, trained);
        assert_string_equal(f->plan.trials[0].status, "ok");
        assert_string_equal(f->plan.trials[2].status, "planned");
        assert_non_null(strstr(f->plan.trials[2].missing, "a.label"));
        assert_true(store_list_trials(f->store, "skipped", &list, &f->error));
        assert_int_equal(list.n, 0); /* the rows from before the data came are not current */
        trial_list_free(&list);
    }
    /* Another configuration is another trial, data or not. */
    char changed[1024];
    snprintf(changed, sizeof changed, "%strain: {epochs: 3}\n", text);
    write_file(f, "text.yaml", changed);
    make(f);
    assert_int_not_equal(f->plan.trials[0].id, trained);
}

static void bad_file_and_second_name_leave_the_others_planned(void **state) {
    struct fixture *f = *state;
    write_file(f, "a.yaml", small);
    write_file(f, "b.yaml", small);
    write_file(f, "c.yaml", "workload: c\ntrain: {epoch: 1}\ndata: {source: topic}\n");
    make(f);
    assert_int_equal(f->plan.n_trials, 6);
    assert_int_equal(f->plan.n_problems, 2);
    assert_non_null(strstr(f->plan.problems[0].text, "a.yaml"));
    assert_non_null(strstr(f->plan.problems[0].text, "b.yaml"));
    assert_non_null(strstr(f->plan.problems[1].at.file, "c.yaml"));
    assert_int_equal(f->plan.problems[1].at.line, 2);
}

static void tier_chooses_files_and_naming_overrules_it(void **state) {
    struct fixture *f = *state;
    char path[128], *files[1];
    write_file(f, "a.yaml", "workload: a\ntier: default\ndata: {source: topic}\n" MODEL ARMS);
    write_file(f, "b.yaml", "workload: b\ntier: full\ndata: {source: topic}\n" MODEL ARMS);
    write_file(f, "c.yaml",
               "workload: c\ntier: named\ndata: {source: topic}\n" MODEL ARMS
               "full: {seeds: [1]}\n");
    make(f);
    assert_int_equal(f->plan.n_workloads, 1);
    f->request.full = true;
    make(f);
    assert_int_equal(f->plan.n_workloads, 2);
    assert_string_equal(f->plan.trials[6].label, "b/all/1");
    files[0] = (char *)scratch_path(&f->scratch, "c.yaml", path, sizeof path);
    f->request.files = files;
    f->request.n_files = 1;
    make(f);
    assert_int_equal(f->plan.n_workloads, 1);
    assert_int_equal(f->plan.n_trials, 4); /* the overlay has one seed */
}

static const char chain[] =
    "workload: chain\ntier: default\ndata: {source: topic}\n" MODEL "profile: {seeds: 0}\n"
    "arms:\n"
    "  - {arm: last, policy: flop-matched, base: middle}\n"
    "  - {arm: middle, policy: fixed-matched, base: first}\n"
    "  - {arm: first, policy: budgetformer}\n"
    "  - {arm: alone, policy: none}\n"
    "seeds: [1, 2]\n";

static void base_is_planned_once_and_before_who_needs_it(void **state) {
    struct fixture *f = *state;
    static const char *const labels[] = {"chain/first/1",  "chain/first/2", "chain/middle/1",
                                         "chain/middle/2", "chain/last/1",  "chain/last/2",
                                         "chain/alone/1",  "chain/alone/2"};
    static const int bases[] = {-1, -1, 0, 1, 2, 3, -1, -1};
    write_file(f, "chain.yaml", chain);
    make(f);
    assert_int_equal(f->plan.n_problems, 0);
    assert_int_equal(f->plan.n_trials, 8);
    for (size_t i = 0; i < 8; i++) {
        const struct plan_trial *trial = &f->plan.trials[i];
        assert_string_equal(trial->label, labels[i]);
        assert_int_equal(trial->base_id, bases[i] < 0 ? 0 : f->plan.trials[bases[i]].id);
    }
    /* Who waits for it counts: first, middle, last in a row take longest. */
    const struct plan_trial *t = f->plan.trials;
    assert_true(fabs(t[0].path_flops - t[0].expected_flops - t[2].path_flops) < 1);
    assert_true(fabs(t[2].path_flops - t[2].expected_flops - t[4].expected_flops) < 1);
    assert_true(fabs(t[6].path_flops - t[6].expected_flops) < 1);
}

static void train_and_lose(struct fixture *f, int64_t id) {
    struct training_result result = {.n_classes = 2, .checkpoint = "nowhere/x.safetensors"};
    assert_true(store_claim(f->store, id, getpid(), 0, &f->error));
    assert_true(store_finish_training(f->store, id, &result, &f->error));
}

static void train_and_keep(struct fixture *f, int64_t id) {
    struct training_result result = {.n_classes = 2}; /* no file, none to lose */
    assert_true(store_claim(f->store, id, getpid(), 0, &f->error));
    assert_true(store_finish_training(f->store, id, &result, &f->error));
}

static void selected_trial_selects_the_bases_that_it_still_needs(void **state) {
    struct fixture *f = *state;
    write_file(f, "chain.yaml", chain);
    f->request.filter = "/last/1";
    make(f);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(f->plan.trials[i].selected, i == 0 || i == 2 || i == 4);
    train_and_keep(f, f->plan.trials[0].id);
    make(f); /* the first is there */
    for (size_t i = 0; i < 8; i++) assert_int_equal(f->plan.trials[i].selected, i == 2 || i == 4);
    train_and_lose(f, f->plan.trials[2].id);
    make(f); /* the middle one is not: its file is gone. The first is, and is not needed twice */
    assert_int_equal(f->plan.trials[2].checkpoint, CHECKPOINT_GONE);
    assert_string_equal(f->plan.trials[2].status, "planned");
    for (size_t i = 0; i < 8; i++) assert_int_equal(f->plan.trials[i].selected, i == 2 || i == 4);
    train_and_lose(f, f->plan.trials[2].id);
    train_and_keep(f, f->plan.trials[4].id);
    make(f); /* who has its result asks for nothing */
    assert_string_equal(f->plan.trials[2].status, "ok");
    for (size_t i = 0; i < 8; i++) assert_int_equal(f->plan.trials[i].selected, i == 4);
}

static void new_name_of_a_base_keeps_all_rows_and_new_settings_make_others(void **state) {
    struct fixture *f = *state;
    char changed[sizeof chain + 64];
    int64_t ids[8];
    write_file(f, "chain.yaml", chain);
    make(f);
    for (size_t i = 0; i < 8; i++) ids[i] = f->plan.trials[i].id;
    strcpy(changed, chain);
    for (char *at; (at = strstr(changed, "first"));) memcpy(at, "other", 5);
    write_file(f, "chain.yaml", changed);
    make(f);
    for (size_t i = 0; i < 8; i++) assert_int_equal(f->plan.trials[i].id, ids[i]);
    const char *at = strstr(chain, "budgetformer}");
    snprintf(changed, sizeof changed, "%.*sbudgetformer, cost: 0.5}%s", (int)(at - chain), chain,
             at + strlen("budgetformer}"));
    write_file(f, "chain.yaml", changed);
    make(f);
    for (size_t i = 0; i < 6; i++) assert_int_not_equal(f->plan.trials[i].id, ids[i]);
    for (size_t i = 6; i < 8; i++) assert_int_equal(f->plan.trials[i].id, ids[i]);
}

static void filter_and_no_profile_select_without_unplanning(void **state) {
    struct fixture *f = *state;
    write_file(f, "small.yaml", small);
    f->request.filter = "/ours/1$";
    f->request.profile = false;
    make(f);
    assert_int_equal(f->plan.n_trials, 6);
    for (size_t i = 0; i < 6; i++) assert_int_equal(f->plan.trials[i].selected, i == 3);
}

static void wrong_filter_and_empty_folder_are_errors(void **state) {
    struct fixture *f = *state;
    f->request.filter = "(";
    assert_false(plan_make(f->store, &f->request, &f->plan, &f->error));
    assert_non_null(strstr(f->error.text, "--filter '('"));
    f->request.filter = NULL;
    assert_false(plan_make(f->store, &f->request, &f->plan, &f->error));
    assert_non_null(strstr(f->error.text, "*.yaml"));
}

static void dry_run_leaves_no_rows(void **state) {
    struct fixture *f = *state;
    struct trial_list list;
    write_file(f, "small.yaml", small);
    f->request.dry_run = true;
    make(f);
    assert_int_equal(f->plan.n_trials, 6);
    assert_true(store_list_trials(f->store, NULL, &list, &f->error));
    assert_int_equal(list.n, 0);
    trial_list_free(&list);
}

static void more_work_is_expected_to_take_longer(void **state) {
    struct fixture *f = *state;
    char longer[1024];
    write_file(f, "small.yaml", small);
    make(f);
    double short_flops = f->plan.trials[0].expected_flops;
    const char *at = strstr(small, "epochs: 2");
    snprintf(longer, sizeof longer, "%.*sepochs: 6%s", (int)(at - small), small,
             at + strlen("epochs: 2"));
    write_file(f, "small.yaml", longer);
    make(f);
    assert_true(fabs(f->plan.trials[0].expected_flops / short_flops - 3) < 1e-9);
}

/* What a file inherits, and what it says about itself, are no part of what its trials compute. */
static void merged_file_plans_the_trials_of_its_copy_in_one_piece(void **state) {
    struct fixture *f = *state;
    char folder[128];
    write_file(f, "small.yaml", small);
    assert_int_equal(mkdir(scratch_path(&f->scratch, "base", folder, sizeof folder), 0700), 0);
    write_file(f, "base/base.yaml",
               "data: {source: offsets, relations: 3}\n" ARMS "train: {epochs: 9}\n");
    write_file(f, "top.yaml",
               "extends: base/base.yaml\nworkload: top\ntags: [mine]\ncorpus: a\n"
               "duration: 3 s\nsummary: other words\n" MODEL
               "data: {source: topic, relations: ~}\ntrain: {epochs: 2}\ntier: default\n");
    make(f);
    assert_int_equal(f->plan.n_problems, 0);
    assert_int_equal(f->plan.n_trials, 12);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(f->plan.trials[i].key, f->plan.trials[6 + i].key);
}

static void corpus_is_stored_and_null_where_none_is_given(void **state) {
    struct fixture *f = *state;
    char value[32] = "", again[1024];
    write_file(f, "small.yaml", small);
    snprintf(again, sizeof again, "corpus: trec\nworkload: same%s", strchr(small, '\n'));
    write_file(f, "same.yaml", again);
    make(f);
    assert_true(store_query(f->store,
                            "SELECT group_concat(name || ':' || ifnull(corpus, 'NULL')) FROM "
                            "(SELECT name, corpus FROM workload ORDER BY name)",
                            NO_VALUES, read_cost, value, &f->error));
    assert_string_equal(value, "same:trec,small:NULL");
}

static void tag_chooses_files_of_every_tier(void **state) {
    struct fixture *f = *state;
    char again[1024];
    write_file(f, "small.yaml", small);
    snprintf(again, sizeof again, "tags: [real, mine]\nworkload: tagged%s",
             strstr(small, "\ndata")); /* its tier is `named` */
    write_file(f, "tagged.yaml", again);
    f->request.tag = "mine";
    make(f);
    assert_int_equal(f->plan.n_workloads, 1);
    assert_string_equal(f->plan.trials[0].label, "tagged/all/1");
    char path[160], *names[] = {path};
    scratch_path(&f->scratch, "small.yaml", path, sizeof path);
    f->request.files = names;
    f->request.n_files = 1;
    f->request.folder = "/nonexistent";
    make(f); /* beside the named file, and not the file itself, which has no tag */
    assert_int_equal(f->plan.n_workloads, 1);
    assert_int_equal(f->plan.n_problems, 0);
    assert_string_equal(f->plan.trials[0].label, "tagged/all/1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_arm_and_seed_is_a_trial_and_first_seeds_are_profiled),
        TEST(first_arm_is_profiled_again_for_the_noise_floor),
        TEST(other_seeds_are_profiled_once),
        TEST(row_says_what_views_need),
        TEST(same_files_give_the_same_rows_with_their_status),
        TEST(new_name_keeps_the_row_and_new_setting_makes_another),
        TEST(new_profile_setting_keeps_the_training),
        TEST(other_data_bytes_make_other_trials),
        TEST(absent_data_marks_trials_and_is_a_problem_only_if_named),
        TEST(folder_in_place_of_a_data_file_says_so_with_the_fix),
        TEST(absent_data_leaves_results_current_and_skips_only_what_has_none),
        TEST(bad_file_and_second_name_leave_the_others_planned),
        TEST(tier_chooses_files_and_naming_overrules_it),
        TEST(merged_file_plans_the_trials_of_its_copy_in_one_piece),
        TEST(corpus_is_stored_and_null_where_none_is_given),
        TEST(tag_chooses_files_of_every_tier),
        TEST(base_is_planned_once_and_before_who_needs_it),
        TEST(selected_trial_selects_the_bases_that_it_still_needs),
        TEST(new_name_of_a_base_keeps_all_rows_and_new_settings_make_others),
        TEST(filter_and_no_profile_select_without_unplanning),
        TEST(wrong_filter_and_empty_folder_are_errors),
        TEST(dry_run_leaves_no_rows),
        TEST(more_work_is_expected_to_take_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
