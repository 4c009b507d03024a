/*
 * The workload files of real texts: what they promise about themselves, and, where the data is in
 * HEADROOM_DATA (or data/), that every set has the published rows and classes at every granularity.
 * The paper's large sets are only checked for what summaries of the paper give.
 */
#include "harness/config/experiment.h"
#include "harness/config/workload_files.h"
#include "harness/measure/memory.h"
#include "workloads/data/data_files.h"
#include "workloads/data/dataset_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct experiment *read_workload(const char *path, bool full) {
    struct experiment *experiment = malloc(sizeof *experiment);
    struct error error;
    assert_non_null(experiment);
    if (!experiment_read(path, full, experiment, &error))
        fail_msg("%s:%d %s", error.at.file, error.at.line, error.text);
    return experiment;
}

static struct experiment *read_named(const char *name, bool full) {
    char path[128];
    snprintf(path, sizeof path, "workloads/%s.yaml", name);
    return read_workload(path, full);
}

static void every_file_says_what_it_asks_and_how_long_it_takes(void **state) {
    (void)state;
    struct workload_files files;
    struct error error;
    assert_true(workload_files_find(NULL, 0, "workloads", NULL, &files, &error));
    assert_true(files.n > 20);
    for (size_t i = 0; i < files.n; i++) {
        struct experiment *e = read_workload(files.paths[i], false);
        char path[300], first[8] = "";
        /* A file is found by its workload's name, which may end in what trains it: NAME.cuda-bf16. */
        snprintf(path, sizeof path, "workloads/%.*s.yaml", (int)strcspn(e->name, "."), e->name);
        assert_string_equal(files.paths[i], path);
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        assert_non_null(fgets(first, sizeof first, file));
        fclose(file);
        if (first[0] != '#' || !e->summary[0] || !e->duration[0])
            fail_msg("%s lacks a comment, a summary or a duration", path);
        free(e);
    }
    workload_files_free(&files);
}

/* Rows of train with validation, rows of test, classes, and rows that are left out: neutral ones, and
 * posts that end with their headers. 0 rows: make data has more. */
static const struct set {
    const char *name;
    int train, test, classes, dropped;
} sets[] = {
    {"trec-coarse", 5452, 500, 6, 0},
    {"trec-fine", 5452, 500, 50, 0},
    {"sst-coarse", 6920, 1821, 2, 8544 - 6920 + 2210 - 1821},
    {"sst-fine", 8544, 2210, 5, 0},
    {"glue-sst2", 67349, 872, 2, 0},
    {"mr", 9596, 1066, 2, 0},
    {"clinc-coarse", 15000, 4500, 10, 0},
    {"clinc-fine", 15000, 4500, 150, 0},
    {"newsgroups-coarse", 11314 - 18, 7532 - 16, 7, 18 + 16},
    {"newsgroups-fine", 11314 - 18, 7532 - 16, 20, 18 + 16},
    {"dbpedia-classes-coarse", 0, 0, 9, 0},
    {"dbpedia-classes-fine", 0, 0, 70, 0},
    {"imdb-fine", 25000, 25000, 8, 0},
    {"agnews", 0, 7600, 4, 0},
    {"snli", 0, 9824, 3, 0},
    {"yelp5", 5000, 5000, 5, 0},
};

/* Loads a set and holds it against what was published; false, saying why, if it is not here. */
static bool check_set(const struct set *set) {
    char missing[1024];
    struct experiment *e = read_named(set->name, false);
    struct dataset *data;
    struct error error;
    bool here = data_files_present(&e->data, missing, sizeof missing);
    if (!here)
        print_message("no %s; set HEADROOM_DATA\n", missing);
    else if (!dataset_load(&e->data, &data, &error))
        fail_msg("%s: %s:%d %s", set->name, error.at.file, error.at.line, error.text);
    else {
        int train = data->train.n + data->validation.n;
        print_message("%s: %d + %d rows, %d dropped\n", set->name, train, data->test.n,
                      data->n_dropped);
        if (set->train && set->test) assert_int_equal(data->n_dropped, set->dropped);
        if (set->train) assert_int_equal(train, set->train);
        if (set->test) assert_int_equal(data->test.n, set->test);
        assert_int_equal(data->n_classes, set->classes);
        dataset_free(data);
    }
    free(e);
    return here;
}

static void real_sets_have_the_published_rows_and_classes(void **state) {
    (void)state;
    int n_loaded = 0;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) n_loaded += check_set(&sets[i]);
    if (n_loaded == 0) skip();
}

/* Its reviews are held once as text, once as tokens: a reader that kept rows would show here. */
static void imdb_has_its_rows_and_takes_less_than_three_times_its_text(void **state) {
    (void)state;
    static const struct set imdb = {"imdb-coarse", 25000, 25000, 2, 0};
    struct memory_phase phase;
    int64_t page_faults;
    memory_phase_start(&phase);
    if (!check_set(&imdb)) skip();
    int64_t peak = memory_phase_end(&phase, &page_faults);
#ifdef __SANITIZE_ADDRESS__
    print_message("the sanitizer's own memory would be counted\n");
    skip();
#endif
    if (peak < 0 || phase.resident < 0) {
        print_message("%s\n", phase.reason);
        skip();
    }
    assert_in_range(peak - phase.resident, 1, 3 * 68809767);
}

static void granularities_of_a_corpus_differ_in_their_labels_alone(void **state) {
    (void)state;
    static const char *const names[] = {"sst",  "clinc", "newsgroups", "dbpedia-classes",
                                        "imdb", "trec"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int full = 0; full < 2; full++) {
            char name[64];
            snprintf(name, sizeof name, "%s-coarse", names[i]);
            struct experiment *coarse = read_named(name, full);
            snprintf(name, sizeof name, "%s-fine", names[i]);
            struct experiment *fine = read_named(name, full);
            assert_true(coarse->corpus[0]);
            assert_string_equal(coarse->corpus, fine->corpus);
            assert_string_equal(coarse->granularity, "coarse");
            assert_string_equal(fine->granularity, "fine");
            assert_string_equal(coarse->data.train_file, fine->data.train_file);
            assert_string_equal(coarse->data.test_file, fine->data.test_file);
            assert_int_equal(coarse->data.max_len, fine->data.max_len);
            assert_int_equal(coarse->train.epochs, fine->train.epochs);
            assert_int_equal(coarse->n_arms, fine->n_arms);
            assert_memory_equal(&coarse->model, &fine->model, sizeof fine->model);
            assert_int_equal(fine->model.dim, full ? 128 : 64);
            assert_int_equal(fine->model.layers, full ? 4 : 2);
            free(coarse);
            free(fine);
        }
}

/* Of arXiv 2604.22583: 4 layers, 8 heads, width 768, AdamW at 2e-5, batches of 16, 10 epochs. */
static void full_tier_of_the_papers_tasks_is_what_summaries_give(void **state) {
    (void)state;
    static const char *const names[] = {"agnews", "dbpedia", "imdb", "snli", "yelp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[64];
        snprintf(name, sizeof name, "paper-%s", names[i]);
        struct experiment *e = read_named(name, true);
        assert_true(experiment_has_tag(e, "paper"));
        assert_int_equal(e->model.layers, 4);
        assert_int_equal(e->model.base_heads, 8);
        assert_int_equal(e->model.dim, 768);
        assert_int_equal(e->train.epochs, 10);
        assert_int_equal(e->train.batch, 16);
        assert_float_equal(e->train.learning_rate, 2e-5, 1e-12);
        assert_int_equal(e->data.train_limit, 0);
        free(e);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(imdb_has_its_rows_and_takes_less_than_three_times_its_text),
        cmocka_unit_test(every_file_says_what_it_asks_and_how_long_it_takes),
        cmocka_unit_test(real_sets_have_the_published_rows_and_classes),
        cmocka_unit_test(granularities_of_a_corpus_differ_in_their_labels_alone),
        cmocka_unit_test(full_tier_of_the_papers_tasks_is_what_summaries_give),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
