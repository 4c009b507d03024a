/*
 * How functions that run on the processor and on a card (device_code.h) share out the elements of a
 * short row: on a card the 32 lanes of a warp have a row together, lane i elements i, i + 32, and
 * so on; on the processor one lane has them all. So a loop is written once,
 *   for (int h = lane(); h < n; h += LANES) ...
 * and what it adds up goes through lanes_sum, which gives every lane the same bits, every time. All
 * lanes of a warp must come to each of these calls.
 */
#ifndef HEADROOM_MODELS_BASE_LANES_H
#define HEADROOM_MODELS_BASE_LANES_H

#include "models/base/device_code.h"

#ifdef __CUDA_ARCH__
enum { LANES = 32 };

DEVICE_CODE int lane(void) {
    return (int)threadIdx.x % LANES;
}

DEVICE_CODE double lanes_sum(double x) {
    for (int i = LANES / 2; i > 0; i /= 2) x += __shfl_xor_sync(0xFFFFFFFFu, x, i);
    return x;
}

DEVICE_CODE double lanes_least(double x) {
    for (int i = LANES / 2; i > 0; i /= 2) {
        double other = __shfl_xor_sync(0xFFFFFFFFu, x, i);
        x = other < x ? other : x;
    }
    return x;
}

DEVICE_CODE double lanes_most(double x) {
    return -lanes_least(-x);
}

/* What a lane wrote before can be read by the others after it. */
DEVICE_CODE void lanes_meet(void) {
    __syncwarp();
}
#else
enum { LANES = 1 };

DEVICE_CODE int lane(void) {
    return 0;
}

DEVICE_CODE double lanes_sum(double x) {
    return x;
}

DEVICE_CODE double lanes_least(double x) {
    return x;
}

DEVICE_CODE double lanes_most(double x) {
    return x;
}

DEVICE_CODE void lanes_meet(void) {
}
#endif

#endif
