/*
 * Any bytes as a workload file, in both tiers. What is read must come back from each form it is
 * written in: the file that `headroom show` prints, whole and resolved, and the configuration of
 * each trial.
 */
#include "harness/config/experiment.h"
#include "harness/config/resolve.h"
#include "models/base/yaml_write.h"
#include "tests/fuzz/input.h"

#include <string.h>

/* The first trial of an arm, as the database has it. */
static void trial_of(const struct experiment *e, int arm, struct text *out) {
    *out = (struct text){0};
    experiment_write_trial_json(e, &e->arms[arm], e->seeds.value[0], true, out);
    MUST(!out->failed);
}

/* What is written of the tree plans the same trials. */
static void must_show(const struct node *root, const struct experiment *e, bool full,
                      struct experiment *again) {
    struct text text = {0}, one, other;
    struct error error = {0};
    yaml_write(root, e->file, &text);
    MUST(!text.failed);
    struct input_file file = input_open(text.data, text.size);
    bool ok = experiment_read(file.path, full, again, &error);
    if (!ok) fprintf(stderr, "%s\n%s\n", text.data, error.text);
    MUST(ok && again->n_arms == e->n_arms);
    for (int i = 0; i < e->n_arms; i++) {
        trial_of(e, i, &one);
        trial_of(again, i, &other);
        MUST(strcmp(one.data, other.data) == 0);
        text_free(&one);
        text_free(&other);
    }
    input_close(&file);
    text_free(&text);
}

static void must_store(const struct experiment *e, struct experiment *again) {
    struct text json, other;
    struct error error = {0};
    for (int i = 0; i < e->n_arms; i++) {
        trial_of(e, i, &json);
        bool ok = experiment_read_trial_json(json.data, json.size, again, &error);
        if (!ok) fprintf(stderr, "%s\n%s\n", json.data, error.text);
        MUST(ok);
        trial_of(again, 0, &other);
        MUST(strcmp(json.data, other.data) == 0);
        text_free(&json);
        text_free(&other);
    }
}

static void read_tier(const char *path, bool full) {
    struct experiment *e = malloc(sizeof *e), *again = malloc(sizeof *again);
    struct node *root;
    struct error error = {0};
    MUST(e && again);
    bool ok = experiment_read_tree(path, full, NULL, e, &root, &error);
    must_explain(ok, &error);
    if (ok) {
        struct text doubts = {0};
        experiment_write_doubts(e, &doubts);
        text_free(&doubts);
        must_store(e, again);
        node_free(node_take(root, "extends"));
        if (!full) must_show(root, e, full, again); /* `full:` is in it already, or still there */
        MUST(resolve(root, e, &error));
        must_show(root, e, false, again);
        node_free(root);
    }
    free(e);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input_file file = input_open(data, size);
    read_tier(file.path, false);
    read_tier(file.path, true);
    input_close(&file);
    return 0;
}
