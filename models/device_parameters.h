/*
 * A model's numbers on a device: the same tensors at the same offsets, in its memory. On a device
 * that works in the host's memory nothing is copied and the model itself is meant everywhere.
 */
#ifndef HEADROOM_MODELS_DEVICE_PARAMETERS_H
#define HEADROOM_MODELS_DEVICE_PARAMETERS_H

#include "models/device.h"
#include "models/parameters.h"

/* Numbers laid out as `host`'s, with its configuration and no values yet; `host` outlives them.
 * `weights`: that products multiply by, not gradients. The
 * tensors of a policy that works on the host (no device form) stay in `host`'s memory: there they
 * are read and written. On a host device *out is `host`. */
bool device_parameters_new(const struct device *d, struct parameters *host, const char *purpose,
                           bool weights, struct parameters **out, struct error *error);
void device_parameters_free(const struct device *d, struct parameters *p);

/* All values, there and back. */
void device_parameters_load(const struct device *d, struct parameters *p);
void device_parameters_store(const struct device *d, const struct parameters *p);

/* Whether the policy of a model makes its gates in the host's memory although the device has its
 * own. */
bool device_gates_on_host(const struct device *d, const struct model_config *config);

#endif
