/*
 * Any text as the configuration in a row of somebody's database, which `headroom trial` runs: it is
 * read, every candidate of its arm is made, and the models are given their shapes. What is read is
 * written back the same, or results would be compared that are of different settings.
 */
#include "harness/config/experiment.h"
#include "harness/config/placement.h"
#include "models/footprint.h"
#include "models/policy.h"
#include "tests/fuzz/input.h"
#include "workloads/data/data_config_check.h"

#include <string.h>

/* What the trial would ask memory for; it refuses with words what makes no model. */
static void shape_model(const struct experiment *e) {
    struct model_config config;
    struct error error = {0};
    experiment_model(e, &e->arms[0], &config);
    config.vocab = 100;
    config.classes = 3;
    config.max_len = e->data.max_len;
    bool ok = model_resolve(&config, &error);
    must_explain(ok, &error);
    if (!ok) return;
    struct trainer_limits limits = {e->train.batch, e->train.batch, 1};
    struct footprint bytes = footprint_of(&config, &limits);
    MUST(bytes.parameters > 0 && bytes.training >= 0 && bytes.inference >= 0);
}

static void must_read_back(const struct experiment *e, struct experiment *again) {
    struct text json = {0}, other = {0};
    struct error error = {0};
    experiment_write_trial_json(e, &e->arms[0], e->seeds.value[0], true, &json);
    MUST(!json.failed && experiment_read_trial_json(json.data, json.size, again, &error));
    experiment_write_trial_json(again, &again->arms[0], again->seeds.value[0], true, &other);
    MUST(!other.failed && strcmp(json.data, other.data) == 0);
    text_free(&json);
    text_free(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct experiment *e = malloc(sizeof *e), *again = malloc(sizeof *again);
    struct error error = {0};
    MUST(e && again);
    bool ok = experiment_read_trial_json((const char *)data, size, e, &error);
    must_explain(ok, &error);
    if (ok) {
        must_read_back(e, again);
        placement_of_training(&e->train);
        for (int i = 0; i < placement_n_profiles(&e->profile); i++)
            placement_of_profile(&e->train, &e->profile, i);
        must_explain(data_config_check(&e->data, &error), &error);
        for (int i = 0, n = e->arms[0].candidates.n; i < n; i++) {
            struct text settings = {0};
            *again = *e;
            MUST(experiment_apply_candidate(again, 0, i, &settings, &error));
            shape_model(again);
            text_free(&settings);
        }
        shape_model(e);
    }
    free(e);
    free(again);
    return 0;
}
