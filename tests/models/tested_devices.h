/*
 * The devices that a test runs on: the far one (far_device.h), which is always there and so proves
 * the test, and the first card. Where there is no card its half prints why and skips.
 *
 * HEADROOM_DEVICES=far or card leaves out the other, HEADROOM_PRECISIONS, a list, all but these.
 * HEADROOM_QUICK=1 is for a sanitizer, under which a kernel takes a hundred times as long: it
 * leaves out what would show it nothing new, and memory that is refused, and takes few shapes and
 * steps of the rest, still with each kernel, both kinds of operands, and rows that are whole quads
 * or not.
 */
#ifndef HEADROOM_TESTS_TESTED_DEVICES_H
#define HEADROOM_TESTS_TESTED_DEVICES_H

#include "tests/models/far_device.h"

#include <math.h>

#if HAVE_CUDA
#include "models/cuda/cuda_device.h"
#endif

struct tested_device {
    const char *name;
    enum precision precision;
    bool is_card;
    bool forms; /* of the far device */
    /* Largest error of a stage's result and of a pass's tensors, of their norms. */
    double stage, pass;
};

enum tested {
    FAR_FP32,
    FAR_FORMS,
    FAR_TF32,
    FAR_BF16,
    CARD_FP32,
    CARD_TF32,
    CARD_BF16,
    TESTED_DEVICES
};

static const struct tested_device tested_devices[TESTED_DEVICES] = {
    [FAR_FP32] = {"far, fp32", PRECISION_FP32, false, false, 2e-5, 1e-4},
    [FAR_FORMS] = {"far, fp32, gates there", PRECISION_FP32, false, true, 2e-5, 1e-4},
    [FAR_TF32] = {"far, tf32", PRECISION_TF32, false, false, 2e-3, 5e-3},
    [FAR_BF16] = {"far, bf16", PRECISION_BF16, false, true, 1e-2, 4e-2},
    [CARD_FP32] = {"cuda, fp32", PRECISION_FP32, true, false, 2e-5, 1e-4},
    [CARD_TF32] = {"cuda, tf32", PRECISION_TF32, true, false, 2e-3, 5e-3},
    [CARD_BF16] = {"cuda, bf16", PRECISION_BF16, true, false, 1e-2, 3e-2},
};

/* Fails with what the device says if anything failed on it. */
static inline void tested_ok(const struct device *d) {
    struct error error;
    if (!d->ops->ok(d, &error)) fail_msg("%s", error.text);
}

/* Norm of the difference of n numbers over the norm of those that are expected; infinite if a
 * number is not finite. Where all that is expected is 0, the norm of what is there. */
static inline double relative_error(const float *found, const float *expected, size_t n) {
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)found[i] - (double)expected[i];
        if (!isfinite(d)) return (double)INFINITY;
        difference += d * d;
        norm += (double)expected[i] * (double)expected[i];
    }
    return sqrt(norm > 0 ? difference / norm : difference);
}

/* A test of a device, open, and where it runs. */
typedef void tested_function(const struct tested_device *tested, const struct device *d);

enum { QUICK = 1, FP32_ALONE = 2 };

struct device_test {
    tested_function *function;
    bool on_card;
    int kind;
};

static inline bool tested_quickly(void) {
    const char *quick = getenv("HEADROOM_QUICK");
    return quick && strcmp(quick, "1") == 0;
}

/* Whether short inputs will do. The far device's kernels are the CPU's: what becomes of long inputs,
 * in several of the CPU's chunks, is seen in float32. */
static inline bool tested_shortly(const struct tested_device *tested) {
    return !tested->is_card && tested->precision != PRECISION_FP32;
}

/* Whether the environment leaves the test out. */
static inline bool tested_elsewhere(const struct device_test *test) {
    const char *devices = getenv("HEADROOM_DEVICES");
    if (tested_quickly() && !(test->kind & QUICK)) return true;
    return devices && *devices && strcmp(devices, test->on_card ? "card" : "far") != 0;
}

/* Whether HEADROOM_PRECISIONS leaves the device out. */
static inline bool tested_otherwise(const struct tested_device *tested) {
    const char *precisions = getenv("HEADROOM_PRECISIONS");
    return precisions && *precisions && !strstr(precisions, precision_name(tested->precision));
}

/* Runs it on all devices of its kind. Skips, saying why, where that is a card and there is none. */
static inline void tested_run(void **state) {
    const struct device_test *test = *state;
    if (tested_elsewhere(test)) {
        print_message("SKIP: left out by HEADROOM_DEVICES or HEADROOM_QUICK\n");
        skip();
    }
    for (int i = 0; i < TESTED_DEVICES; i++) {
        const struct tested_device *tested = &tested_devices[i];
        const struct device *d = NULL;
        struct error error;
        if (tested->is_card != test->on_card || tested_otherwise(tested)) continue;
        if (test->kind & FP32_ALONE && tested->precision != PRECISION_FP32) continue;
        if (!tested->is_card)
            d = far_device_open(tested->precision, tested->forms);
        else if (!device_open("cuda", tested->precision, &d, &error)) {
            if (device_cards() > 0) fail_msg("%s: %s", tested->name, error.text);
            print_message("SKIP: %s\n", error.text);
            skip();
        }
        test->function(tested, d);
        tested_ok(d);
        d->ops->close(d);
    }
}

/* The two rows of a test in cmocka's table: on the far device, and on a card. */
#define ON_DEVICES(function, kind)                                                                 \
    {"far device: " #function, tested_run, NULL, NULL,                                             \
     &(struct device_test){function, false, kind}},                                                \
    {                                                                                              \
        "card: " #function, tested_run, NULL, NULL, &(struct device_test) {                        \
            function, true, kind                                                                   \
        }                                                                                          \
    }
#define ON_ALL(function)        ON_DEVICES(function, QUICK)
#define ON_ALL_SLOWLY(function) ON_DEVICES(function, 0)
#define ON_FP32(function)       ON_DEVICES(function, FP32_ALONE)

#endif
