/*
 * What a card is, for reports and for the environment of a result; nothing computes by it.
 */
#ifndef HEADROOM_MODELS_DEVICE_CARD_H
#define HEADROOM_MODELS_DEVICE_CARD_H

#include "models/base/error.h"

#include <stdint.h>

struct device_card {
    char name[128];       /* "NVIDIA H100 80GB HBM3" */
    int capability;       /* 10 major + minor: 90 */
    int64_t memory_bytes; /* in all */
    int runtime;          /* CUDA of this program, 1000 major + 10 minor: 13000 */
    char pci[16];         /* its place, "0000:1b:00.0": NVML counts cards in another order */
    int driver;           /* the latest CUDA that the driver knows, likewise */
};

/* The card of this number among those that the process sees, from 0. Error in one sentence where
 * there is none, or where the program was built without CUDA. */
bool device_describe_card(int card, struct device_card *out, struct error *error);

#endif
