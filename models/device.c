/*
 * Devices and precisions by name. This file knows which of them were compiled in.
 */
#include "models/device.h"
#include "models/policy.h"

#if HAVE_CUDA
#include "models/cuda/cuda_device.h"
#endif

#include <stdlib.h>
#include <string.h>

static const char *const precisions[] = {
    [PRECISION_FP32] = "fp32", [PRECISION_TF32] = "tf32", [PRECISION_BF16] = "bf16"};

const char *device_use_name(enum device_use use) {
    static const char *const names[DEVICE_USES] = {
        [USE_ARRAYS] = "arrays",   [USE_WEIGHTS] = "weights in bfloat16",
        [USE_BATCHES] = "batches", [USE_SCRATCH] = "kernels' scratch",
        [USE_STAGING] = "staging", [USE_PRODUCTS] = "cuBLAS workspace"};
    return names[use];
}

const char *precision_name(enum precision precision) {
    return precisions[precision];
}

bool precision_find(const char *name, enum precision *out) {
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
        if (strcmp(name, precisions[i]) == 0) {
            *out = (enum precision)i;
            return true;
        }
    return false;
}

static bool take(const void *context, size_t size, void **out, struct error *error) {
    const struct device *d = context;
    return d->ops->allocate(d, size, out, error);
}

static void give(const void *context, void *memory, size_t size) {
    const struct device *d = context;
    d->ops->release(d, memory, size);
}

bool device_takes_chosen(const struct device *d, const struct model_config *config, int tokens) {
    return config->policy->unit == GATE_PER_SAMPLE && d->ops->takes_chosen(d, config, tokens);
}

struct arena_source device_memory(const struct device *d) {
    if (d->is_host) return (struct arena_source){0};
    return (struct arena_source){take, give, d};
}

/* The N of "cuda:N", 0 of "cuda"; -1: no such name. */
static int card_of(const char *name) {
    if (strcmp(name, "cuda") == 0) return 0;
    if (strncmp(name, "cuda:", 5) != 0) return -1;
    const char *digits = name + 5;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 2 || digits[n]) return -1;
    return n == 1 ? digits[0] - '0' : 10 * (digits[0] - '0') + digits[1] - '0';
}

bool device_check_name(const char *name, struct error *error) {
    if (strcmp(name, "cpu") == 0 || card_of(name) >= 0) return true;
    return error_set(error, "'%.80s' is no device; give cpu, cuda, or cuda:N for the N-th card",
                     name);
}

#if HAVE_CUDA
int device_cards(void) {
    return cuda_cards();
}
#else
int device_cards(void) {
    return 0;
}

static bool cuda_open(int card, enum precision precision, const struct device **out,
                      struct error *error) {
    (void)card;
    (void)precision;
    (void)out;
    return error_set(error, "this program was built without CUDA; install the CUDA toolkit (nvcc) "
                            "and make again, or run on cpu");
}
#endif

bool device_open(const char *name, enum precision precision, const struct device **out,
                 struct error *error) {
    if (!device_check_name(name, error)) return false;
    if (strcmp(name, "cpu") != 0)
        return cuda_open(card_of(name), precision, out, error) ||
               error_prefix(error, "device %s", name);
    if (precision != PRECISION_FP32) return error_set(error, "device cpu computes in fp32 alone");
    *out = device_cpu();
    return true;
}

void device_close(const struct device *d) {
    if (d) d->ops->close(d);
}
