/*
 * A fresh results database for each test, with made-up trials to put into it: shared by the tests
 * of the store and of its views. All numbers are made up.
 */
#ifndef HEADROOM_TESTS_HARNESS_STORE_STORE_FIXTURE_H
#define HEADROOM_TESTS_HARNESS_STORE_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness/store/report.h"
#include "harness/store/store.h"
#include "harness/store/store_private.h"
#include "models/base/sha256.h"
#include "tests/harness/scratch.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    char folder[64], path[128];
    struct store *store;
    struct error error;
};

/* Calls a store function and fails the test with its message. */
#define OK(f, call)                                                                                \
    do {                                                                                           \
        if (!(call)) fail_msg("%s", (f)->error.text);                                              \
    } while (0)

static inline int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    struct scratch scratch;
    if (!f || !scratch_make(&scratch)) {
        free(f);
        return -1;
    }
    strcpy(f->folder, scratch.folder);
    snprintf(f->path, sizeof f->path, "%s/results.db", f->folder);
    *state = f;
    return store_open(f->path, &f->store, &f->error) ? 0 : -1;
}

static inline int tear_down(void **state) {
    struct fixture *f = *state;
    store_close(f->store);
    struct scratch scratch;
    strcpy(scratch.folder, f->folder);
    scratch_remove(&scratch);
    free(f);
    return 0;
}

/* Runs SQL on a connection of its own, as a user with the sqlite3 tool would; returns the code. */
static inline int raw_sql(const char *path, const char *sql) {
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return code;
}

/* A file of SQL, whole; the caller's to free. */
static inline char *read_text(const char *path) {
    enum { MOST = 1 << 20 };
    FILE *file = fopen(path, "r");
    char *text = calloc(1, MOST);
    if (!file) fail_msg("there is no %s", path);
    assert_non_null(text);
    size_t n = fread(text, 1, MOST - 1, file);
    assert_true(n > 0 && n < MOST - 1);
    fclose(file);
    return text;
}

/* The first column of the first row; NaN for NULL. No row is a failure. */
static inline bool first_number(void *context, int n, const char *const *names,
                                const char *const *texts) {
    (void)n;
    (void)names;
    *(double *)context = texts[0] ? strtod(texts[0], NULL) : (double)NAN;
    return false;
}

static inline double number(struct fixture *f, const char *sql) {
    double value = -12345.0;
    OK(f, store_query(f->store, sql, NO_VALUES, first_number, &value, &f->error));
    if (value == -12345.0) fail_msg("no row: %s", sql);
    return value;
}

/* These views are worked out once for the questions that follow, because planning one takes a tenth
 * of a second. What changes afterwards is seen from the next KEEP on; KEEP(f, NULL) keeps none. */
static inline void keep(struct fixture *f, const char *const *views) {
    OK(f, store_release(f->store, &f->error));
    for (; *views; views++) {
        const struct kept_view one[] = {{*views, NULL, NULL}, {0}};
        OK(f, store_keep(f->store, one, &f->error));
    }
}
#define KEEP(f, ...) keep(f, (const char *const[]){__VA_ARGS__, NULL})

static inline void assert_near(double value, double expected) {
    if (!(fabs(value - expected) <= 1e-6 * (1 + fabs(expected))))
        fail_msg("%.9g is not %.9g", value, expected);
}

/* ---- made-up results ---- */

enum { INPUTS = 4, LAYERS = 2, HEADS = 8 };

/* An evaluation over INPUTS inputs in which input i runs k heads in every layer. */
struct made_up {
    struct training_result result;
    struct evaluation_result evaluation[3];
    struct epoch_result epoch;
    int32_t label[INPUTS], predicted[INPUTS], difficulty[INPUTS], length[INPUTS];
    int32_t heads_run[INPUTS * LAYERS];
    double p_predicted[INPUTS], p_true[INPUTS];
    struct class_result classes[2];
    struct input_source source[INPUTS];
    char *files[1];
    char texts[INPUTS * 8];
    float budget[INPUTS * LAYERS];
    uint64_t usage[LAYERS * HEADS], class_usage[2 * LAYERS * HEADS];
};

static inline void make_up(struct made_up *m, double accuracy, const int k[INPUTS]) {
    static const char *const controls[] = {"none", "static", "shuffled"};
    *m = (struct made_up){0};
    double sum = 0;
    for (int i = 0; i < INPUTS; i++) {
        m->label[i] = i % 2;
        m->predicted[i] = 0;
        m->p_predicted[i] = 0.75;
        m->p_true[i] = i % 2 ? 0.25 : 0.75;
        m->difficulty[i] = i / 2 + 1; /* inputs 0 and 1: 1; inputs 2 and 3: 2 */
        m->length[i] = 10 + i;
        for (int l = 0; l < LAYERS; l++) {
            m->heads_run[i * LAYERS + l] = k[i];
            m->budget[i * LAYERS + l] = (float)k[i] / HEADS;
            for (int h = 0; h < k[i]; h++) {
                m->usage[l * HEADS + h]++;
                m->class_usage[(i % 2 * LAYERS + l) * HEADS + h]++;
            }
        }
        sum += k[i];
    }
    for (int c = 0; c < 3; c++) {
        struct evaluation_result *e = &m->evaluation[c];
        *e = (struct evaluation_result){.weights = "best",
                                        .split = "test",
                                        .control = controls[c],
                                        .n = INPUTS,
                                        .layers = LAYERS,
                                        .heads = HEADS,
                                        .accuracy = accuracy - 0.1 * c,
                                        .loss = 0.5,
                                        .macro_f1 = accuracy / 2,
                                        .matthews = accuracy - 0.5,
                                        .ece = 0.25,
                                        .mean_heads = sum / INPUTS,
                                        .mean_s = sum / INPUTS / HEADS,
                                        .trained_accuracy = c ? NAN : (1 + accuracy) / 2,
                                        .score_entropy = c ? NAN : accuracy / 2,
                                        .active_flops = 3600,
                                        .dense_flops = 8000,
                                        .seconds = 0.1,
                                        .label = m->label,
                                        .predicted = m->predicted,
                                        .p_predicted = m->p_predicted,
                                        .p_true = m->p_true,
                                        .difficulty = m->difficulty,
                                        .length = m->length,
                                        .heads_run = m->heads_run,
                                        .budget = m->budget,
                                        .usage = m->usage,
                                        .classes = 2,
                                        .class_usage = m->class_usage};
        e->executed.count[FLOP_QKV] = e->formula.count[FLOP_QKV] = (uint64_t)(1000 * sum / INPUTS);
    }
    m->epoch = (struct epoch_result){
        .epoch = 1, .step = 10, .train_loss = 0.7, .train_mean_s = NAN, .train_score_entropy = 0.9};
    m->result = (struct training_result){.n_epochs = 1,
                                         .epochs = &m->epoch,
                                         .best_epoch = 1,
                                         .n_evaluations = 1,
                                         .evaluations = m->evaluation,
                                         .arena_bytes = 4096,
                                         .peak_rss_bytes = -1,
                                         .checkpoint = "checkpoints/x.safetensors",
                                         .n_classes = 2,
                                         .wall_seconds = 1};
}

/* Names of the two classes, and a file with a text in each row. Nothing of it is to be freed. */
static inline void make_up_sources(struct made_up *m, const char *data_sha256,
                                   const char *sources_sha256) {
    static char names[2][4] = {"no", "yes"}, file[] = "w/test.csv";
    m->files[0] = file;
    for (int c = 0; c < 2; c++) m->classes[c] = (struct class_result){names[c], 30 + 10 * c, 5, 2};
    for (int i = 0; i < INPUTS; i++) {
        m->source[i] = (struct input_source){.row = i + 2, .text = 1 + 7 * i};
        snprintf(m->source[i].sha256, sizeof m->source[i].sha256, "hash of %d", i);
        snprintf(m->texts + 1 + 7 * i, 7, "text %d", i);
    }
    m->result.classes = m->classes;
    m->result.sources = (struct sources){.n = INPUTS,
                                         .source = m->source,
                                         .n_files = 1,
                                         .files = m->files,
                                         .texts = {.data = m->texts, .size = sizeof m->texts}};
    snprintf(m->result.data_sha256, sizeof m->result.data_sha256, "%s", data_sha256);
    snprintf(m->result.sources.sha256, sizeof m->result.sources.sha256, "%s", sources_sha256);
}

static inline int64_t plan_workload(struct fixture *f, const char *name) {
    int64_t id;
    struct workload_plan plan = {name, "made up", "synthetic", "made-up.yaml", NULL};
    OK(f, store_plan_workload(f->store, &plan, &id, &f->error));
    return id;
}

static inline struct trial_plan trial_plan(int64_t workload, const char *arm, const char *policy,
                                           int seed, const char *key) {
    return (struct trial_plan){.workload_id = workload,
                               .kind = "train",
                               .key = key,
                               .arm = arm,
                               .policy = policy,
                               .cost_weight = NAN,
                               .base_heads = HEADS,
                               .layers = LAYERS,
                               .dim = 64,
                               .seed = seed,
                               .config = "{}",
                               .expected_flops = NAN};
}

/* Plans a trial, whose key is the hash of "arm/seed" or "arm/seed/profile", inside an open plan. */
static inline int64_t plan_trial(struct fixture *f, int64_t workload, const char *arm,
                                 const char *policy, int seed, int64_t base) {
    char name[160], key[65], status[16];
    int64_t id;
    snprintf(name, sizeof name, "%s/%d%s", arm, seed, base ? "/profile" : "");
    sha256_hex(name, strlen(name), key);
    struct trial_plan plan = trial_plan(workload, arm, policy, seed, key);
    if (base) plan.kind = "profile", plan.base_trial_id = base;
    OK(f, store_plan_trial(f->store, &plan, &id, status, &f->error));
    return id;
}

/* As many heads for every input are no budget. */
static inline void without_budget(struct made_up *m) {
    for (int c = 0; c < 3; c++) m->evaluation[c].mean_s = NAN;
}

/* One finished training trial per accuracy, seeds 0, 1, ... */
static inline void train(struct fixture *f, int64_t workload, const char *arm, const char *policy,
                         const int k[INPUTS], int n, const double *accuracy, int n_evaluations) {
    for (int seed = 0; seed < n; seed++) {
        struct made_up m;
        make_up(&m, accuracy[seed], k);
        if (strcmp(policy, "fixed") == 0) without_budget(&m);
        m.result.n_evaluations = n_evaluations;
        OK(f, store_begin_plan(f->store, &f->error));
        int64_t id = plan_trial(f, workload, arm, policy, seed, 0);
        OK(f, store_end_plan(f->store, true, &f->error));
        OK(f, store_claim(f->store, id, getpid(), 0, &f->error));
        OK(f, store_finish_training(f->store, id, &m.result, &f->error));
    }
}

static inline int64_t one_workload(struct fixture *f, const char *name) {
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_workload(f, name);
    OK(f, store_end_plan(f->store, true, &f->error));
    return id;
}

static inline int64_t one_trial(struct fixture *f) {
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, plan_workload(f, "w"), "fixed-8", "fixed", 0, 0);
    OK(f, store_end_plan(f->store, true, &f->error));
    return id;
}

static inline int64_t environment(struct fixture *f, const char *json) {
    int64_t id;
    OK(f, store_environment(f->store, json, "host", "machine", json, &id, &f->error));
    return id;
}

/* A profile trial over fixed samples; FLOPs per input as given. */
static inline int64_t profile(struct fixture *f, int64_t workload, const char *arm,
                              const char *policy, double *samples, int n, double flops,
                              int64_t environment_id) {
    char sql[128];
    snprintf(sql, sizeof sql, "SELECT id FROM trial WHERE arm = '%s' AND kind = 'train'", arm);
    int64_t base = (int64_t)number(f, sql);
    OK(f, store_begin_plan(f->store, &f->error));
    int64_t id = plan_trial(f, workload, arm, policy, 0, base);
    OK(f, store_end_plan(f->store, true, &f->error));
    struct counter_result counters[] = {{.role = "cycles",
                                         .event = "",
                                         .available = false,
                                         .value = 0,
                                         .status = "unavailable",
                                         .reason = "this virtual machine shows no PMU",
                                         .scope = "thread"},
                                        {.role = "task_clock",
                                         .event = "perf::TASK-CLOCK",
                                         .available = true,
                                         .value = 250,
                                         .status = "counted",
                                         .scope = "thread",
                                         .repeats = 20}};
    struct profile_result p = {.batch_size = 32,
                               .warmup = 3,
                               .n_samples = n,
                               .inputs_per_sample = 32,
                               .latency_ns = samples,
                               .mean_heads = 4,
                               .mean_s = NAN,
                               .executed_flops_per_input = flops,
                               .dense_flops_per_input = 2000,
                               .n_counters = 2,
                               .counters = counters};
    struct memory_result memory = {.what = "peak resident", .bytes = 1 << 20};
    struct profiling_result result = {
        .n_profiles = 1, .profiles = &p, .n_memory = 1, .memory = &memory, .wall_seconds = 2.0};
    OK(f, store_claim(f->store, id, getpid(), environment_id, &f->error));
    OK(f, store_finish_profiling(f->store, id, &result, &f->error));
    return id;
}

/* What `headroom report` prints of all workloads. */
static inline const char *report(struct fixture *f, char *page, size_t size) {
    memset(page, 0, size);
    FILE *out = fmemopen(page, size - 1, "w");
    OK(f, report_write(f->store, NULL, TABLE_WIDE, out, &f->error));
    fclose(out);
    return page;
}

static const int ALL[INPUTS] = {8, 8, 8, 8}, ONE[INPUTS] = {1, 1, 1, 1},
                 MIXED[INPUTS] = {2, 4, 4, 6};

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
