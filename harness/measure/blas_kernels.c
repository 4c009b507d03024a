/*
 * Choosing by flags. A set is named only with all flags that its code was compiled for: another one
 * would end in an illegal instruction. Nothing is chosen on arm64, because no machine was there to
 * see it run.
 */
#include "harness/measure/blas_kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "models/base/system_file.h"

bool blas_kernels_are_generic(const char *core) {
    return strcasecmp(core, "Prescott") == 0 || strcasecmp(core, "armv8") == 0;
}

/* Best first. One core of an Intel guest with AVX-512, 0.3.21, sgemm of 512^3: SkylakeX 178 GF/s,
 * Haswell 116, Sandybridge 77, Prescott 27. What bfloat16 allows (Cooperlake) makes sgemm no
 * faster: 172. */
static const struct {
    const char *name, *flags[6];
} sets[] = {
    {"SkylakeX", {"avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"}},
    {"Haswell", {"avx2", "fma"}},
    {"Sandybridge", {"avx"}},
};

static bool has_flag(const char *flags, const char *flag) {
    size_t length = strlen(flag);
    for (const char *at = flags; (at = strstr(at, flag)); at += length)
        if ((at == flags || at[-1] == ' ') && (!at[length] || at[length] == ' ')) return true;
    return false;
}

const char *blas_kernels_better(const char *root, const char *core) {
    char flags[8192];
    if (strcasecmp(core, "Prescott") != 0 ||
        !system_value(root, "/proc/cpuinfo", "flags", flags, sizeof flags))
        return NULL;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        bool all = true;
        for (int j = 0; sets[i].flags[j]; j++) all = all && has_flag(flags, sets[i].flags[j]);
        if (all) return sets[i].name;
    }
    return NULL;
}

const char *blas_kernels_wanted(const char *root, const char *core) {
    return getenv(BLAS_KERNELS_VARIABLE) ? NULL : blas_kernels_better(root, core);
}

const char *blas_kernels_chosen_by(void) {
    const char *told = getenv(BLAS_KERNELS_VARIABLE), *ours = getenv(BLAS_KERNELS_CHOSEN);
    if (!told) return "OpenBLAS";
    return ours && strcmp(ours, told) == 0 ? "Headroom" : "user";
}
