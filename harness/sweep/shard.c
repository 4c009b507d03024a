/*
 * Shards by the longest-processing-time rule; see shard.h. Work is counted in whole MFLOPs: their
 * sums are exact, so no compiler's rounding can decide a tie on one machine otherwise than on
 * another.
 */
#include "harness/sweep/shard.h"
#include "models/base/sha256.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const char **at, int *out) {
    int digits = 0;
    for (*out = 0; isdigit((unsigned char)**at) && digits < 5; ++*at, digits++)
        *out = 10 * *out + (**at - '0');
    return digits > 0;
}

bool shard_parse(const char *text, struct shard *out, struct error *error) {
    const char *at = text;
    if (read_number(&at, &out->number) && *at++ == '/' && read_number(&at, &out->of) && !*at &&
        out->number >= 1 && out->number <= out->of && out->of <= SHARDS_MAX)
        return true;
    return error_set(error, "--shard takes i/N, i from 1 to N, N up to %d, such as 2/8, not '%s'",
                     SHARDS_MAX, text);
}

static uint64_t work_of(const struct shard_group *group) {
    return (uint64_t)fmax(ceil(group->flops / 1e6), 1);
}

static int longest_first(const void *left, const void *right) {
    const struct shard_group *a = left, *b = right;
    uint64_t x = work_of(a), y = work_of(b);
    return x != y ? (x < y ? 1 : -1) : strcmp(a->label, b->label);
}

void shard_share(struct shard_group *groups, size_t n, int n_shards, struct shard_shares *out) {
    uint64_t work[SHARDS_MAX] = {0}, all = 0;
    struct sha256 hash;
    char line[256], digits[65];
    *out = (struct shard_shares){.n_groups = (int)n};
    sha256_start(&hash);
    qsort(groups, n, sizeof *groups, longest_first);
    for (size_t i = 0; i < n; i++) {
        uint64_t own = work_of(&groups[i]);
        int least = 0;
        for (int s = 1; s < n_shards; s++)
            if (work[s] < work[least]) least = s;
        work[least] += own;
        all += own;
        out->groups[least]++;
        *groups[i].shard = least + 1;
        int length = snprintf(line, sizeof line, "%s %" PRIu64 "\n", groups[i].label, own);
        sha256_add(&hash, line, (size_t)length);
    }
    for (int s = 0; s < n_shards; s++) out->share[s] = all > 0 ? (double)work[s] / (double)all : 0;
    sha256_finish(&hash, digits);
    snprintf(out->plan, sizeof out->plan, "%.*s", SHARD_PLAN_SIZE - 1, digits);
}
