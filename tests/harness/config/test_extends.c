/*
 * Files on top of files: what is merged, replaced and removed, where the pieces come from, which
 * chains are refused and where, and thousands of damaged pairs.
 */
#include "harness/config/extends.h"
#include "harness/config/experiment.h"
#include "harness/config/yaml.h"
#include "tests/fuzz.h"
#include "tests/harness/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
    struct scratch scratch;
    struct experiment experiment;
    struct error error;
    char path[160];
};

static int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    char path[160];
    *state = f;
    return f && scratch_make(&f->scratch) &&
                   mkdir(scratch_path(&f->scratch, "shared", path, sizeof path), 0700) == 0
               ? 0
               : -1;
}

static int remove_fixture(void **state) {
    struct fixture *f = *state;
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

static void write_file(struct fixture *f, const char *name, const char *text) {
    assert_true(scratch_write(&f->scratch, name, text));
}

static const char *path_of(struct fixture *f, const char *name) {
    return scratch_path(&f->scratch, name, f->path, sizeof f->path);
}

static struct node *read_tree(struct fixture *f, const char *name) {
    struct node *root;
    if (!extends_read(path_of(f, name), &root, &f->error)) fail_msg("%s", f->error.text);
    return root;
}

/* The error of reading a file as an experiment: its place ("shared/b.yaml:2:3") and its words,
 * among them `problem` and `hint`. */
static void assert_refused(struct fixture *f, const char *name, const char *place,
                           const char *problem, const char *hint) {
    char text[sizeof f->error.text + sizeof f->error.at.file + 32];
    f->error = (struct error){0};
    if (experiment_read(path_of(f, name), true, &f->experiment, &f->error))
        fail_msg("%s is accepted: expected %s", name, problem);
    error_format(&f->error, text, sizeof text);
    size_t folder = strlen(f->scratch.folder) + 1;
    if (strncmp(text, f->scratch.folder, folder - 1) != 0 ||
        strncmp(text + folder, place, strlen(place)) != 0 || !strstr(text, problem) ||
        !strstr(text, hint))
        fail_msg("got '%s'; expected %s: %s ... %s", text, place, problem, hint);
}

#define ARMS "arms: [{arm: one, policy: fixed, heads: 1}]\n"
static const char base[] = "workload: base\n"                                   /* 1 */
                           "data:\n"                                            /* 2 */
                           "  source: topic\n"                                  /* 3 */
                           "  signal: 0.4\n"                                    /* 4 */
                           "  n_train: 500\n"                                   /* 5 */
                           "model: {layers: 1, dim: 16, heads: 4}\n"            /* 6 */
                           "train: {epochs: 2, batch: 8}\n"                     /* 7 */
                           "tags: [quick, synthetic]\n"                         /* 8 */
                           "full: {train: {epochs: 9, batch: 4}, seeds: [7]}\n" /* 9 */
    ARMS;                                                                       /* 10 */

static void maps_are_merged_and_everything_else_is_replaced(void **state) {
    struct fixture *f = *state;
    write_file(f, "base.yaml", base);
    write_file(
        f, "child.yaml",
        "extends: base.yaml\n"
        "workload: child\n"
        "data: {n_train: 900, n_test: 90}\n"
        "tags: [mine]\n"
        "full: {train: {epochs: 11}}\n"
        "arms: [{arm: all, policy: fixed, heads: 4}, {arm: two, policy: fixed, heads: 2}]\n");
    struct experiment *e = &f->experiment;
    if (!experiment_read(path_of(f, "child.yaml"), false, e, &f->error))
        fail_msg("%s", f->error.text);
    assert_string_equal(e->name, "child");
    assert_int_equal(e->data.n_train, 900);
    assert_int_equal(e->data.n_test, 90);
    assert_true(e->data.signal == 0.4); /* inherited beside what is replaced */
    assert_int_equal(e->train.epochs, 2);
    assert_int_equal(e->n_arms, 2); /* not three */
    assert_string_equal(e->arms[0].name, "all");
    assert_true(experiment_has_tag(e, "mine"));
    assert_false(experiment_has_tag(e, "quick"));
    assert_true(experiment_read(path_of(f, "child.yaml"), true, e, &f->error));
    assert_int_equal(e->train.epochs, 11);
    assert_int_equal(e->train.batch, 4);
    assert_int_equal(e->seeds.value[0], 7);
}

static void null_removes_what_is_inherited(void **state) {
    struct fixture *f = *state;
    write_file(f, "base.yaml", base);
    write_file(f, "child.yaml",
               "extends: base.yaml\n"
               "workload: child\n"
               "data: {source: offsets, signal: ~}\n"
               "train: null\n"
               "full: {seeds: ~}\n");
    struct experiment *e = &f->experiment;
    if (!experiment_read(path_of(f, "child.yaml"), true, e, &f->error))
        fail_msg("%s", f->error.text);
    assert_int_equal(e->data.source, SOURCE_OFFSETS);
    assert_int_equal(e->train.batch, 4); /* of full; the rest of train is the default again */
    assert_int_equal(e->seeds.n, 3);
    struct node *root = read_tree(f, "child.yaml");
    assert_null(node_find(root, "train"));
    assert_null(node_find(node_find(root, "data"), "signal"));
    assert_int_equal(node_find(root, "data")->n_children, 2);
    assert_int_equal(root->n_children, 7); /* extends workload data model tags full arms */
    node_free(root);
}

static void a_quoted_null_and_an_empty_value_remove_nothing(void **state) {
    struct fixture *f = *state;
    write_file(f, "base.yaml", base);
    write_file(f, "quoted.yaml", "extends: base.yaml\nworkload: x\nsummary: '~'\n");
    struct node *root = read_tree(f, "quoted.yaml");
    assert_string_equal(node_find(root, "summary")->text, "~");
    node_free(root);
    write_file(f, "empty.yaml", "extends: base.yaml\nworkload: x\ndata:\n  signal:\n");
    assert_refused(f, "empty.yaml", "empty.yaml:4:10", "signal in data has no value", "");
}

static void every_node_knows_the_file_it_came_from(void **state) {
    struct fixture *f = *state;
    char path[160];
    write_file(f, "shared/base.yaml", base);
    write_file(f, "child.yaml", "extends: shared/base.yaml\nworkload: x\n\ndata: {signal: 0.5}\n");
    struct node *root = read_tree(f, "child.yaml");
    const struct node *data = node_find(root, "data");
    const char *child = path_of(f, "child.yaml");
    const char *shared = scratch_path(&f->scratch, "shared/base.yaml", path, sizeof path);
    assert_string_equal(root->at.file, child);
    assert_string_equal(data->at.file, child); /* changed last there */
    assert_int_equal(data->key_at.line, 4);
    assert_string_equal(node_find(data, "signal")->at.file, child);
    assert_string_equal(node_find(data, "source")->at.file, shared);
    assert_int_equal(node_find(data, "source")->at.line, 3);
    assert_string_equal(data->first->key, "source"); /* in the order of the lower file */
    node_free(root);
}

static void a_merged_tree_keeps_its_places_when_its_files_are_gone(void **state) {
    (void)state;
    static const char low[] = "a: 1\nb: {c: 2}\n", high[] = "b: {d: 3}\ne: 4\n";
    char name[8] = "low";
    struct node *below, *above;
    struct error error;
    assert_true(yaml_parse(low, sizeof low - 1, name, &below, &error));
    strcpy(name, "high");
    assert_true(yaml_parse(high, sizeof high - 1, name, &above, &error));
    name[0] = '\0';
    assert_true(tree_merge(below, above, &error));
    node_free(above);
    struct node *b = node_take(below, "b"), *e = node_take(below, "e");
    assert_string_equal(node_find(below, "a")->at.file, "low");
    node_free(below);
    assert_string_equal(b->at.file, "high"); /* changed last there */
    assert_string_equal(node_find(b, "c")->at.file, "low");
    assert_string_equal(node_find(b, "d")->key_at.file, "high");
    node_free(b);
    assert_string_equal(e->at.file, "high");
    assert_int_equal(e->at.line, 2);
    node_free(e);
}

static void chains_are_relative_to_each_file_and_the_nearest_wins(void **state) {
    struct fixture *f = *state;
    char text[64];
    struct node *root;
    write_file(f, "shared/root.yaml", base);
    write_file(f, "shared/middle.yaml", "extends: root.yaml\ntrain: {epochs: 5, batch: 6}\n");
    write_file(f, "top.yaml", "extends: ./shared/middle.yaml\nworkload: x\ntrain: {epochs: 4}\n");
    assert_true(experiment_read(path_of(f, "top.yaml"), false, &f->experiment, &f->error));
    assert_int_equal(f->experiment.train.epochs, 4);
    assert_int_equal(f->experiment.train.batch, 6);
    assert_int_equal(f->experiment.model.dim, 16);

    for (int i = 1; i <= EXTENDS_FILES_MAX; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.yaml", i);
        snprintf(text, sizeof text, i == 1 ? "a: 1\n" : "extends: %d.yaml\n", i - 1);
        write_file(f, name, text);
    }
    snprintf(text, sizeof text, "%d.yaml", EXTENDS_FILES_MAX);
    root = read_tree(f, text);
    assert_string_equal(node_find(root, "a")->text, "1");
    node_free(root);
    snprintf(text, sizeof text, "extends: %d.yaml\n", EXTENDS_FILES_MAX);
    write_file(f, "long.yaml", text);
    assert_refused(f, "long.yaml", "2.yaml:1:10", "more than 16 files", "");
}

static void every_mistake_has_its_place_in_the_right_file(void **state) {
    struct fixture *f = *state;
    static const struct {
        const char *text, *place, *problem, *hint;
    } cases[] = {
        {"extends: base.yaml\nworkload: x\ntrain: {epoch: 3}\n", "x.yaml:3:9",
         "unknown key 'epoch' in train", "'epochs'"},
        {"extends: base.yaml\nworkload: x\ndata: {source: offsets}\n", "base.yaml:4:3",
         "signal in data is for topic, not for offsets", "x.yaml:3:16, where `signal: ~`"},
        {"extends: base.yaml\nworkload: x\nmodel: {heads: 5}\n", "x.yaml:3:16",
         "5 heads do not divide dim 16", ""},
        {"extends: base.yaml\nworkload: x\nmodel: {dim: 18}\n", "base.yaml:6:36",
         "4 heads do not divide dim 18", ""},
        {"extends: base.yaml\n", "x.yaml:1:1", "needs its own 'workload': 'base' is the name of",
         "base.yaml"},
        {"extends: base.yaml\nworkload: x\ntrain: {epoch: ~}\n", "x.yaml:3:9",
         "no 'epoch' is inherited", "'epochs'"},
        {"extends: base.yaml\nworkload: x\nmodel: ~\nfull: {model: {heads: 5}}\n", "x.yaml:4:23",
         "do not divide", ""},
        {"extends: base.yaml\nworkload: x\narms: ~\n", "x.yaml:1:1", "needs `arms:`", ""},
        {"extends: base.yaml\nworkload: x\ntrain: 3\n", "x.yaml:3:8", "train must be a map of keys",
         "base.yaml:7:8"},
        {"extends: base.yaml\nworkload: x\narms: {arm: a, heads: 4}\n", "x.yaml:3:7",
         "arms is a map of keys here and a list in ", "base.yaml:10:7; both must be"},
        {"extends: base.yaml\nworkload: x\ntune: {heads: [1, 2]}\n", "base.yaml:10:34",
         "'heads' is tuned in", "x.yaml:3 and given here"},
        {"extends: base.yaml\nworkload: x\nfull: {extends: base.yaml}\n", "x.yaml:3:8",
         "'extends' belongs to the top", ""},
        {"extends: bad.yaml\nworkload: x\n", "bad.yaml:2:1", "indent with spaces", ""},
        {"extends: list.yaml\nworkload: x\n", "list.yaml:1:1", "a file to extend must be a map",
         ""},
        {"extends: bse.yaml\nworkload: x\n", "x.yaml:1:10", "cannot extend",
         "bse.yaml: No such file"},
        {"extends: [base.yaml]\nworkload: x\n", "x.yaml:1:10", "the path of one workload file", ""},
        {"extends: ~\nworkload: x\n", "x.yaml:1:10", "the path of one workload file", ""},
        {"extend: base.yaml\nworkload: x\n", "x.yaml:1:1", "unknown key 'extend'", "'extends'"},
        {"extends: x.yaml\nworkload: x\n", "x.yaml:1:10", "x.yaml extends itself", ""},
        {"extends: shared/../x.yaml\nworkload: x\n", "x.yaml:1:10", "extends itself", ""},
        {"extends: two.yaml\nworkload: x\n", "two.yaml:1:10", "two.yaml extends ", "x.yaml, which"},
        {"extends: four.yaml\nworkload: x\n", "three.yaml:1:10", "three.yaml extends ",
         "four.yaml, which extends "}, /* the circle is theirs alone */
    };
    write_file(f, "base.yaml", base);
    write_file(f, "bad.yaml", "a:\n\tb: 1\n");
    write_file(f, "list.yaml", "- 1\n");
    write_file(f, "two.yaml", "extends: x.yaml\n");
    write_file(f, "three.yaml", "extends: four.yaml\n");
    write_file(f, "four.yaml", "extends: three.yaml\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(f, "x.yaml", cases[i].text);
        assert_refused(f, "x.yaml", cases[i].place, cases[i].problem, cases[i].hint);
    }
}

/* A file of many keys on top of another: with look-ups from the front this took minutes, and the
 * tests their time limit. */
static void many_keys_take_no_quadratic_time(void **state) {
    struct fixture *f = *state;
    enum { KEYS = 60000 };
    struct text below = {0}, above = {0};
    for (int i = 0; i < KEYS; i++) {
        text_append(&below, "key%d: 1\n", i);
        text_append(&above, "key%d: 2\n", KEYS - 1 - i);
    }
    text_append(&above, "extends: below.yaml\n");
    write_file(f, "below.yaml", below.data);
    write_file(f, "above.yaml", above.data);
    struct node *root = read_tree(f, "above.yaml");
    assert_int_equal(root->n_children, KEYS + 1);
    assert_string_equal(root->first->key, "key0");
    assert_string_equal(root->first->text, "2");
    node_free(root);
    text_free(&below);
    text_free(&above);
}

/* Both halves of the pair are damaged; what is accepted is a tree that adds up. */
static void no_damaged_pair_crashes_or_fails_without_words(void **state) {
    (void)state;
    static const char child[] =
        "workload: child\ndata: {n_train: 9, source: ~}\n"
        "train: {epochs: 3}\ntags: ~\nfull: {seeds: ~, train: {batch: 2}}\n";
    static const char *const words[] = {"~",      "null", ": ~", "{", "}",    "[",     "]",
                                        "data: ", "full", "\n",  ":", "arms", "train", "  "};
    enum { WORDS = sizeof words / sizeof *words };
    struct fuzz fuzz = {20261121};
    int merged = 0, refused = 0;
    for (int i = 0; i < 10000; i++) {
        char low[600], high[400];
        struct node *below = NULL, *above = NULL;
        struct error error = {0};
        size_t n_low = fuzz_mutate(&fuzz, base, sizeof base - 1, words, WORDS, low, sizeof low);
        size_t n_high =
            fuzz_mutate(&fuzz, child, sizeof child - 1, words, WORDS, high, sizeof high);
        if (i % 2) n_low = sizeof base - 1, memcpy(low, base, n_low);
        if (yaml_parse(low, n_low, "low", &below, &error) &&
            yaml_parse(high, n_high, "high", &above, &error) && below->kind == NODE_MAP &&
            above->kind == NODE_MAP) {
            if (tree_merge(below, above, &error)) {
                int n = 0;
                for (const struct node *entry = below->first; entry; entry = entry->next) n++;
                assert_int_equal(n, below->n_children);
                assert_int_equal(above->n_children, 0);
                merged++;
            } else {
                assert_true(error.text[0] && error.at.line > 0);
                assert_true(strcmp(error.at.file, "high") == 0 ||
                            strcmp(error.at.file, "low") == 0);
                refused++;
            }
        }
        node_free(below);
        node_free(above);
    }
    assert_in_range(merged, 200, 9800);
    assert_in_range(refused, 200, 9800);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(maps_are_merged_and_everything_else_is_replaced),
        TEST(null_removes_what_is_inherited),
        TEST(a_quoted_null_and_an_empty_value_remove_nothing),
        TEST(every_node_knows_the_file_it_came_from),
        TEST(a_merged_tree_keeps_its_places_when_its_files_are_gone),
        TEST(chains_are_relative_to_each_file_and_the_nearest_wins),
        TEST(every_mistake_has_its_place_in_the_right_file),
        TEST(many_keys_take_no_quadratic_time),
        TEST(no_damaged_pair_crashes_or_fails_without_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
