/*
 * `headroom show`: what it prints is a workload file of the same trials, complete where that was
 * asked for, with the place of what comes from elsewhere; and any tree survives being written.
 */
#include "harness/config/resolve.h"
#include "harness/config/yaml.h"
#include "models/base/yaml_write.h"
#include "models/policy.h"
#include "tests/fuzz.h"
#include "tests/harness/scratch.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
    struct scratch scratch;
    struct experiment before, after;
    struct error error;
};

static int make_fixture(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    return f && scratch_make(&f->scratch) ? 0 : -1;
}

static int remove_fixture(void **state) {
    struct fixture *f = *state;
    scratch_remove(&f->scratch);
    free(f);
    return 0;
}

/* The file as `show` prints it; f->before is what was read. */
static struct text show(struct fixture *f, const char *path, bool full, bool resolved) {
    struct text text = {0};
    struct node *root;
    if (!experiment_read_tree(path, full, NULL, &f->before, &root, &f->error) ||
        (resolved && !resolve(root, &f->before, &f->error)))
        fail_msg("%s: %s", path, f->error.text);
    if (!resolved) node_free(node_take(root, "extends"));
    yaml_write(root, path, &text);
    assert_false(text.failed);
    node_free(root);
    return text;
}

static void assert_same_trials(const struct experiment *a, const struct experiment *b) {
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->summary, b->summary);
    assert_string_equal(a->granularity, b->granularity);
    assert_string_equal(a->corpus, b->corpus);
    assert_string_equal(a->duration, b->duration);
    assert_memory_equal(&a->tags, &b->tags, sizeof a->tags);
    assert_memory_equal(&a->seeds, &b->seeds, sizeof a->seeds);
    assert_int_equal(a->profile.seeds, b->profile.seeds);
    assert_int_equal(a->tier, b->tier);
    assert_int_equal(a->n_arms, b->n_arms);
    for (int i = 0; i < a->n_arms; i++) {
        struct text one = {0}, other = {0};
        experiment_write_trial_json(a, &a->arms[i], 1, true, &one);
        experiment_write_trial_json(b, &b->arms[i], 1, true, &other);
        assert_string_equal(a->arms[i].name, b->arms[i].name);
        assert_string_equal(one.data, other.data);
        text_free(&one);
        text_free(&other);
    }
}

static void read_back(struct fixture *f, const struct text *text, bool full) {
    char path[160];
    assert_true(scratch_write(&f->scratch, "shown.yaml", text->data));
    scratch_path(&f->scratch, "shown.yaml", path, sizeof path);
    if (!experiment_read(path, full, &f->after, &f->error))
        fail_msg("%s:%d: %s\n%s", f->error.at.file, f->error.at.line, f->error.text, text->data);
}

static void assert_shown_file_is_the_same(struct fixture *f, const char *path) {
    for (int full = 0; full <= 1; full++)
        for (int resolved = 0; resolved <= 1; resolved++) {
            struct text text = show(f, path, full, resolved);
            read_back(f, &text, false); /* whatever the tier, it is in the text now */
            assert_same_trials(&f->before, &f->after);
            text_free(&text);
        }
    struct text both = show(f, path, false, false);
    read_back(f, &both, true); /* as it was read, it still has its section `full` */
    assert_true(experiment_read(path, true, &f->before, &f->error));
    assert_same_trials(&f->before, &f->after);
    text_free(&both);
}

static void what_is_shown_of_every_workload_plans_the_same_trials(void **state) {
    struct fixture *f = *state;
    glob_t found;
    assert_int_equal(glob("workloads/*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 9);
    for (size_t i = 0; i < found.gl_pathc; i++) assert_shown_file_is_the_same(f, found.gl_pathv[i]);
    globfree(&found);
}

static const char base[] = "workload: base\n"
                           "summary: \"texts: [with] {signs} # and\\n\\ttabs \\x85 \\u2028 '~'\"\n"
                           "data: {source: topic, signal: 0.4}\n"
                           "model: {heads: 4, dim: 16}\n"
                           "full: {data: {signal: ~}, seeds: [5], tune: {batch: [8, 16]}}\n";
static const char child[] = "extends: base.yaml\n"
                            "workload: child\n"
                            "data: {n_train: 40}\n"
                            "tune: {learning_rate: [1e-3, 1e-2]}\n"
                            "arms:\n"
                            "  - {arm: one, policy: fixed, heads: 1}\n"
                            "  - {arm: ours, policy: budgetformer, target_budget: 0.5,\n"
                            "     tune: {cost: [0.1, 0.2]}}\n";

static void what_is_shown_of_an_extended_file_needs_no_other(void **state) {
    struct fixture *f = *state;
    char path[160];
    assert_true(scratch_write(&f->scratch, "base.yaml", base));
    assert_true(scratch_write(&f->scratch, "child.yaml", child));
    scratch_path(&f->scratch, "child.yaml", path, sizeof path);
    assert_shown_file_is_the_same(f, path);

    struct text text = show(f, path, true, false);
    assert_null(strstr(text.data, "extends"));
    assert_null(strstr(text.data, "full:"));
    assert_null(strstr(text.data, "signal")); /* removed by the overlay */
    char want[300];
    snprintf(want, sizeof want, "  heads: 4%*s# %s/base.yaml:4\n", 30, "", f->scratch.folder);
    assert_non_null(strstr(text.data, want));
    assert_non_null(strstr(text.data, "  n_train: 40\n")); /* its own: no comment */
    text_free(&text);
}

static void assert_complete(const struct node *map, const struct option_table *table,
                            const struct candidates *tuned) {
    for (size_t i = 0; i < table->n_rows; i++) {
        const char *name = table->rows[i].name;
        if (strcmp(name, "extends") == 0 || (tuned && candidates_have(tuned, name))) continue;
        if (!node_find(map, name)) fail_msg("%s lacks %s", table->section, name);
    }
}

static void resolved_file_has_every_key_and_marks_the_defaults(void **state) {
    struct fixture *f = *state;
    char path[160];
    struct node *root;
    assert_true(scratch_write(&f->scratch, "base.yaml", base));
    assert_true(scratch_write(&f->scratch, "child.yaml", child));
    scratch_path(&f->scratch, "child.yaml", path, sizeof path);
    struct text text = show(f, path, false, true);
    assert_true(yaml_parse(text.data, text.size, "shown", &root, &f->error));
    assert_complete(root, &experiment_options, NULL);
    assert_complete(node_find(root, "model"), &model_options, NULL);
    assert_complete(node_find(root, "train"), &train_options, NULL);
    assert_complete(node_find(root, "profile"), &profile_options, NULL);
    const struct node *data = node_find(root, "data"), *arm = node_find(root, "arms")->first;
    assert_non_null(node_find(data, "fillers")); /* a topic has fillers, */
    assert_null(node_find(data, "train_file"));  /* and no files */
    for (int i = 0; i < f->before.n_arms; i++, arm = arm->next)
        assert_complete(arm, &f->before.arms[i].policy->options, &f->before.arms[i].candidates);
    char want[64];
    snprintf(want, sizeof want, "  epochs: 10%*s# default\n", 28, "");
    assert_non_null(strstr(text.data, want));
    node_free(root);
    text_free(&text);
}

/* Whether two trees say the same; what was plain may stand in quotes, unless it was a null. */
static bool same(const struct node *a, const struct node *b) {
    if (a->kind != b->kind || a->n_children != b->n_children || !a->key != !b->key) return false;
    if (a->key && strcmp(a->key, b->key) != 0) return false;
    if (a->kind == NODE_SCALAR)
        return strcmp(a->text, b->text) == 0 &&
               (a->quoted == b->quoted || (b->quoted && *a->text && strcmp(a->text, "~") != 0));
    for (a = a->first, b = b->first; a && b; a = a->next, b = b->next)
        if (!same(a, b)) return false;
    return true;
}

static void any_tree_survives_being_written(void **state) {
    (void)state;
    static const char good[] =
        "a: {b: 1, c: [x, \"2\", '', ~], 'k: #': {}, e: []}\n"
        "list:\n  - - 1\n    - [2, {z: \"\\x7f\\x85\\u2029\\ufeff\\\\\"}]\n  - name: 'it''s'\n"
        "    more: [[], [3]]\n  - |\n    two\n    lines\n"
        "\xC3\xA9: \"\xE2\x82\xAC\"\nend:\n";
    static const char *const words[] = {"~",  "null", "- ", "-",  ": ", "[",  "]",     "{", "}",
                                        "\"", "'",    "#",  "\n", "? ", "\t", "\\x01", " ", "a:"};
    struct fuzz fuzz = {20261122};
    int written = 0;
    for (int i = 0; i < 20000; i++) {
        char text[512];
        struct node *tree = NULL, *back = NULL;
        struct error error = {0};
        struct text out = {0};
        size_t n = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                               text, sizeof text);
        if (yaml_parse(text, n, "in", &tree, &error) && tree->kind == NODE_MAP) {
            yaml_write(tree, "other", &out);
            if (!yaml_parse(out.data, out.size, "out", &back, &error))
                fail_msg("%d:%d: %s\n%.*s\n->\n%s", error.at.line, error.at.column, error.text,
                         (int)n, text, out.data);
            if (!same(tree, back)) fail_msg("%.*s\n->\n%s", (int)n, text, out.data);
            written++;
        }
        node_free(tree);
        node_free(back);
        text_free(&out);
    }
    assert_in_range(written, 2000, 19000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_shown_of_every_workload_plans_the_same_trials),
        TEST(what_is_shown_of_an_extended_file_needs_no_other),
        TEST(resolved_file_has_every_key_and_marks_the_defaults),
        TEST(any_tree_survives_being_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
