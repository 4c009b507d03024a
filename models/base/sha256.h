/*
 * SHA-256 (FIPS 180-4). A data set is named by the hash of what the model will see, so that two
 * result rows can be compared only if they were trained on the same numbers. Written here because a
 * hundred lines cost less than a dependency on a cryptography library for one function.
 */
#ifndef HEADROOM_MODELS_BASE_SHA256_H
#define HEADROOM_MODELS_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t size; /* bytes so far */
    unsigned char block[64];
};

void sha256_start(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);

/* Adds integers as 4 little-endian bytes each, so that a data set's hash is the same on every
 * machine. */
void sha256_add_int32(struct sha256 *hash, const int32_t *values, size_t n);

/* Writes 64 lower-case hex digits and a terminator; the hash must be started anew afterwards. */
void sha256_finish(struct sha256 *hash, char out[65]);

/* The hash of one buffer. */
void sha256_hex(const void *data, size_t size, char out[65]);

#endif
