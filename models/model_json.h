/*
 * The resolved model with its policy as JSON, which is the `config` of a checkpoint. It stands
 * above the methods, because a text names its method.
 */
#ifndef HEADROOM_MODELS_MODEL_JSON_H
#define HEADROOM_MODELS_MODEL_JSON_H

#include "models/model.h"

/* Canonical JSON, and back. The reader finds the policy by name in the registry. */
void model_write_json(const struct model_config *config, struct text *out);
bool model_read_json(const char *json, size_t size, struct model_config *out, struct error *error);

#endif
