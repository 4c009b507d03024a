/*
 * The hashes come from the Makefile, which sees the files; what the program only knows of itself
 * when it runs is added here. A build that does not know its files has a hash of its own, the same
 * for any code: it tells nothing apart, and claims nothing.
 */
#include "harness/measure/code_hash.h"
#include "models/base/sha256.h"
#include "models/cpu/gemm.h"
#include "models/policies/registry.h"

#include <stdio.h>
#include <string.h>

#ifndef HEADROOM_TRAINING_CODE /* hash of the files that every trial runs, and of the flags */
#define HEADROOM_TRAINING_CODE ""
#endif
#ifndef HEADROOM_PROFILE_CODE /* of those that only a profile runs */
#define HEADROOM_PROFILE_CODE ""
#endif
#ifndef HEADROOM_CUDA_CODE /* of those that only a card runs, and of how they are compiled */
#define HEADROOM_CUDA_CODE ""
#endif
#ifndef HEADROOM_POLICY_CODE /* "NAME HASH NAME HASH ...", see policy_code.sh */
#define HEADROOM_POLICY_CODE ""
#endif

/* The hash of a policy's own files; "" for one that was linked from elsewhere. */
static void find_policy(const char *policy, char out[CODE_HASH_SIZE]) {
    char name[64];
    int read;
    for (const char *at = HEADROOM_POLICY_CODE; sscanf(at, " %63s %64s%n", name, out, &read) == 2;
         at += read)
        if (strcmp(name, policy) == 0) return;
    out[0] = '\0';
}

void code_hash(const char *policy, bool profile, bool card, char out[CODE_HASH_SIZE]) {
    char own[CODE_HASH_SIZE], library[192], kernels[128];
    const char *const parts[] = {HEADROOM_TRAINING_CODE, own, __VERSION__, library, kernels,
                                 HEADROOM_PROFILE_CODE};
    size_t n = sizeof parts / sizeof *parts - !profile; /* the last one is of profiles only */
    struct sha256 hash;
    find_policy(policy, own);
    gemm_library(library, sizeof library);
    gemm_kernels(kernels, sizeof kernels);
    sha256_start(&hash);
    for (size_t i = 0; i < n; i++) sha256_add(&hash, parts[i], strlen(parts[i]) + 1);
    if (card) sha256_add(&hash, HEADROOM_CUDA_CODE, sizeof HEADROOM_CUDA_CODE);
    sha256_finish(&hash, out);
}

void code_hash_write_json(struct text *out) {
    static const char *const names[] = {"train", "profile", "train_card", "profile_card"};
    char hash[CODE_HASH_SIZE];
    text_append(out, "[");
    for (int i = 0; i < policy_registry_size; i++) {
        text_append(out, "%s{\"policy\":\"%s\"", i ? "," : "", policy_registry[i]->name);
        for (int what = 0; what < 4; what++) {
            code_hash(policy_registry[i]->name, what & 1, what & 2, hash);
            text_append(out, ",\"%s\":\"%s\"", names[what], hash);
        }
        text_append(out, "}");
    }
    text_append(out, "]");
}
