/*
 * Workload files as experiments: every mistake a file can make has its place and its fix, the
 * overlay does what it says, and a trial's JSON says all and nothing but what decides its result.
 */
#include "harness/config/experiment.h"
#include "models/policies/registry.h"
#include "tests/fuzz.h"
#include "tests/temporary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char good[] = "workload: small\n"                           /* 1 */
                           "summary: does it work\n"                     /* 2 */
                           "granularity: synthetic\n"                    /* 3 */
                           "tier: default\n"                             /* 4 */
                           "data: {source: topic}\n"                     /* 5 */
                           "model: {layers: 1, dim: 16, heads: 4}\n"     /* 6 */
                           "train: {epochs: 2, batch: 8}\n"              /* 7 */
                           "profile: {repeats: 20, seeds: 1}\n"          /* 8 */
                           "arms:\n"                                     /* 9 */
                           "  - {arm: all, policy: fixed, heads: 4}\n"   /* 10 */
                           "  - {arm: one, policy: fixed, heads: 1}\n"   /* 11 */
                           "  - {arm: ours, policy: budgetformer}\n"     /* 12 */
                           "seeds: [1, 2]\n"                             /* 13 */
                           "full:\n"                                     /* 14 */
                           "  train: {epochs: 9}\n"                      /* 15 */
                           "  arms:\n"                                   /* 16 */
                           "    - {arm: one, policy: fixed, heads: 2}\n" /* 17 */
                           "    - {arm: none, policy: none}\n"           /* 18 */
                           "  seeds: [1, 2, 3]\n";                       /* 19 */

struct fixture {
    char path[64];
    struct experiment experiment;
    struct error error;
};

static int make_fixture(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    if (!fixture) return -1;
    int file = mkstemp(temporary_template(fixture->path, sizeof fixture->path));
    *state = fixture;
    return file < 0 ? -1 : close(file);
}

static int remove_fixture(void **state) {
    struct fixture *fixture = *state;
    unlink(fixture->path);
    free(fixture);
    return 0;
}

static bool read_text(struct fixture *fixture, const char *text, size_t size, bool full) {
    FILE *file = fopen(fixture->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    fixture->error = (struct error){0};
    return experiment_read(fixture->path, full, &fixture->experiment, &fixture->error);
}

static struct experiment *read_good(struct fixture *fixture, bool full) {
    if (!read_text(fixture, good, sizeof good - 1, full)) fail_msg("%s", fixture->error.text);
    return &fixture->experiment;
}

static void file_gives_typed_values(void **state) {
    struct experiment *e = read_good(*state, false);
    assert_string_equal(e->name, "small");
    assert_string_equal(e->granularity, "synthetic");
    assert_int_equal(e->tier, TIER_DEFAULT);
    assert_int_equal(e->model.base_heads, 4);
    assert_int_equal(e->train.epochs, 2);
    assert_int_equal(e->train.eval_batch, 64); /* a default */
    assert_int_equal(e->n_arms, 3);
    assert_string_equal(e->arms[2].name, "ours");
    assert_ptr_equal(e->arms[2].policy, policy_find("budgetformer"));
    assert_int_equal(e->seeds.n, 2);
}

static void full_overlays_keys_and_adds_or_replaces_arms(void **state) {
    struct experiment *e = read_good(*state, true);
    struct text one = {0};
    assert_int_equal(e->train.epochs, 9);
    assert_int_equal(e->train.batch, 8); /* not in the overlay: kept */
    assert_int_equal(e->seeds.n, 3);
    assert_int_equal(e->n_arms, 4);
    assert_string_equal(e->arms[1].name, "one");
    experiment_write_trial_json(e, &e->arms[1], 1, false, &one);
    assert_non_null(strstr(one.data, "\"policy_options\":{\"heads\":[2]}"));
    assert_string_equal(e->arms[3].name, "none");
    text_free(&one);
}

/* The good file with one piece replaced. */
static size_t replace(const char *from, const char *to, char *out, size_t size) {
    const char *at = strstr(good, from);
    assert_non_null(at);
    int n = snprintf(out, size, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    assert_true(n > 0 && (size_t)n < size);
    return (size_t)n;
}

static void every_mistake_has_its_place_and_its_fix(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *from, *to;
        int line, column;
        const char *problem, *hint;
    } cases[] = {
        {"model:", "modle:", 6, 1, "unknown key 'modle'", "did you mean 'model'"},
        {"epochs: 2", "epoch: 2", 7, 9, "unknown key 'epoch' in train", "did you mean 'epochs'"},
        {"source: topic", "source: topic, signl: 1", 5, 23, "unknown key 'signl' in data",
         "'signal'"},
        {"layers: 1", "layer: 1", 6, 9, "unknown key 'layer' in model", "'layers'"},
        {"repeats: 20", "repeat: 20", 8, 11, "unknown key 'repeat' in profile", "'repeats'"},
        {"summary: does", "sumary: does", 2, 1, "unknown key 'sumary' in workload file",
         "'summary'"},
        {"  train: {epochs: 9}", "  model: {layer: 9}", 15, 11, "'layer' in model", "'layers'"},
        {"heads: 2}", "head: 2}", 17, 33, "unknown key 'head' in arm (policy fixed)", "'heads'"},
        {"tier: default", "tier: default\ntier: full", 5, 1, "duplicate key 'tier'", "line 4"},
        {"epochs: 2", "epochs: many", 7, 17, "epochs in train is 'many'", "a whole number"},
        {"epochs: 2", "epochs: 0", 7, 17, "epochs in train is 0", "between 1 and"},
        {"epochs: 2", "epochs: [2]", 7, 17, "epochs in train is a list", "a whole number"},
        {"tier: default", "tier: fulll", 4, 7, "tier in workload file is 'fulll'", "'full'"},
        {"train: {epochs: 2, batch: 8}", "train: 3", 7, 8, "train must be a map", ""},
        {"policy: fixed", "policy: fixd", 10, 24, "unknown policy 'fixd'", "did you mean 'fixed'"},
        {"policy: fixed", "policy: softmax", 10, 24, "unknown policy 'softmax'", "bag-of-words"},
        {"arm: one", "arm: all", 11, 11, "arm 'all' stands twice", "line 10"},
        {"heads: 1}", "heads: 4}", 11, 11, "'all' and 'one' are the same settings", ""},
        {"heads: 4}\ntrain", "heads: 5}\ntrain", 6, 36, "5 heads do not divide dim 16", "heads"},
        {"policy: budgetformer", "policy: fixed-matched", 12, 5,
         "'fixed-matched' needs the key 'base'", "whose finished trial"},
        {"budgetformer}", "fixed-matched, base: al}", 12, 46, "'al' of arm 'ours' is no arm",
         "did you mean 'all'"},
        {"budgetformer}", "fixed-matched, base: ours}", 12, 46, "arm 'ours' is itself", ""},
        {"budgetformer}",
         "fixed-matched, base: two}\n  - {arm: two, policy: flop-matched, base: ours}", 12, 46,
         "arm 'ours' is in turn based on it", "does not wait"},
        {"budgetformer}", "fixed-matched, base: [all]}", 12, 46, "base must be a single value", ""},
        {"heads: 1}", "heads: 1, base: all}", 11, 41, "'fixed' takes nothing from another", "base"},
        {"heads: 4}\n  - {arm: one", "heads: 7}\n  - {arm: one", 10, 11, "arm 'all'", "7"},
        {"heads: 4}\n  - {arm: one", "head: 4}\n  - {arm: one", 10, 31, "'head'", "'heads'"},
        {", heads: 4}\n  - {arm: one", "}\n  - {arm: one", 10, 5, "needs the key 'heads'", ""},
        {"{arm: all, ", "{", 10, 5, "needs the key 'arm'", ""},
        {"arm: all", "arm: 'a/b'", 10, 11, "'a/b'", "letters, digits"},
        {"- {arm: all, policy: fixed, heads: 4}", "- all", 10, 5, "must be a map", ""},
        {"workload: small", "workload: ''", 1, 11, "name of workload", "1 to 63"},
        {"workload: small\n", "", 1, 1, "needs the key 'workload'", "unique"},
        {"source: topic", "source: csv", 5, 7, "train_file", "given"},
        {"source: topic", "source: topic, seed: yearly", 5, 29, "at least 0, or per-trial", "seed"},
        {"source: topic", "source: csv, train_file: a, test_file: b, seed: per-trial", 5, 56,
         "texts of files are one draw", "give a number"},
        {"source: topic", "source: offsets, signal: 0.4", 5, 25, "signal in data is for topic",
         "not for offsets"},
        {"source: topic", "max_len: 9, source: topic", 5, 8, "for texts, not", "topic"},
        {"  train: {epochs: 9}", "  data: {header: true}", 15, 10, "header in data is for csv", ""},
        {"seeds: [1, 2]\n", "seeds: [1, 1]\n", 13, 8, "seed 1 is listed twice", ""},
        {"seeds: [1, 2]\n", "seeds: []\n", 13, 8, "at least one seed", ""},
        {"  train: {epochs: 9}", "  profile: {batch_sizes: []}", 15, 26, "one batch size", ""},
        {"  train: {epochs: 9}", "  profile: {batch_sizes: [8, 1, 8]}", 15, 26,
         "batch size 8 is listed twice", ""},
        {"  train: {epochs: 9}", "  model: {heads: 5}", 15, 18, "5 heads do not divide", ""},
        {"  train: {epochs: 9}", "  tier: full", 15, 3, "'tier' belongs to the top", ""},
        {"  train: {epochs: 9}", "  tags: [x]", 15, 3, "'tags' belongs to the top", ""},
        {"tier: default", "tags: [quick, a b]", 4, 7, "the name of tag 'a b'", "letters, digits"},
        {"tier: default", "corpus: a/b", 4, 9, "the name of corpus 'a/b'", "letters, digits"},
        {"tier: default", "tags: [a, a]", 4, 11, "entry 2 of tags in workload file", "before"},
        {"  train: {epochs: 9}", "  trian: {epochs: 9}", 15, 3, "'trian'", "'train'"},
        {"  train: {epochs: 9}", "  train: {epoch: ~}", 15, 11, "no 'epoch' is inherited",
         "'epochs'"},
        {"    - {arm: none,", "    - {arm: one,", 18, 13, "arm 'one' stands twice", "line 17"},
        {"seeds: 1}", "events: [PAPI_L1_DCM, cycles]}", 8, 10, "events in profile has 'cycles'",
         "counted anyway"},
        {"seeds: 1}", "events: [X, X]}", 8, 36, "entry 2 of events in profile is 'X'", "before"},
        {"heads: 2}", "heads: 99}", 17, 40, "heads in arm (policy", "between"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2048];
        size_t size = replace(cases[i].from, cases[i].to, text, sizeof text);
        const struct error *error = &fixture->error;
        if (read_text(fixture, text, size, true) && read_text(fixture, text, size, false))
            fail_msg("accepted: %s", cases[i].to);
        if (!strstr(error->text, cases[i].problem) || !strstr(error->text, cases[i].hint) ||
            error->at.line != cases[i].line || error->at.column != cases[i].column)
            fail_msg("'%s': got %d:%d: %s; expected %d:%d: %s ... %s", cases[i].to, error->at.line,
                     error->at.column, error->text, cases[i].line, cases[i].column,
                     cases[i].problem, cases[i].hint);
        assert_string_equal(error->at.file, fixture->path);
    }
}

/* As above, for what stands in `tune`: beside the arms (line 13), or in the arm `ours` (line
 * 12). */
static void every_mistake_in_tune_has_its_place_and_its_fix(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *all, *ours;
        int line, column;
        const char *problem, *hint;
    } cases[] = {
        {"{learning_rate: [1e-3, 99]}", "", 13, 30, "learning_rate in train is 99", "between"},
        {"{learning_rat: [1]}", "", 13, 8, "unknown key 'learning_rat'", "'learning_rate'"},
        {"{learning_rate: 1}", "", 13, 23, "must be a list of the values", ""},
        {"{learning_rate: []}", "", 13, 23, "must be a list of the values", ""},
        {"{learning_rate: [1, 2], batch: [8]}", "", 13, 38, "has 1 values", "equally long"},
        {"[1]", "", 13, 7, "tune must be a map", "{learning_rate:"},
        {"{}", "", 13, 7, "tune must be a map", "{learning_rate:"},
        {"{cost: [0, 1]}", "", 13, 8, "unknown key 'cost' in arm (policy fixed)", ""},
        {"", ", tune: {cost: [0, 1]}", 10, 11, "arm 'all' has 1 candidate and arm 'ours' 2",
         "fair"},
        {"{batch: [8, 9]}", ", tune: {cost: [0]}", 12, 11, "'ours' has 1 candidate and arm 'all' 2",
         "fair"},
        {"", ", target_budget: 0.5", 12, 39, "chooses between candidates", "add 'tune'"},
        {"{batch: [8, 9]}", ", target_budget: 2", 12, 54, "target_budget in arm is 2", "and 1"},
        {"", ", cost: 1, tune: {cost: [0]}", 12, 39, "'cost' is tuned in", "remove"},
        {"", "}\n  - {arm: v, policy: voita, base: all, tune: {epochs: [x]}", 13, 56,
         "epochs in arm (policy voita) is 'x'", ""}, /* its own, not those of train */
        {"", ", tune: {cost: [x]}", 12, 53, "cost in arm (policy budgetformer) is 'x'", "between"},
        {"", "}\n  - {arm: k, policy: fixed, tune: {heads: [5]}", 13, 11, "asks for 5 of the", "4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2048], arm[256], more[256] = "";
        const struct error *error = &fixture->error;
        snprintf(arm, sizeof arm, "{arm: ours, policy: budgetformer%s}\n", cases[i].ours);
        if (cases[i].all[0]) snprintf(more, sizeof more, "tune: %s\n", cases[i].all);
        strcat(arm, more);
        size_t size = replace("{arm: ours, policy: budgetformer}\n", arm, text, sizeof text);
        if (read_text(fixture, text, size, false)) fail_msg("accepted: %s", arm);
        if (!strstr(error->text, cases[i].problem) || !strstr(error->text, cases[i].hint) ||
            error->at.line != cases[i].line || error->at.column != cases[i].column)
            fail_msg("'%s': got %d:%d: %s; expected %d:%d: %s ... %s", arm, error->at.line,
                     error->at.column, error->text, cases[i].line, cases[i].column,
                     cases[i].problem, cases[i].hint);
    }
}

static void candidates_are_zipped_and_an_arms_own_replace_the_files(void **state) {
    struct fixture *fixture = *state;
    char text[2048];
    struct text settings = {0}, json = {0}, again = {0};
    size_t size = replace("{arm: ours, policy: budgetformer}\n",
                          "{arm: ours, policy: budgetformer, target_budget: 0.1,\n"
                          "     tune: {cost: [0, 0.5], learning_rate: [3e-4, 1e-2]}}\n"
                          "  - {arm: k, policy: fixed, tune: {heads: [2, 3]}}\n"
                          "tune: {batch: [4, 16]}\n",
                          text, sizeof text);
    if (!read_text(fixture, text, size, false)) fail_msg("%s", fixture->error.text);
    struct experiment *e = &fixture->experiment, *back = malloc(sizeof *back);
    assert_non_null(back);
    for (int a = 0; a < e->n_arms; a++) assert_int_equal(e->arms[a].candidates.n, 2);
    experiment_write_trial_json(e, &e->arms[2], 1, false, &json);
    assert_non_null(strstr(json.data,
                           ",\"tune\":{\"cost\":[0,0.5],\"learning_rate\":[0.0003,0.01]},"
                           "\"target_budget\":0.1,"));
    if (!experiment_read_trial_json(json.data, json.size, back, &fixture->error))
        fail_msg("%s", fixture->error.text);
    experiment_write_trial_json(back, &back->arms[0], 1, false, &again);
    assert_string_equal(json.data, again.data);

    assert_true(experiment_apply_candidate(back, 0, 1, &settings, &fixture->error));
    assert_string_equal(settings.data, "{\"cost\":0.5,\"learning_rate\":0.01}");
    assert_true(back->train.learning_rate == 0.01 && back->train.batch == 8);
    text_free(&again);
    experiment_write_trial_json(back, &back->arms[0], 1, false, &again);
    assert_non_null(strstr(again.data, "\"cost\":0.5,"));
    assert_null(strstr(again.data, "tune"));

    assert_true(experiment_apply_candidate(e, 0, 1, NULL, &fixture->error)); /* the file's */
    assert_int_equal(e->train.batch, 16);
    text_free(&json);
    text_free(&again);
    text_free(&settings);
    free(back);
}

static void file_without_arms_is_told_what_an_arm_looks_like(void **state) {
    struct fixture *fixture = *state;
    static const char text[] = "workload: small\ndata: {source: topic}\n";
    assert_false(read_text(fixture, text, sizeof text - 1, false));
    assert_non_null(strstr(fixture->error.text, "policy: fixed"));
}

static void missing_file_is_named(void **state) {
    struct fixture *fixture = *state;
    char text[1400];
    assert_false(
        experiment_read("/nonexistent/x.yaml", false, &fixture->experiment, &fixture->error));
    error_format(&fixture->error, text, sizeof text);
    assert_non_null(strstr(text, "/nonexistent/x.yaml"));
}

static void trial_json_comes_back_the_same(void **state) {
    struct experiment *e = read_good(*state, false);
    struct experiment *back = malloc(sizeof *back);
    struct error error = {0};
    for (int a = 0; a < e->n_arms; a++) {
        struct text first = {0}, second = {0};
        experiment_write_trial_json(e, &e->arms[a], 7, true, &first);
        if (!experiment_read_trial_json(first.data, first.size, back, &error))
            fail_msg("%s", error.text);
        assert_int_equal(back->n_arms, 1);
        assert_int_equal(back->seeds.n, 1);
        assert_int_equal(back->seeds.value[0], 7);
        experiment_write_trial_json(back, &back->arms[0], 7, true, &second);
        assert_string_equal(first.data, second.data);
        text_free(&first);
        text_free(&second);
    }
    free(back);
}

static void trial_json_holds_what_decides_the_result_and_no_names(void **state) {
    struct experiment *e = read_good(*state, false);
    struct text before = {0}, after = {0}, other = {0};
    experiment_write_trial_json(e, &e->arms[0], 1, true, &before);
    strcpy(e->name, "renamed");
    strcpy(e->summary, "another");
    strcpy(e->corpus, "another");
    strcpy(e->duration, "another");
    strcpy(e->granularity, "another");
    e->tags = (struct name_list){1, {"another"}};
    strcpy(e->arms[0].name, "renamed");
    e->profile.seeds = 2; /* profiles more trials, changes none */
    experiment_write_trial_json(e, &e->arms[0], 1, true, &after);
    assert_string_equal(before.data, after.data);
    e->train.learning_rate *= 2;
    experiment_write_trial_json(e, &e->arms[0], 1, true, &other);
    assert_string_not_equal(before.data, other.data);
    text_free(&before);
    text_free(&after);
    text_free(&other);
}

/* The good file with one more arm, which starts from a chain of two. */
static struct experiment *read_chain(struct fixture *fixture, const char *ours) {
    char text[2048], arm[512];
    snprintf(arm, sizeof arm,
             "{arm: ours, policy: %s}\n  - {arm: small, policy: flop-matched, base: same}\n"
             "  - {arm: same, policy: fixed-matched, base: ours}",
             ours);
    size_t size = replace("{arm: ours, policy: budgetformer}", arm, text, sizeof text);
    if (!read_text(fixture, text, size, false)) fail_msg("%s", fixture->error.text);
    return &fixture->experiment;
}

static void trial_json_holds_the_base_as_its_settings_not_its_name(void **state) {
    struct experiment *e = read_chain(*state, "budgetformer"), *back = malloc(sizeof *back);
    struct text before = {0}, after = {0}, other = {0};
    struct error error = {0};
    assert_int_equal(e->arms[3].base, 4);
    assert_int_equal(e->arms[4].base, 2);
    experiment_write_trial_json(e, &e->arms[3], 1, false, &before);
    assert_non_null(back);
    if (!experiment_read_trial_json(before.data, before.size, back, &error))
        fail_msg("%s", error.text);
    assert_int_equal(back->n_arms, 1);
    experiment_write_trial_json(back, &back->arms[0], 1, false, &after);
    assert_string_equal(before.data, after.data);
    text_free(&after);

    strcpy(e->arms[2].name, "renamed");
    experiment_write_trial_json(e, &e->arms[3], 1, false, &after);
    assert_string_equal(before.data, after.data);
    e = read_chain(*state, "budgetformer, cost: 0.5"); /* the base of its base */
    experiment_write_trial_json(e, &e->arms[3], 1, false, &other);
    assert_string_not_equal(before.data, other.data);
    text_free(&before);
    text_free(&after);
    text_free(&other);
    free(back);
}

static void trial_json_with_missing_or_unknown_keys_is_refused(void **state) {
    struct fixture *fixture = *state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"data\":{},\"model\":{},\"policy\":\"none\",\"policy_options\":{},\"train\":{}}",
        "{\"data\":{},\"model\":{},\"policy\":\"nine\",\"policy_options\":{},\"train\":{},"
        "\"seed\":1}",
        "{\"data\":{\"source\":\"topic\"},\"model\":{},\"policy\":\"none\",\"policy_options\":{},"
        "\"train\":{},\"seed\":1,\"sead\":2}",
        "{\"data\":{\"source\":\"topic\"},\"model\":{},\"policy\":\"none\",\"policy_options\":{},"
        "\"base\":{},\"train\":{},\"seed\":1}",
        "{\"data\":{\"source\":\"topic\"},\"model\":{},\"policy\":\"fixed-matched\","
        "\"policy_options\":{},\"train\":{},\"seed\":1}",
        "{\"data\":{\"source\":\"topic\"},\"model\":{},\"policy\":\"fixed-matched\","
        "\"policy_options\":{},\"base\":{\"policy\":\"none\"},\"train\":{},\"seed\":1}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        fixture->error = (struct error){0};
        assert_false(experiment_read_trial_json(texts[i], strlen(texts[i]), &fixture->experiment,
                                                &fixture->error));
        assert_true(fixture->error.text[0] != '\0');
    }
}

static void damaged_files_are_read_or_refused_with_words(void **state) {
    struct fixture *fixture = *state;
    static const char *const words[] = {"arms", "full:", "policy", "fixed",  "none", "heads",
                                        "- {",  "}",     "[",      "0",      "-1",   "99999999999",
                                        "\n",   ": ",    "data",   "source", "\"",   "seeds"};
    struct fuzz fuzz = {20240601};
    char text[2048];
    for (int i = 0; i < 2000; i++) {
        size_t size = fuzz_mutate(&fuzz, good, sizeof good - 1, words, sizeof words / sizeof *words,
                                  text, sizeof text);
        if (!read_text(fixture, text, size, i % 2) && !fixture->error.text[0])
            fail_msg("refused without a word: %.*s", (int)size, text);
    }
}

static void damaged_trial_json_is_read_or_refused_with_words(void **state) {
    struct fixture *fixture = *state;
    static const char *const words[] = {"{",    "}",    "[",      "]", ":",  ",",
                                        "\"",   "null", "policy", "0", "-1", "1e999",
                                        "true", "seed", "data",   "\\"};
    struct fuzz fuzz = {20240602};
    struct text json = {0};
    char text[4096];
    read_good(fixture, false);
    experiment_write_trial_json(&fixture->experiment, &fixture->experiment.arms[2], 1, true, &json);
    assert_true(json.size < sizeof text / 2);
    for (int i = 0; i < 5000; i++) {
        size_t size = fuzz_mutate(&fuzz, json.data, json.size, words, sizeof words / sizeof *words,
                                  text, sizeof text);
        fixture->error = (struct error){0};
        if (!experiment_read_trial_json(text, size, &fixture->experiment, &fixture->error) &&
            !fixture->error.text[0])
            fail_msg("refused without a word: %.*s", (int)size, text);
    }
    text_free(&json);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, remove_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(file_gives_typed_values),
        TEST(full_overlays_keys_and_adds_or_replaces_arms),
        TEST(every_mistake_has_its_place_and_its_fix),
        TEST(every_mistake_in_tune_has_its_place_and_its_fix),
        TEST(candidates_are_zipped_and_an_arms_own_replace_the_files),
        TEST(file_without_arms_is_told_what_an_arm_looks_like),
        TEST(missing_file_is_named),
        TEST(trial_json_comes_back_the_same),
        TEST(trial_json_holds_what_decides_the_result_and_no_names),
        TEST(trial_json_holds_the_base_as_its_settings_not_its_name),
        TEST(trial_json_with_missing_or_unknown_keys_is_refused),
        TEST(damaged_files_are_read_or_refused_with_words),
        TEST(damaged_trial_json_is_read_or_refused_with_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
