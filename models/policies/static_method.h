/*
 * What the static methods share: how many heads stay, and how the pruned model trains on. With
 * `recovery` epochs a method is no longer what its name says but that method plus recovery:
 * training what is left can win back what the choice of heads lost. Arms should be named so; the
 * FLOPs of these epochs are counted as training.
 */
#ifndef HEADROOM_MODELS_POLICIES_STATIC_METHOD_H
#define HEADROOM_MODELS_POLICIES_STATIC_METHOD_H

#include "models/policy.h"

#include <math.h>

/* Rows of an option table whose struct has the fields `heads` (double); `recovery` (int) and `rate`
 * (double). */
/* clang-format off */
#define STATIC_HEADS_ROW(type)                                                                     \
    {"heads", OPTION_FLOAT, offsetof(type, heads), NULL, 0, OPTION_LIST_MAX, NULL,                 \
     "heads that stay, mean over layers; times layers, rounded, is K"}
#define STATIC_RECOVERY_ROWS(type)                                                                 \
    {"recovery", OPTION_INT, offsetof(type, recovery), "0", 0, 1000, NULL,                         \
     "epochs of training what is left (method plus recovery); the best validated is reported"},    \
    {"rate", OPTION_FLOAT, offsetof(type, rate), "1", 1e-6, 100, NULL,                             \
     "peak learning rate of the extra epochs, as a share of train's learning_rate"}
/* clang-format on */

/* All heads of a model, and the K of them that stay. */
static inline int static_all(const struct model_config *config) {
    return config->layers * config->base_heads;
}

static inline int static_kept(const struct model_config *config, double heads) {
    return (int)lround(heads * config->layers);
}

static inline bool static_check(const struct model_config *config, double heads,
                                struct error *error) {
    int all = static_all(config), kept = static_kept(config, heads);
    if (kept >= 1 && kept <= all) return true;
    return error_set(error, "heads %g of each of %d layers asks for %d of the model's %d heads",
                     heads, config->layers, kept, all);
}

#endif
