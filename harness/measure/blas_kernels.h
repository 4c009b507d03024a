/*
 * OpenBLAS brings kernels for many processors and looks for its own by the processor's model
 * number. One that is younger than the library gets those that every x86-64 can run, which take
 * several times as long. What a processor can run stands in its flags, though, and OpenBLAS does as
 * it is told by its variable, which it reads when it is loaded: so this is asked before a program
 * starts anew.
 */
#ifndef HEADROOM_HARNESS_MEASURE_BLAS_KERNELS_H
#define HEADROOM_HARNESS_MEASURE_BLAS_KERNELS_H

#include <stdbool.h>

/* OpenBLAS's own variable; and ours, which says that its value was chosen here and by no user. */
#define BLAS_KERNELS_VARIABLE "OPENBLAS_CORETYPE"
#define BLAS_KERNELS_CHOSEN   "HEADROOM_CHOSE_KERNELS"

/* Whether a kernel set (gemm_core()) is the one for processors that OpenBLAS does not know. */
bool blas_kernels_are_generic(const char *core);

/* The set that the flags in /proc/cpuinfo below `root` ("" normally) allow instead of the generic
 * one that runs; NULL: `core` is not generic, or nothing better is known to run. */
const char *blas_kernels_better(const char *root, const char *core);

/* What the variable should be set to before the program starts itself again. NULL where that is not
 * needed, and where the variable is set: it is the user's, or has been set here before. */
const char *blas_kernels_wanted(const char *root, const char *core);

/* Who chose the set that runs: "OpenBLAS", "Headroom", or "user", by the variable. */
const char *blas_kernels_chosen_by(void);

#endif
