/*
 * What others ask of an experiment that has been read; see experiment.h.
 */
#include "harness/config/experiment.h"
#include "models/base/text.h"

#include <ctype.h>
#include <string.h>

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

bool experiment_has_tag(const struct experiment *e, const char *tag) {
    for (int i = 0; i < e->tags.n; i++)
        if (strcmp(e->tags.name[i], tag) == 0) return true;
    return false;
}

/* `seeds: 1` is one seed whichever way it is meant. */
void experiment_write_doubts(const struct experiment *e, struct text *out) {
    int seed = e->seeds.value[0];
    if (e->seeds_is_number && seed > 1)
        text_append(out,
                    "%s: seeds: %d is one seed alone, of this number; several are a list, such as "
                    "[1, 2, 3]\n",
                    e->file, seed);
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
