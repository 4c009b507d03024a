/*
 * Trials as JSON, both ways. The text goes through the same option tables as a workload file, so a
 * setting exists once: as a row with its default, its range and its help.
 */
#include "harness/config/experiment.h"
#include "harness/config/experiment_parts.h"
#include "harness/config/placement.h"
#include "models/base/json.h"
#include "models/policy.h"

#include <string.h>

/* The settings of an arm as entries of an open object; a base is an object of the same entries. */
static void write_arm(const struct experiment *e, const struct arm *arm, struct text *out) {
    text_append(out, "\"policy\":");
    text_append_json_string(out, arm->policy->name);
    text_append(out, ",\"policy_options\":");
    options_write_json(&arm->policy->options, arm->policy_options, out);
    if (arm->candidates.values[0]) text_append(out, ",\"tune\":%s", arm->candidates.values);
    if (arm->candidates.target_budget > 0) {
        text_append(out, ",\"target_budget\":");
        option_write_json(arm_options.rows, &arm->candidates, out);
    }
    if (arm->base < 0) return;
    text_append(out, ",\"base\":{");
    write_arm(e, &e->arms[arm->base], out);
    text_append(out, "}");
}

/* Appends a part of a trial's settings; it was written where it has any bytes. */
static void append_part(const struct text *part, struct text *out) {
    if (part->failed) {
        text_free(out);
        out->failed = true;
    } else {
        text_append_bytes(out, part->data, part->size);
    }
}

static void append_data(const struct experiment *e, int seed, struct text *kept, struct text *out) {
    if (kept->size == 0) {
        struct data_config data = e->data;
        data_config_set_seed(&data, seed);
        options_write_json(&data_options, &data, kept);
    }
    append_part(kept, out);
}

static void append_train(const struct experiment *e, struct text *kept, struct text *out) {
    if (kept->size == 0) {
        struct train_config train;
        placement_write_train(&e->train, &train);
        options_write_json(&train_options, &train, kept);
    }
    append_part(kept, out);
}

static void append_profile(const struct experiment *e, int device, struct text *kept,
                           struct text *out) {
    if (kept->size == 0) {
        struct profile_config config;
        placement_write_profile(&e->train, &e->profile, device, &config);
        /* How many seeds are profiled chooses trials; it does not change what one of them does. */
        config.seeds = 1;
        options_write_json(&profile_options, &config, kept);
    }
    append_part(kept, out);
}

/* `device` is which of those that a checkpoint is profiled on, -1: a training; s: the place of the
 * seed in `kept`. */
static void write_trial(const struct experiment *e, const struct arm *arm, int seed, int s,
                        int device, struct trial_parts *kept, struct text *out) {
    struct text *own = &kept->arm[arm - e->arms];
    text_append(out, "{\"data\":");
    append_data(e, seed, &kept->data[s], out);
    text_append(out, ",\"model\":");
    if (kept->model.size == 0) options_write_json(&model_options, &e->model, &kept->model);
    append_part(&kept->model, out);
    text_append(out, ",");
    if (own->size == 0) write_arm(e, arm, own);
    append_part(own, out);
    text_append(out, ",\"train\":");
    append_train(e, &kept->train, out);
    text_append(out, ",\"seed\":%d", seed);
    if (device >= 0) {
        text_append(out, ",\"profile\":");
        append_profile(e, device, &kept->profile[device], out);
    }
    text_append(out, "}");
}

void experiment_write_planned_json(const struct experiment *e, const struct arm *arm, int s,
                                   int device, struct trial_parts *kept, struct text *out) {
    write_trial(e, arm, e->seeds.value[s], s, device, kept, out);
}

void experiment_write_profile_json(const struct experiment *e, const struct arm *arm, int seed,
                                   int device, struct text *out) {
    struct trial_parts parts = {0};
    write_trial(e, arm, seed, 0, device, &parts, out);
    trial_parts_free(&parts);
}

void experiment_write_trial_json(const struct experiment *e, const struct arm *arm, int seed,
                                 bool profile, struct text *out) {
    experiment_write_profile_json(e, arm, seed, profile ? 0 : -1, out);
}

static void free_texts(struct text *texts, size_t n) {
    for (size_t i = 0; i < n; i++) text_free(&texts[i]);
}

void trial_parts_free(struct trial_parts *parts) {
    free_texts(parts->data, OPTION_LIST_MAX);
    free_texts(parts->arm, EXPERIMENT_ARMS_MAX);
    free_texts(parts->profile, NAME_LIST_MAX);
    text_free(&parts->model);
    text_free(&parts->train);
    *parts = (struct trial_parts){0};
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
    if (!experiment_expect(policy, NODE_SCALAR, "policy", error) ||
        !experiment_expect(settings, NODE_MAP, "policy_options", error))
        return false;
    arm->policy = experiment_find_policy(policy, error);
    if (!arm->policy) return false;
    options_default(&arm->policy->options, arm->policy_options);
    if (!options_bind(&arm->policy->options, settings, NULL, arm->policy_options, error))
        return false;
    if (!experiment_read_tuning(map, NULL, arm, error)) return false;
    arm->base = base ? e->n_arms : -1;
    if ((arm->policy->base != BASE_NONE) != (base != NULL))
        return error_set_at(error, &map->at, "policy '%s' %s", arm->policy->name,
                            base ? "takes no 'base'" : "lacks its 'base'");
    return !base ||
           (experiment_expect(base, NODE_MAP, "base", error) && read_arm_json(base, e, error));
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
    if (!experiment_expect(root, NODE_MAP, "a trial configuration", error)) goto done;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!node_find(root, required[i])) {
            error_set_at(error, &root->at, "the key '%s' is missing", required[i]);
            goto done;
        }
    if (!options_bind(&table, root, others, &trial, error)) goto done;
    if (!experiment_read_sections(root, out, error)) goto done;
    if (!read_arm_json(root, out, error)) goto done;
    out->n_arms = 1; /* the others are there for what it is based on */
    out->seeds = (struct int_list){.n = 1, .value = {trial.seed}};
    ok = true;
done:
    node_free(root);
    return ok;
}
