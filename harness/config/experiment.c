/*
 * Workload files as typed values, and trials as JSON. Both directions go through the same option
 * tables, so a setting exists once: as a row with its default, its range and its help. What a file
 * says twice, misspells or contradicts is an error at its place, because a silently ignored key
 * costs a researcher a day of wrong runs. Files on top of others and `full:` on top of its file are
 * one tree before anything is read here.
 */
#include "harness/config/experiment.h"
#include "harness/config/extends.h"
#include "harness/config/overlay.h"
#include "harness/measure/software_events.h"
#include "models/policies/registry.h"
#include "workloads/data/data_config_check.h"
#include "harness/record/counter_names.h"
#include "models/policy.h"
#include "models/base/closest_name.h"
#include "models/base/json.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What an arm may say beside its policy's options, where that is a plain value. */
static const struct option arm_rows[] = {
    {"target_budget", OPTION_FLOAT, offsetof(struct candidates, target_budget), "0", 0, 1, NULL,
     "with tune: take the candidate that runs this share of the heads; 0: the most accurate"}};
const struct option_table arm_options = {"arm", arm_rows, 1};

/* The parts of an experiment that are one option table each, as both formats name them. */
static const char *const section_keys[] = {"data", "model", "train", "profile",
                                           "tune", "arms",  "full",  NULL};
static const char *const arm_keys[] = {"arm", "policy", "base", "tune", "target_budget", NULL};

struct section {
    const char *key;
    const struct option_table *table;
    void *out;
};

enum { N_SECTIONS = 4 };

static void list_sections(struct experiment *e, struct section out[N_SECTIONS]) {
    out[0] = (struct section){"data", &data_options, &e->data};
    out[1] = (struct section){"model", &model_options, &e->model};
    out[2] = (struct section){"train", &train_options, &e->train};
    out[3] = (struct section){"profile", &profile_options, &e->profile};
}

static bool expect(const struct node *node, enum node_kind kind, const char *what,
                   struct error *error) {
    if (node->kind == kind) return true;
    static const char *const kinds[] = {"a single value", "a list", "a map of keys"};
    return error_set_at(error, &node->at, "%s must be %s, not %s", what, kinds[kind],
                        kinds[node->kind]);
}

bool experiment_check_name(const char *what, const char *name, const struct location *at,
                           struct error *error) {
    size_t length = strlen(name);
    if (length == 0 || length >= EXPERIMENT_NAME_SIZE)
        return error_set_at(error, at, "the name of %s must have 1 to %d characters", what,
                            EXPERIMENT_NAME_SIZE - 1);
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_.+=", *c))
            return error_set_at(
                error, at, "the name of %s '%s' may only have letters, digits and - _ . + =", what,
                name);
    return true;
}

/* A list that says what to go through, such as seeds: `one` of them or more, all different. */
static bool check_list(const struct int_list *list, const char *key, const char *one,
                       const struct location *at, struct error *error) {
    if (list->n == 0) return error_set_at(error, at, "%s must name at least one %s", key, one);
    for (int i = 0; i < list->n; i++)
        for (int j = 0; j < i; j++)
            if (list->value[i] == list->value[j])
                return error_set_at(error, at, "%s %d is listed twice", one, list->value[i]);
    return true;
}

/* Where a map says `key`, else where the map is. */
static const struct location *place_of(const struct node *map, const char *key) {
    const struct node *entry = node_find(map, key);
    return entry ? &entry->at : &map->at;
}

static bool check_names(const struct node *root, const struct experiment *e, struct error *error) {
    const struct location *name = place_of(root, "workload");
    if (strcmp(name->file, e->file) != 0)
        return error_set_at(error, &root->at,
                            "the file needs its own 'workload': '%s' is the name of %s", e->name,
                            name->file);
    const struct {
        const char *key, *value;
        bool needed;
    } names[] = {{"workload", e->name, true},
                 {"granularity", e->granularity, true},
                 {"corpus", e->corpus, false}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((names[i].needed || names[i].value[0]) &&
            !experiment_check_name(names[i].key, names[i].value, place_of(root, names[i].key),
                                   error))
            return false;
    for (int i = 0; i < e->tags.n; i++)
        if (!experiment_check_name("tag", e->tags.name[i], place_of(root, "tags"), error))
            return false;
    return true;
}

static bool read_header(const struct node *root, struct experiment *e, struct error *error) {
    options_default(&experiment_options, e);
    return options_bind(&experiment_options, root, section_keys, e, error) &&
           options_require(&experiment_options, root, NULL, &root->at, error) &&
           check_names(root, e, error) &&
           check_list(&e->seeds, "seeds", "seed", place_of(root, "seeds"), error);
}

/* An event is stored as a role of its own name, beside the built-in ones. */
static bool check_events(const struct experiment *e, const struct location *at,
                         struct error *error) {
    for (int i = 0; i < e->profile.events.n; i++) {
        const char *name = e->profile.events.name[i];
        if (counter_is_built_in(name))
            return error_set_at(
                error, at, "events in profile has '%s', which is counted anyway: remove it", name);
    }
    return true;
}

static bool read_sections(const struct node *root, struct experiment *e, struct error *error) {
    struct section sections[N_SECTIONS];
    const struct node *maps[N_SECTIONS];
    list_sections(e, sections);
    for (int i = 0; i < N_SECTIONS; i++) {
        const struct section *s = &sections[i];
        options_default(s->table, s->out);
        maps[i] = node_find(root, s->key);
        if (maps[i] && (!expect(maps[i], NODE_MAP, s->key, error) ||
                        !options_bind(s->table, maps[i], NULL, s->out, error)))
            return false;
        if (!maps[i]) maps[i] = root; /* for places */
        if (!options_require(s->table, maps[i], NULL, &maps[i]->at, error)) return false;
    }
    const struct node *data = maps[0], *model = maps[1], *profile = maps[3];
    struct error cause = {0};
    if (!check_events(e, &profile->at, error)) return false;
    if (!data_config_check(&e->data, &cause))
        return error_set_at(error, &data->at, "%s", cause.text);
    if (e->model.dim % e->model.base_heads != 0)
        return error_set_at(error, place_of(model, "heads"),
                            "heads must divide dim: %d heads do not divide dim %d",
                            e->model.base_heads, e->model.dim);
    return check_list(&e->profile.batch_sizes, "batch_sizes", "batch size",
                      place_of(profile, "batch_sizes"), error);
}

static const struct policy_ops *find_policy(const struct node *node, struct error *error) {
    const struct policy_ops *policy = policy_find(node->text);
    if (policy) return policy;
    struct text known = {0};
    const char **names = malloc((size_t)policy_registry_size * sizeof *names);
    for (int i = 0; i < policy_registry_size; i++) {
        if (names) names[i] = policy_registry[i]->name;
        text_append(&known, "%s%s", i ? ", " : "", policy_registry[i]->name);
    }
    const char *guess =
        names ? closest_name(node->text, names, (size_t)policy_registry_size) : NULL;
    error_set_at(error, &node->at, "unknown policy '%s'%s%s%s (known: %s)", node->text,
                 guess ? "; did you mean '" : "", guess ? guess : "", guess ? "'?" : "",
                 known.data ? known.data : "");
    text_free(&known);
    free(names);
    return NULL;
}

/* Where arm i of the list says `key`. */
static const struct location *place_in_arm(const struct node *arms, int i, const char *key) {
    const struct node *arm = arms->first;
    while (i-- > 0) arm = arm->next;
    return place_of(arm, key);
}

/* Would this arm make a model, whichever of its candidates it is? The data's sizes do not matter
 * for that question. */
static bool check_shape(const struct experiment *e, const struct arm *arm,
                        const struct location *at, struct error *error) {
    struct train_config train;
    struct model_config config;
    struct error cause = {0};
    for (int i = 0; i < arm->candidates.n; i++) {
        experiment_model(e, arm, &config);
        config.vocab = config.classes = config.max_len = 2;
        if (!candidates_apply(&arm->candidates, i, arm->policy, &train, config.policy_options, NULL,
                              error))
            return false;
        if (!model_resolve(&config, &cause))
            return error_set_at(error, at, "arm '%s': %s", arm->name, cause.text);
    }
    return true;
}

/* `tune` of an arm, or else that of the file (may be NULL), and `target_budget`; from YAML or
 * JSON. */
static bool read_tuning(const struct node *node, const struct node *tune_all, struct arm *arm,
                        struct error *error) {
    const struct node *own = node_find(node, "tune"), *tune = own ? own : tune_all;
    const struct node *target = node_find(node, arm_rows[0].name);
    struct train_config ignored;
    struct candidates *c = &arm->candidates;
    c->n = 1;
    if (target) {
        struct node entry = *target, map = {.kind = NODE_MAP, .n_children = 1, .first = &entry};
        entry.next = NULL;
        if (!options_bind(&arm_options, &map, NULL, c, error)) return false;
        if (!tune)
            return error_set_at(
                error, &target->key_at,
                "target_budget chooses between candidates: add 'tune' to the arm or "
                "to the file");
    }
    if (!tune) return true;
    if (!candidates_read(tune, arm->policy, c, error)) return false;
    for (const struct node *list = tune->first; list; list = list->next) {
        const struct node *given = node_find(node, list->key);
        if (given && option_find(&arm->policy->options, list->key))
            return error_set_at(error, &given->key_at,
                                "'%s' is tuned in %s:%d and given here: remove one of them",
                                list->key, list->key_at.file, list->key_at.line);
    }
    return candidates_apply(c, 0, arm->policy, &ignored, arm->policy_options, NULL, error);
}

/* Reads the name after `base:`; which arm that is shows when all are read. */
static bool read_base(const struct node *node, struct arm *arm, struct error *error) {
    const struct node *base = node_find(node, "base");
    arm->base = -1;
    if (!base && arm->policy->base == BASE_NONE) return true;
    if (!base)
        return error_set_at(error, &node->at,
                            "policy '%s' needs the key 'base': the arm of this file whose finished "
                            "trial it starts from",
                            arm->policy->name);
    if (arm->policy->base == BASE_NONE)
        return error_set_at(error, &base->key_at,
                            "policy '%s' takes nothing from another arm; remove 'base'",
                            arm->policy->name);
    if (!expect(base, NODE_SCALAR, "base", error)) return false;
    if (!experiment_check_name("base", base->text, &base->at, error)) return false;
    memcpy(arm->base_name, base->text, strlen(base->text) + 1);
    return true;
}

static bool read_arm(const struct node *node, const struct node *tune, struct experiment *e,
                     struct arm *arm, struct error *error) {
    static const char *const required[] = {"arm", "policy"};
    if (!expect(node, NODE_MAP, "an arm", error)) return false;
    memset(arm, 0, sizeof *arm); /* all of it: options are compared as canonical text only */
    for (int i = 0; i < 2; i++) {
        const struct node *value = node_find(node, required[i]);
        if (!value) return error_set_at(error, &node->at, "an arm needs the key '%s'", required[i]);
        if (!expect(value, NODE_SCALAR, required[i], error)) return false;
    }
    const struct node *name = node_find(node, "arm");
    if (!experiment_check_name("arm", name->text, &name->at, error)) return false;
    memcpy(arm->name, name->text, strlen(name->text) + 1);
    arm->policy = find_policy(node_find(node, "policy"), error);
    if (!arm->policy || !read_base(node, arm, error)) return false;
    const struct option_table *table = &arm->policy->options;
    options_default(table, arm->policy_options);
    const struct node *own = node_find(node, "tune");
    return options_bind(table, node, arm_keys, arm->policy_options, error) &&
           read_tuning(node, tune, arm, error) &&
           options_require(table, node, own ? own : tune, &node->at, error) &&
           check_shape(e, arm, &name->at, error);
}

static int find_arm(const struct experiment *e, const char *name) {
    int at = 0;
    while (at < e->n_arms && strcmp(e->arms[at].name, name) != 0) at++;
    return at < e->n_arms ? at : -1;
}

/* Reads a list of arms, whose names are unique; `tune` is the file's, for arms without their
 * own. */
static bool read_arms(const struct node *list, const struct node *tune, struct experiment *e,
                      struct error *error) {
    if (!expect(list, NODE_LIST, "arms", error)) return false;
    for (const struct node *node = list->first; node; node = node->next) {
        struct arm arm;
        if (!read_arm(node, tune, e, &arm, error)) return false;
        const struct location *at = place_of(node, "arm");
        int found = find_arm(e, arm.name);
        if (found >= 0)
            return error_set_at(error, at, "arm '%s' stands twice, first in line %d", arm.name,
                                place_in_arm(list, found, "arm")->line);
        if (e->n_arms == EXPERIMENT_ARMS_MAX)
            return error_set_at(error, at, "more than %d arms", EXPERIMENT_ARMS_MAX);
        e->arms[e->n_arms++] = arm;
    }
    return true;
}

static bool refuse_base(const struct experiment *e, const struct arm *arm,
                        const struct location *at, struct error *error) {
    const char *names[EXPERIMENT_ARMS_MAX];
    for (int i = 0; i < e->n_arms; i++) names[i] = e->arms[i].name;
    const char *guess = closest_name(arm->base_name, names, (size_t)e->n_arms);
    return error_set_at(error, at, "the base '%s' of arm '%s' is no arm of this file%s%s%s",
                        arm->base_name, arm->name, guess ? "; did you mean '" : "",
                        guess ? guess : "", guess ? "'?" : "");
}

/* Finds every arm's base by name. Following bases must come to an end: nobody can start from a
 * trial that waits for him. */
static bool link_bases(struct experiment *e, const struct node *arms, struct error *error) {
    for (int i = 0; i < e->n_arms; i++) {
        struct arm *arm = &e->arms[i];
        if (!arm->base_name[0]) continue;
        arm->base = find_arm(e, arm->base_name);
        if (arm->base < 0) return refuse_base(e, arm, place_in_arm(arms, i, "base"), error);
    }
    for (int i = 0; i < e->n_arms; i++) {
        const struct arm *arm = &e->arms[i];
        int at = arm->base;
        for (int steps = 0; at >= 0 && at != i && steps < e->n_arms; steps++) at = e->arms[at].base;
        if (at == i)
            return error_set_at(error, place_in_arm(arms, i, "base"),
                                "the base of arm '%s' is %s; it must start from an arm that does "
                                "not wait for it",
                                arm->name, arm->base == i ? "itself" : "in turn based on it");
    }
    return true;
}

/* Whoever is tuned more often wins more often: every arm gets as many candidates as the others. */
static bool check_candidates(const struct experiment *e, const struct node *arms,
                             struct error *error) {
    int most = 0;
    for (int i = 1; i < e->n_arms; i++)
        if (e->arms[i].candidates.n > e->arms[most].candidates.n) most = i;
    for (int i = 0; i < e->n_arms; i++) {
        const struct arm *arm = &e->arms[i], *other = &e->arms[most];
        if (arm->candidates.n != other->candidates.n)
            return error_set_at(error, place_in_arm(arms, i, "arm"),
                                "arm '%s' has %d candidate%s and arm '%s' %d: a fair comparison "
                                "tunes all arms of a file equally often; `tune:` beside `arms:` "
                                "is for those without their own",
                                arm->name, arm->candidates.n, arm->candidates.n == 1 ? "" : "s",
                                other->name, other->candidates.n);
    }
    return true;
}

/* Two names for one configuration would be one trial under two labels. */
static bool check_arms_differ(const struct experiment *e, const struct node *arms,
                              struct error *error) {
    bool ok = true;
    for (int i = 1; ok && i < e->n_arms; i++)
        for (int j = 0; ok && j < i; j++) {
            struct text a = {0}, b = {0};
            experiment_write_trial_json(e, &e->arms[i], 0, false, &a);
            experiment_write_trial_json(e, &e->arms[j], 0, false, &b);
            if (a.failed || b.failed)
                ok = error_set(error, "out of memory");
            else if (strcmp(a.data, b.data) == 0)
                ok = error_set_at(error, place_in_arm(arms, i, "arm"),
                                  "arms '%s' and '%s' are the same settings", e->arms[j].name,
                                  e->arms[i].name);
            text_free(&a);
            text_free(&b);
        }
    return ok;
}

/* Refuses keys of the section `data` that the chosen source does not use. In a file that extends
 * another the two may have come together from different places. */
static bool check_data_keys(const struct experiment *e, const struct node *data,
                            struct error *error) {
    const struct node *source = node_find(data, "source");
    for (const struct node *entry = data->first; entry; entry = entry->next) {
        struct node one = *entry, map = {.kind = NODE_MAP, .n_children = 1, .first = &one};
        one.next = NULL;
        if (data_config_check_keys(&e->data, &map, error)) continue;
        if (!source || strcmp(source->at.file, entry->key_at.file) == 0) return false;
        return error_set_at(error, &entry->key_at,
                            "%s; the source is chosen in %s:%d:%d, where `%s: ~` would "
                            "drop the inherited key",
                            error->text, source->at.file, source->at.line, source->at.column,
                            entry->key);
    }
    return true;
}

static bool bind_tree(const struct node *root, struct experiment *out, struct error *error) {
    if (!expect(root, NODE_MAP, "a workload file", error)) return false;
    if (!read_header(root, out, error) || !read_sections(root, out, error)) return false;
    const struct node *data = node_find(root, "data"), *arms = node_find(root, "arms");
    if (data && !check_data_keys(out, data, error)) return false;
    if (arms && !read_arms(arms, node_find(root, "tune"), out, error)) return false;
    if (out->n_arms == 0)
        return error_set_at(error, arms ? &arms->at : &root->at,
                            "the file needs `arms:` with at least one entry, such as"
                            " {arm: heads-8, policy: fixed, heads: 8}");
    return link_bases(out, arms, error) && check_candidates(out, arms, error) &&
           check_arms_differ(out, arms, error);
}

bool experiment_read_tree(const char *path, bool full, struct experiment *out, struct node **root,
                          struct error *error) {
    memset(out, 0, sizeof *out);
    *root = NULL;
    if (strlen(path) >= sizeof out->file)
        return error_set(error, "%.64s...: the path is longer than %zu characters", path,
                         sizeof out->file - 1);
    memcpy(out->file, path, strlen(path) + 1);
    if (extends_read(path, root, error) && (!full || overlay_full(*root, error)) &&
        bind_tree(*root, out, error))
        return true;
    node_free(*root);
    *root = NULL;
    return false;
}

bool experiment_read(const char *path, bool full, struct experiment *out, struct error *error) {
    struct node *root;
    bool ok = experiment_read_tree(path, full, out, &root, error);
    node_free(root);
    return ok;
}

bool experiment_has_tag(const struct experiment *e, const char *tag) {
    for (int i = 0; i < e->tags.n; i++)
        if (strcmp(e->tags.name[i], tag) == 0) return true;
    return false;
}

bool experiment_apply_candidate(struct experiment *e, int arm, int i, struct text *settings,
                                struct error *error) {
    struct arm *a = &e->arms[arm];
    if (!candidates_apply(&a->candidates, i, a->policy, &e->train, a->policy_options, settings,
                          error))
        return false;
    a->candidates = (struct candidates){.n = 1};
    return true;
}

void experiment_model(const struct experiment *e, const struct arm *arm, struct model_config *out) {
    *out = e->model;
    out->policy = arm->policy;
    memcpy(out->policy_options, arm->policy_options, sizeof out->policy_options);
}

/* The settings of an arm as entries of an open object; a base is an object of the same entries. */
static void write_arm(const struct experiment *e, const struct arm *arm, struct text *out) {
    text_append(out, "\"policy\":");
    text_append_json_string(out, arm->policy->name);
    text_append(out, ",\"policy_options\":");
    options_write_json(&arm->policy->options, arm->policy_options, out);
    if (arm->candidates.values[0]) text_append(out, ",\"tune\":%s", arm->candidates.values);
    if (arm->candidates.target_budget > 0) {
        text_append(out, ",\"target_budget\":");
        option_write_json(arm_rows, &arm->candidates, out);
    }
    if (arm->base < 0) return;
    text_append(out, ",\"base\":{");
    write_arm(e, &e->arms[arm->base], out);
    text_append(out, "}");
}

void experiment_write_trial_json(const struct experiment *e, const struct arm *arm, int seed,
                                 bool profile, struct text *out) {
    text_append(out, "{\"data\":");
    options_write_json(&data_options, &e->data, out);
    text_append(out, ",\"model\":");
    options_write_json(&model_options, &e->model, out);
    text_append(out, ",");
    write_arm(e, arm, out);
    text_append(out, ",\"train\":");
    options_write_json(&train_options, &e->train, out);
    text_append(out, ",\"seed\":%d", seed);
    if (profile) {
        /* How many seeds are profiled chooses trials; it does not change what one of them does. */
        struct profile_config config = e->profile;
        config.seeds = 1;
        text_append(out, ",\"profile\":");
        options_write_json(&profile_options, &config, out);
    }
    text_append(out, "}");
}

/* The inverse of write_arm: adds the arm that a map describes, then its base and the base's. */
static bool read_arm_json(const struct node *map, struct experiment *e, struct error *error) {
    if (e->n_arms == EXPERIMENT_ARMS_MAX)
        return error_set_at(error, &map->at, "more than %d arms", EXPERIMENT_ARMS_MAX);
    struct arm *arm = &e->arms[e->n_arms++];
    const struct node *policy = node_find(map, "policy"), *base = node_find(map, "base");
    const struct node *settings = node_find(map, "policy_options");
    if (!policy || !settings)
        return error_set_at(error, &map->at, "the key 'policy' or 'policy_options' is missing");
    if (!expect(policy, NODE_SCALAR, "policy", error) ||
        !expect(settings, NODE_MAP, "policy_options", error))
        return false;
    arm->policy = find_policy(policy, error);
    if (!arm->policy) return false;
    options_default(&arm->policy->options, arm->policy_options);
    if (!options_bind(&arm->policy->options, settings, NULL, arm->policy_options, error))
        return false;
    if (!read_tuning(map, NULL, arm, error)) return false;
    arm->base = base ? e->n_arms : -1;
    if ((arm->policy->base != BASE_NONE) != (base != NULL))
        return error_set_at(error, &map->at, "policy '%s' %s", arm->policy->name,
                            base ? "takes no 'base'" : "lacks its 'base'");
    return !base || (expect(base, NODE_MAP, "base", error) && read_arm_json(base, e, error));
}

bool experiment_read_trial_json(const char *json, size_t size, struct experiment *out,
                                struct error *error) {
    struct node *root = NULL;
    static const char *const required[] = {"data",           "model", "policy",
                                           "policy_options", "train", "seed"};
    struct {
        int seed;
    } trial;
    static const struct option rows[] = {
        {"seed", OPTION_INT, 0, NULL, 0, 2147483647, NULL, "seed of the trial"}};
    static const struct option_table table = {"trial", rows, 1};
    static const char *const others[] = {"data", "model", "policy",  "policy_options", "tune",
                                         "base", "train", "profile", "target_budget",  NULL};
    bool ok = false;

    memset(out, 0, sizeof *out);
    if (!json_parse(json, size, "trial configuration", &root, error)) return false;
    if (!expect(root, NODE_MAP, "a trial configuration", error)) goto done;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!node_find(root, required[i])) {
            error_set_at(error, &root->at, "the key '%s' is missing", required[i]);
            goto done;
        }
    if (!options_bind(&table, root, others, &trial, error)) goto done;
    if (!read_sections(root, out, error)) goto done;
    if (!read_arm_json(root, out, error)) goto done;
    out->n_arms = 1; /* the others are there for what it is based on */
    out->seeds = (struct int_list){.n = 1, .value = {trial.seed}};
    ok = true;
done:
    node_free(root);
    return ok;
}
