/*
 * What has to be right before BLAS starts. OpenBLAS reads its number of threads and its kernels
 * when it is loaded, before main, starts the threads there and takes its buffers; where there is no
 * room for these it asks again without end (0.3.29, in 200 MB of addresses). So a part of this runs
 * earlier than that, and the program starts itself again with the settings of a trial.
 */
#ifndef HEADROOM_HARNESS_CLI_BLAS_START_H
#define HEADROOM_HARNESS_CLI_BLAS_START_H

#include "models/base/error.h"

/* To be called first in main. Starts the program again where OpenBLAS is to run other kernels than
 * it chose, and takes its buffers while there is room. false: it could not be started again. */
bool blas_start(char **argv, struct error *error);

#endif
