/*
 * The bench: its table is complete, what is stored is what is printed, and targets are judged the
 * right way round. No timing is asserted.
 */
#include "harness/bench/bench.h"
#include "harness/bench/bench_device.h"
#include "harness/bench/bench_saving.h"
#include "harness/bench/bench_speed.h"
#include "harness/bench/bench_triad.h"
#include "harness/store/store.h"
#include "models/flops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct bench_table measured; /* of one quick run, shared by the tests */

static int run_quickly(void **state) {
    (void)state;
    struct error error = {0};
    if (bench_run(true, NULL, &measured, &error)) return 0;
    print_message("%s\n", error.text);
    return -1;
}

static int count(const char *section, const char *part) {
    int n = 0;
    for (int i = 0; i < measured.n_rows; i++)
        n += strcmp(measured.rows[i].section, section) == 0 &&
             strstr(measured.rows[i].name, part) != NULL;
    return n;
}

static void every_section_has_its_rows(void **state) {
    (void)state;
    static const char *const kernels[] = {"sgemm",
                                          "attention forward",
                                          "attention backward",
                                          "triad",
                                          "exp",
                                          "LayerNorm",
                                          "GELU",
                                          "dropout",
                                          "AdamW"};
    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
        if (count("kernels", kernels[i]) < 1) fail_msg("no row for %s", kernels[i]);
    assert_int_equal(count("kernels", "peak"), 2);
    assert_int_equal(count("model", "training"), count("model", "inference"));
    assert_int_equal(count("model", "training"), count("model", "latency"));
    /* k = 1, 2, 4, two kinds of sets and 6 with one each, a single input and a batch */
    assert_int_equal(count("saving", "k=1"), 4);
    assert_int_equal(count("saving", "k=6"), 2);
    assert_int_equal(count("saving", "k="), 14);
    assert_int_equal(count("saving", "a set each"), 8);
    assert_int_equal(count("saving", "batch 1,"), 7);
    assert_int_equal(count("memory", "peak resident"), 1);
    assert_int_equal(count("memory", "training"), 6);
}

static void rows_have_names_of_their_own(void **state) {
    (void)state;
    for (int i = 0; i < measured.n_rows; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(measured.rows[i].section, measured.rows[j].section) == 0 &&
                strcmp(measured.rows[i].name, measured.rows[j].name) == 0)
                fail_msg("two rows %s", measured.rows[i].name);
}

static void numbers_are_positive_and_in_order(void **state) {
    (void)state;
    for (int i = 0; i < measured.n_rows; i++) {
        const struct bench_row *row = &measured.rows[i];
        if (row->n_samples == 0) { /* a kernel may not tell; then it must say so */
            assert_string_not_equal(row->note, "");
            continue;
        }
        bool ordered = row->lowest > 0 && row->lowest <= row->median &&
                       row->median <= row->highest && isfinite(row->highest);
        if (!ordered) fail_msg("%s: %g %g %g", row->name, row->lowest, row->median, row->highest);
    }
}

static void shares_are_of_the_best_peak(void **state) {
    (void)state;
    double best = 0.0;
    for (int i = 0; i < measured.n_rows; i++) {
        const struct bench_row *row = &measured.rows[i];
        bool timed = row->unit == GFLOP_PER_S || row->unit == GB_PER_S || row->unit == MILLISECONDS;
        assert_int_equal(timed, isfinite(row->share));
        if (timed) assert_true(row->share > 0);
        if (strstr(row->name, "peak") && row->unit == GFLOP_PER_S && row->share > best)
            best = row->share;
        if (strstr(row->name, "triad")) assert_true(row->share == 1.0);
    }
    assert_true(best == 1.0);
}

/* In a quick run it is the least. */
static void a_triad_is_larger_than_caches_and_smaller_than_memory(void **state) {
    (void)state;
    assert_in_range(bench_triad_bytes(), BENCH_TRIAD_BYTES_LEAST, (size_t)512 << 20);
}

/* FLOPs of one input of four tokens with k heads in every layer, by the closed form. */
static double flops_with(const struct model_config *config, int k) {
    struct flops flops = {0};
    for (int l = 0; l < config->layers; l++)
        flops_add_layer(config, l, 4, k, (int64_t)4 * k, 0, &flops);
    flops_add_ends(config, 4, &flops);
    return (double)flops_total(&flops);
}

/* Of a single round each number follows from the times of both. */
static void a_saving_is_time_by_time_over_flops_by_flops(void **state) {
    (void)state;
    struct bench_saved saved[BENCH_SAVED] = {0};
    struct bench_model m = {0};
    struct error error = {0};
    struct bench_effort effort = {.rounds = 1};
    if (!bench_model_new(&(struct bench_shape){16, 2, 4}, "random", false, &m, &error) ||
        !bench_saving_measure(&m, &m, &m.batch, &effort, saved, &error))
        fail_msg("%s", error.text);
    for (int i = 0; i < BENCH_SAVED; i++) {
        const struct bench_saved *s = &saved[i];
        double flops = flops_with(&m.config, s->heads) / flops_with(&m.config, BENCH_HEADS);
        assert_true(fabs(s->flops - flops) < 1e-12);
        assert_true(fabs(s->time.median / (s->ms.median / saved[0].ms.median) - 1) < 1e-12);
        assert_true(fabs(s->ratio.median / (s->time.median / flops) - 1) < 1e-12);
    }
    assert_true(saved[1].heads == 1 && saved[1].flops < 1);
    bench_model_free(&m);
}

/* A table of three rows whose numbers decide: reached, missed, not measured. */
static struct bench_table made_up(void) {
    struct bench_table table = {.seconds = 3.0, .n_rows = 3};
    table.rows[0] = (struct bench_row){"model", "training", GFLOP_PER_S,    3,    66.0, 60.0,
                                       70.0,    0.66,       LIMIT_AT_LEAST, 0.60, ""};
    table.rows[1] = (struct bench_row){"saving", "k=1",       RATIO,         3,   1.3, 1.2,
                                       1.4,      (double)NAN, LIMIT_AT_MOST, 1.1, ""};
    double unknown = (double)NAN;
    table.rows[2] =
        (struct bench_row){"memory", "peak",  MEBIBYTES,  0,       unknown,        unknown,
                           unknown,  unknown, LIMIT_NONE, unknown, "no /proc here"};
    return table;
}

static char *printed(const struct bench_table *table) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    struct error error;
    assert_non_null(out);
    assert_int_equal(setenv("COLUMNS", "200", 1), 0); /* a row a line */
    if (!bench_print(table, out, &error)) fail_msg("%s", error.text);
    fclose(out);
    return text;
}

static void targets_are_judged_by_share_or_median(void **state) {
    (void)state;
    struct bench_table table = made_up();
    assert_true(bench_reached(&table.rows[0]) == 0.66);
    assert_true(bench_reached(&table.rows[1]) == 1.3);
    char *text = printed(&table);
    assert_non_null(strstr(text, " 0.66  ≥0.60 met"));
    assert_non_null(strstr(text, "≤1.10 missed"));
    assert_non_null(strstr(text, "not measured: no /proc here"));
    free(text);
}

/* ---- what is stored ---- */

static struct store *stored(const struct bench_table *table) {
    struct store *store = NULL;
    struct error error = {0};
    int64_t id;
    if (!store_open(":memory:", &store, &error) ||
        !store_environment(store, "0", "host", "machine", "{}", &id, &error) ||
        !store_bench(store, id, table, &error))
        fail_msg("%s", error.text);
    return store;
}

struct reading {
    const struct bench_table *table;
    char *printed;
    int n;
};

/* SQLite writes 15 digits of a number as text. */
static bool same(const char *text, double number) {
    if (!text) return isnan(number) != 0;
    return fabs(strtod(text, NULL) - number) <= 1e-14 * fabs(number);
}

/* One row of bench_latest is row n of the table, and its line is in what was printed. */
static bool compare_row(void *context, int n, const char *const *names, const char *const *texts) {
    (void)n;
    (void)names;
    struct reading *reading = context;
    const struct bench_row *row = &reading->table->rows[reading->n++];
    char line[128];
    assert_string_equal(texts[0], row->section);
    assert_string_equal(texts[1], row->name);
    assert_string_equal(texts[2], bench_unit_name(row->unit));
    const double numbers[] = {row->median, row->lowest, row->highest, row->share, row->target};
    for (int i = 0; i < 5; i++)
        if (!same(texts[3 + i], numbers[i])) fail_msg("%s: number %d differs", row->name, i);
    assert_int_equal(atoi(texts[8]), row->n_samples);
    snprintf(line, sizeof line, "\n%s  ", row->name);
    const char *at = strstr(reading->printed, line);
    if (!at) fail_msg("not printed: %s", row->name);
    const char *unit = strstr(at, bench_unit_name(row->unit));
    assert_true(unit && unit < strchr(at + 1, '\n'));
    if (row->n_samples > 0) {
        double shown = strtod(at + strlen(line), NULL);
        assert_true(fabs(shown - row->median) <= 0.05 + 0.005 * row->median);
    }
    return true;
}

static void check_stored(const struct bench_table *table) {
    struct error error = {0};
    struct store *store = stored(table);
    struct reading reading = {table, printed(table), 0};
    if (!store_query(store,
                     "SELECT section, name, unit, median, lowest, highest, share, target, "
                     "n_samples FROM bench_latest ORDER BY position",
                     NO_VALUES, compare_row, &reading, &error))
        fail_msg("%s", error.text);
    assert_int_equal(reading.n, table->n_rows);
    free(reading.printed);
    store_close(store);
}

static void stored_rows_are_the_printed_ones(void **state) {
    (void)state;
    struct bench_table table = made_up();
    check_stored(&measured);
    check_stored(&table);
}

static bool keep_text(void *context, int n, const char *const *names, const char *const *texts) {
    (void)n;
    (void)names;
    snprintf(context, 64, "%s", texts[0] ? texts[0] : "NULL");
    return false;
}

static void view_judges_targets_and_shows_the_latest_full_run(void **state) {
    (void)state;
    struct error error = {0};
    char text[64];
    struct bench_table table = made_up();
    struct store *store = stored(&table);
    struct {
        const char *sql, *expected;
    } questions[] = {
        {"SELECT group_concat(coalesce(met, 'none')) FROM bench_latest", "1,0,none"},
        {"SELECT count(*) FROM bench_latest WHERE quick = 0", "3"},
    };
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 2; i++) {
            assert_true(store_query(store, questions[i].sql, NO_VALUES, keep_text, text, &error));
            assert_string_equal(text, questions[i].expected);
        }
        assert_true(store_bench(store, 1, &measured, &error)); /* a later quick run hides nothing */
    }
    store_close(store);
}

/* ---- one shape ---- */

static void shape_prints_one_line_of_positive_numbers(void **state) {
    (void)state;
    struct error error = {0};
    char *text = NULL;
    size_t size = 0;
    double train, infer, latency, flops, peak, limit, resident;
    FILE *out = open_memstream(&text, &size);
    assert_true(bench_print_shape("8,2,4", out, &error));
    fclose(out);
    int n = sscanf(text,
                   "train_seconds=%lf infer_seconds=%lf latency_seconds=%lf "
                   "gemm_flops_per_input=%lf sgemm_flops_per_second=%lf "
                   "fma_flops_per_second=%lf peak_resident_bytes=%lf\n",
                   &train, &infer, &latency, &flops, &peak, &limit, &resident);
    assert_int_equal(n, 7);
    assert_true(train > 0 && infer > 0 && latency > 0 && flops > 0 && resident != 0);
    assert_true(peak > 1e8 && peak < 1e13); /* FLOP/s, not GFLOP/s */
    assert_true(limit > 1e8 && limit < 1e13);
    free(text);
}

static void shape_that_is_none_is_an_error_with_an_example(void **state) {
    (void)state;
    static const char *const shapes[] = {
        "",          "128",          "128,32",           "128,32,128,1", "a,b,c",
        "128,0,128", "0,32,128",     "128,32,0",         "12,1,8",       "128,32,128x",
        "1e9,1,1",   "99999999,1,1", "4294967424,32,128" /* 128 in 32 bits */};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct error error = {0};
        if (bench_print_shape(shapes[i], stderr, &error)) fail_msg("accepted: %s", shapes[i]);
        assert_string_not_equal(error.text, "");
    }
}

/* A line for each method, in order: fewer heads where they are chosen. */
static void a_device_has_a_line_for_each_method(void **state) {
    (void)state;
    static const char *const methods[] = {"fixed", "budgetformer", "budgetformer-paper"};
    struct error error = {0};
    char line[256], method[32];
    double heads, train, infer;
    FILE *file = tmpfile();
    assert_non_null(file);
    struct bench_device_options options = {.name = "cpu", .quick = true};
    assert_int_equal(setenv("COLUMNS", "200", 1), 0);
    if (!bench_device(&options, file, NULL, &error)) fail_msg("%s", error.text);
    rewind(file);
    for (int i = 0; i < 5; i++) {
        assert_non_null(fgets(line, sizeof line, file));
        if (i < 2) continue; /* what the columns are */
        assert_int_equal(
            sscanf(line, "64 16 4 fp32 %31s %lf %lf %*s %lf", method, &heads, &train, &infer), 4);
        assert_string_equal(method, methods[i - 2]);
        assert_true(i == 2 ? heads == 8 : heads > 0 && heads < 8);
        assert_true(train > 0 && infer > 0);
    }
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
    options.name = "gpu";
    assert_false(bench_device(&options, stderr, NULL, &error));
    assert_non_null(strstr(error.text, "cuda:N"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_has_its_rows),
        cmocka_unit_test(rows_have_names_of_their_own),
        cmocka_unit_test(numbers_are_positive_and_in_order),
        cmocka_unit_test(shares_are_of_the_best_peak),
        cmocka_unit_test(a_triad_is_larger_than_caches_and_smaller_than_memory),
        cmocka_unit_test(a_saving_is_time_by_time_over_flops_by_flops),
        cmocka_unit_test(targets_are_judged_by_share_or_median),
        cmocka_unit_test(stored_rows_are_the_printed_ones),
        cmocka_unit_test(view_judges_targets_and_shows_the_latest_full_run),
        cmocka_unit_test(shape_prints_one_line_of_positive_numbers),
        cmocka_unit_test(shape_that_is_none_is_an_error_with_an_example),
        cmocka_unit_test(a_device_has_a_line_for_each_method),
    };
    return cmocka_run_group_tests(tests, run_quickly, NULL);
}
