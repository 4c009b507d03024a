/*
 * Products of sizes that come from outside. Two numbers that are each in range may have a product
 * that is not; what wraps around is a small size for a large array.
 */
#ifndef HEADROOM_MODELS_BASE_PRODUCT_H
#define HEADROOM_MODELS_BASE_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* a * b of counts (>= 0), or false where that is more than `most`. */
static inline bool product_of(int64_t a, int64_t b, int64_t most, int64_t *out) {
    return !__builtin_mul_overflow(a, b, out) && *out <= most;
}

/* base + count * size in bytes; SIZE_MAX, which nobody can reserve, where that is too much. */
static inline size_t product_bytes(size_t base, size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ||
                   __builtin_add_overflow(base, bytes, &bytes)
               ? SIZE_MAX
               : bytes;
}

#endif
