/*
 * Workload files as typed values. What a file says twice, misspells or contradicts is an error at
 * its place, because a silently ignored key costs a researcher a day of wrong runs. Files on top of
 * others and `full:` on top of its file are one tree before anything is read here.
 */
#include "harness/config/experiment.h"
#include "harness/config/experiment_check.h"
#include "harness/config/experiment_parts.h"
#include "harness/config/extends.h"
#include "harness/config/overlay.h"
#include "harness/config/placement.h"
#include "models/base/closest_name.h"
#include "models/policy.h"

#include <stdio.h>
#include <string.h>

static const char *const section_keys[] = {"data", "model", "train", "profile",
                                           "tune", "arms",  "full",  NULL};
static const char *const arm_keys[] = {"arm", "policy", "base", "tune", "target_budget", NULL};

static bool read_header(const struct node *root, struct experiment *e, struct error *error) {
    const struct node *seeds = node_find(root, "seeds");
    options_default(&experiment_options, e);
    e->seeds_is_number = seeds && seeds->kind == NODE_SCALAR;
    return options_bind(&experiment_options, root, section_keys, e, error) &&
           options_require(&experiment_options, root, NULL, &root->at, error) &&
           experiment_check_names(root, e, error) &&
           experiment_check_list(&e->seeds, "seeds", "seed", experiment_place_of(root, "seeds"),
                                 error);
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
    if (!experiment_expect(base, NODE_SCALAR, "base", error)) return false;
    if (!experiment_check_name("base", base->text, &base->at, error)) return false;
    memcpy(arm->base_name, base->text, strlen(base->text) + 1);
    return true;
}

static bool read_arm(const struct node *node, const struct node *tune, struct experiment *e,
                     struct arm *arm, struct error *error) {
    static const char *const required[] = {"arm", "policy"};
    if (!experiment_expect(node, NODE_MAP, "an arm", error)) return false;
    memset(arm, 0, sizeof *arm); /* all of it: options are compared as canonical text only */
    for (int i = 0; i < 2; i++) {
        const struct node *value = node_find(node, required[i]);
        if (!value) return error_set_at(error, &node->at, "an arm needs the key '%s'", required[i]);
        if (!experiment_expect(value, NODE_SCALAR, required[i], error)) return false;
    }
    const struct node *name = node_find(node, "arm");
    if (!experiment_check_name("arm", name->text, &name->at, error)) return false;
    memcpy(arm->name, name->text, strlen(name->text) + 1);
    arm->policy = experiment_find_policy(node_find(node, "policy"), error);
    if (!arm->policy || !read_base(node, arm, error)) return false;
    const struct option_table *table = &arm->policy->options;
    options_default(table, arm->policy_options);
    const struct node *own = node_find(node, "tune");
    return options_bind(table, node, arm_keys, arm->policy_options, error) &&
           experiment_read_tuning(node, tune, arm, error) &&
           options_require(table, node, own ? own : tune, &node->at, error) &&
           experiment_check_shape(e, arm, &name->at, error);
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
    if (!experiment_expect(list, NODE_LIST, "arms", error)) return false;
    for (const struct node *node = list->first; node; node = node->next) {
        struct arm arm;
        if (!read_arm(node, tune, e, &arm, error)) return false;
        const struct location *at = experiment_place_of(node, "arm");
        int found = find_arm(e, arm.name);
        if (found >= 0)
            return error_set_at(error, at, "arm '%s' stands twice, first in line %d", arm.name,
                                experiment_place_in_arm(list, found, "arm")->line);
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
        if (arm->base < 0)
            return refuse_base(e, arm, experiment_place_in_arm(arms, i, "base"), error);
    }
    for (int i = 0; i < e->n_arms; i++) {
        const struct arm *arm = &e->arms[i];
        int at = arm->base;
        for (int steps = 0; at >= 0 && at != i && steps < e->n_arms; steps++) at = e->arms[at].base;
        if (at == i)
            return error_set_at(error, experiment_place_in_arm(arms, i, "base"),
                                "the base of arm '%s' is %s; it must start from an arm that does "
                                "not wait for it",
                                arm->name, arm->base == i ? "itself" : "in turn based on it");
    }
    return true;
}

/* A file that trains on a card is a workload of its own, `NAME.cuda`, beside the one that
 * trains on the CPU: no number is ever a mean over both. What is on the same texts is so
 * among its own kind. */
static bool name_by_device(const struct node *root, struct experiment *e, struct error *error) {
    struct placement placement = placement_of_training(&e->train);
    char label[PLACEMENT_LABEL_SIZE];
    placement_label(&placement, label);
    if (strcmp(label, "cpu") == 0) return true;
    struct {
        const char *key;
        char *name;
    } names[] = {{"workload", e->name}, {"corpus", e->corpus}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t used = strlen(names[i].name);
        if (used == 0) continue;
        snprintf(names[i].name + used, OPTION_STRING_MAX - used, ".%s", label);
        if (!experiment_check_name(names[i].key, names[i].name,
                                   experiment_place_of(root, names[i].key), error))
            return false;
    }
    return true;
}

static bool bind_tree(const struct node *root, struct experiment *out, struct error *error) {
    if (!experiment_expect(root, NODE_MAP, "a workload file", error)) return false;
    if (!read_header(root, out, error) || !experiment_read_sections(root, out, error) ||
        !name_by_device(root, out, error))
        return false;
    const struct node *data = node_find(root, "data"), *arms = node_find(root, "arms");
    if (data && !experiment_check_data_keys(out, data, error)) return false;
    if (arms && !read_arms(arms, node_find(root, "tune"), out, error)) return false;
    if (out->n_arms == 0)
        return error_set_at(error, arms ? &arms->at : &root->at,
                            "the file needs `arms:` with at least one entry, such as"
                            " {arm: heads-8, policy: fixed, heads: 8}");
    return link_bases(out, arms, error) && experiment_check_arms(out, arms, error);
}

/* What is wrong with an override is told with its file: another one may well take it. */
static bool apply_overrides(const struct overrides *overrides, struct node *root, const char *path,
                            struct experiment *out, struct error *error) {
    bool ok = overrides_apply(overrides, root, error) && bind_tree(root, out, error);
    return ok || (error->at.line == 0 && error_prefix(error, "%s", path));
}

bool experiment_read_tree(const char *path, bool full, const struct overrides *overrides,
                          struct experiment *out, struct node **root, struct error *error) {
    struct node *tree = NULL;
    memset(out, 0, sizeof *out);
    if (root) *root = NULL;
    if (strlen(path) >= sizeof out->file)
        return error_set(error, "%.64s...: the path is longer than %zu characters", path,
                         sizeof out->file - 1);
    memcpy(out->file, path, strlen(path) + 1);
    bool ok = extends_read(path, &tree, error) && (!full || overlay_full(tree, error));
    if (ok && overrides)
        ok = apply_overrides(overrides, tree, path, out, error);
    else
        ok = ok && bind_tree(tree, out, error);
    if (ok && root)
        *root = tree;
    else
        node_free(tree);
    return ok;
}

bool experiment_read(const char *path, bool full, struct experiment *out, struct error *error) {
    return experiment_read_tree(path, full, NULL, out, NULL, error);
}
