/*
 * Functions that run on the processor and on a card, and are written once: both C17 and CUDA's C++.
 * They stand in headers, take their workspace from the caller, and call nothing but each other and
 * <math.h>.
 */
#ifndef HEADROOM_MODELS_BASE_DEVICE_CODE_H
#define HEADROOM_MODELS_BASE_DEVICE_CODE_H

#ifdef __CUDACC__
#define DEVICE_CODE static __host__ __device__ inline
#else
#define DEVICE_CODE static inline
#endif

#endif
