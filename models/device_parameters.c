/*
 * See device_parameters.h. Where a policy's tensors stay on the host their place on the device is
 * left unused: they are few, and every tensor keeps one offset in all copies.
 */
#include "models/device_parameters.h"

#include <stdlib.h>
#include <string.h>

static const float *numbers_of(const struct parameters *p) {
    return (const float *)(const void *)p->arena.base;
}

bool device_gates_on_host(const struct device *d, const struct model_config *config) {
    return !d->is_host && config->policy->unit != GATE_NONE && !d->ops->form(config->policy);
}

bool device_parameters_new(const struct device *d, struct parameters *host, const char *purpose,
                           bool weights, struct parameters **out, struct error *error) {
    if (d->is_host) {
        *out = host;
        return true;
    }
    struct arena_source source = device_memory(d);
    if (!parameters_new_from(&source, &host->config, purpose, out, error)) return false;
    struct parameters *p = *out;
    p->host = host;
    p->seed = host->seed;
    p->policy_on_host = device_gates_on_host(d, &host->config);
    for (int l = 0; p->policy_on_host && l < p->config.layers; l++)
        memcpy(p->layer[l].policy, host->layer[l].policy, sizeof p->layer[l].policy);
    if (!weights) return true;
    p->weights = d->ops->weights_new(d, numbers_of(p), p->arena.used / sizeof(float), error);
    if (p->weights) return true;
    parameters_free(p);
    *out = NULL;
    return false;
}

void device_parameters_free(const struct device *d, struct parameters *p) {
    if (!p || d->is_host) return;
    if (p->weights) d->ops->weights_free(d, numbers_of(p));
    parameters_free(p);
}

void device_parameters_load(const struct device *d, struct parameters *p) {
    if (d->is_host) return;
    p->seed = p->host->seed;
    d->ops->upload(d, p->arena.base, p->host->arena.base, p->arena.used);
    if (p->weights) d->ops->weights_load(d, numbers_of(p));
}

void device_parameters_store(const struct device *d, const struct parameters *p) {
    for (int i = 0; !d->is_host && i < p->n_tensors; i++) {
        const struct tensor *row = &p->tensors[i];
        if (p->policy_on_host && row->policy) continue;
        size_t at = row->offset * sizeof(float);
        d->ops->download(d, p->host->arena.base + at, p->arena.base + at,
                         row->count * sizeof(float));
    }
}
