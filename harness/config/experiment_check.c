/*
 * Checks across options; see experiment_check.h. Two arms are the same where their trials would be:
 * the stored text of both is compared, so that this question has one answer everywhere.
 */
#include "harness/config/experiment_check.h"
#include "harness/config/experiment_parts.h"

#include <string.h>

bool experiment_check_names(const struct node *root, const struct experiment *e,
                            struct error *error) {
    const struct location *name = experiment_place_of(root, "workload");
    if (name->line > 0 && strcmp(name->file, e->file) != 0) /* the command line may name it */
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
            !experiment_check_name(names[i].key, names[i].value,
                                   experiment_place_of(root, names[i].key), error))
            return false;
    for (int i = 0; i < e->tags.n; i++)
        if (!experiment_check_name("tag", e->tags.name[i], experiment_place_of(root, "tags"),
                                   error))
            return false;
    return true;
}

bool experiment_check_data_keys(const struct experiment *e, const struct node *data,
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

bool experiment_check_shape(const struct experiment *e, const struct arm *arm,
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

/* Whoever is tuned more often wins more often: every arm gets as many candidates as the others. */
static bool check_candidates(const struct experiment *e, const struct node *arms,
                             struct error *error) {
    int most = 0;
    for (int i = 1; i < e->n_arms; i++)
        if (e->arms[i].candidates.n > e->arms[most].candidates.n) most = i;
    for (int i = 0; i < e->n_arms; i++) {
        const struct arm *arm = &e->arms[i], *other = &e->arms[most];
        if (arm->candidates.n != other->candidates.n)
            return error_set_at(error, experiment_place_in_arm(arms, i, "arm"),
                                "arm '%s' has %d candidate%s and arm '%s' %d: a fair comparison "
                                "tunes all arms of a file equally often; `tune:` beside `arms:` "
                                "is for those without their own",
                                arm->name, arm->candidates.n, PLURAL_S(arm->candidates.n),
                                other->name, other->candidates.n);
    }
    return true;
}

/* Two names for one configuration would be one trial under two labels. */
static bool check_arms_differ(const struct experiment *e, const struct node *arms,
                              struct error *error) {
    struct text settings[EXPERIMENT_ARMS_MAX] = {0};
    bool ok = true;
    for (int i = 0; ok && i < e->n_arms; i++) {
        experiment_write_trial_json(e, &e->arms[i], 0, false, &settings[i]);
        if (settings[i].failed) ok = error_set(error, "out of memory");
        for (int j = 0; ok && j < i; j++)
            if (strcmp(settings[i].data, settings[j].data) == 0)
                ok = error_set_at(error, experiment_place_in_arm(arms, i, "arm"),
                                  "arms '%s' and '%s' are the same settings", e->arms[j].name,
                                  e->arms[i].name);
    }
    for (int i = 0; i < e->n_arms; i++) text_free(&settings[i]);
    return ok;
}

bool experiment_check_arms(const struct experiment *e, const struct node *arms,
                           struct error *error) {
    return check_candidates(e, arms, error) && check_arms_differ(e, arms, error);
}
