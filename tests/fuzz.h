/*
 * Mutations for the parsers' fuzz tests: a good input with a few random edits, so that most of it
 * still parses and the deep code is reached. The generator is seeded by the test and lives on its
 * stack: a failing input comes back on every run.
 */
#ifndef HEADROOM_TESTS_FUZZ_H
#define HEADROOM_TESTS_FUZZ_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

struct fuzz {
    uint64_t state; /* any seed but 0 */
};

/* A number below n, n >= 1 (xorshift64*, Vigna 2016). */
static inline size_t fuzz_below(struct fuzz *fuzz, size_t n) {
    assert(n > 0);
    fuzz->state ^= fuzz->state >> 12;
    fuzz->state ^= fuzz->state << 25;
    fuzz->state ^= fuzz->state >> 27;
    return (size_t)((fuzz->state * 0x2545F4914F6CDD1DU) >> 33) % n;
}

/* Replaces `cut` bytes at `at` by n new ones, within the capacity; returns the new size. */
static inline size_t fuzz_splice(char *text, size_t size, size_t capacity, size_t at, size_t cut,
                                 const char *bytes, size_t n) {
    if (size - cut + n > capacity) n = 0;
    memmove(text + at + n, text + at + cut, size - at - cut);
    memcpy(text + at, bytes, n);
    return size - cut + n;
}

/* Copies `good` into out[capacity >= size] and makes one to four edits; returns the new size. Words
 * are what the grammar finds interesting. */
static inline size_t fuzz_mutate(struct fuzz *fuzz, const char *good, size_t size,
                                 const char *const *words, size_t n_words, char *out,
                                 size_t capacity) {
    memcpy(out, good, size);
    for (size_t edits = 1 + fuzz_below(fuzz, 4); edits > 0; edits--) {
        size_t at = fuzz_below(fuzz, size + 1), left = size - at;
        size_t run = left ? fuzz_below(fuzz, left < 8 ? left + 1 : 9) : 0;
        const char *word = words[fuzz_below(fuzz, n_words)];
        char byte = (char)fuzz_below(fuzz, 256), copy[8];
        switch (fuzz_below(fuzz, 6)) {
        case 0:
            size = fuzz_splice(out, size, capacity, at, left > 0, &byte, 1);
            break;
        case 1:
            size = fuzz_splice(out, size, capacity, at, run, &byte, 0);
            break;
        case 2:
            size = fuzz_splice(out, size, capacity, at, 0, word, strlen(word));
            break;
        case 3:
            size = fuzz_splice(out, size, capacity, at, run, word, strlen(word));
            break;
        case 4: /* a piece again, which makes duplicate keys */
            run = run > 8 ? 8 : run;
            memcpy(copy, out + at, run);
            size = fuzz_splice(out, size, capacity, at, 0, copy, run);
            break;
        default:
            size = fuzz_below(fuzz, 8) ? size : at;
            break; /* sometimes truncated */
        }
    }
    return size;
}

#endif
