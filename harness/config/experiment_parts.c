/*
 * Sections, policies and tuning, read from a tree; see experiment_parts.h. A section is bound to
 * its option table, whose rows know what one option may be, and then held against what only several
 * of them together can get wrong.
 */
#include "harness/config/experiment_parts.h"
#include "harness/config/placement.h"
#include "workloads/data/data_config_check.h"
#include "models/policies/registry.h"
#include "harness/record/counter_names.h"
#include "models/base/closest_name.h"
#include "models/policy.h"

#include <stdlib.h>

bool experiment_expect(const struct node *node, enum node_kind kind, const char *what,
                       struct error *error) {
    if (node->kind == kind) return true;
    static const char *const kinds[] = {"a single value", "a list", "a map of keys"};
    return error_set_at(error, &node->at, "%s must be %s, not %s", what, kinds[kind],
                        kinds[node->kind]);
}

const struct location *experiment_place_of(const struct node *map, const char *key) {
    const struct node *entry = node_find(map, key);
    return entry ? &entry->at : &map->at;
}

const struct location *experiment_place_in_arm(const struct node *arms, int i, const char *key) {
    const struct node *arm = arms->first;
    while (i-- > 0) arm = arm->next;
    return experiment_place_of(arm, key);
}

bool experiment_check_list(const struct int_list *list, const char *key, const char *one,
                           const struct location *at, struct error *error) {
    if (list->n == 0) return error_set_at(error, at, "%s must name at least one %s", key, one);
    for (int i = 0; i < list->n; i++)
        for (int j = 0; j < i; j++)
            if (list->value[i] == list->value[j])
                return error_set_at(error, at, "%s %d is listed twice", one, list->value[i]);
    return true;
}

/* A part of an experiment that is one option table, as both formats name it. */
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

bool experiment_read_sections(const struct node *root, struct experiment *e, struct error *error) {
    struct section sections[N_SECTIONS];
    const struct node *maps[N_SECTIONS];
    list_sections(e, sections);
    for (int i = 0; i < N_SECTIONS; i++) {
        const struct section *s = &sections[i];
        options_default(s->table, s->out);
        maps[i] = node_find(root, s->key);
        if (maps[i] && (!experiment_expect(maps[i], NODE_MAP, s->key, error) ||
                        !options_bind(s->table, maps[i], NULL, s->out, error)))
            return false;
        if (!maps[i]) maps[i] = root; /* for places */
        if (!options_require(s->table, maps[i], NULL, &maps[i]->at, error)) return false;
    }
    const struct node *data = maps[0], *model = maps[1], *train = maps[2], *profile = maps[3];
    struct error cause = {0};
    if (!check_events(e, &profile->at, error)) return false;
    if (!data_config_check(&e->data, &cause))
        return error_set_at(error, &data->at, "%s", cause.text);
    if (e->model.dim % e->model.base_heads != 0)
        return error_set_at(error, experiment_place_of(model, "heads"),
                            "heads must divide dim: %d heads do not divide dim %d",
                            e->model.base_heads, e->model.dim);
    if (!placement_check_train(&e->train, train, error) ||
        !placement_check_profile(&e->train, &e->profile, profile, error))
        return false;
    return experiment_check_list(&e->profile.batch_sizes, "batch_sizes", "batch size",
                                 experiment_place_of(profile, "batch_sizes"), error);
}

const struct policy_ops *experiment_find_policy(const struct node *node, struct error *error) {
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

bool experiment_read_tuning(const struct node *node, const struct node *tune_all, struct arm *arm,
                            struct error *error) {
    const struct node *own = node_find(node, "tune"), *tune = own ? own : tune_all;
    const struct node *target = node_find(node, arm_options.rows[0].name);
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
