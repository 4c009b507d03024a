/*
 * Copies between page-locked memory and the card by a kernel. For a few kilobytes a kernel that
 * reads or writes the host's memory is over before a copy engine has begun: the hand-over to it, and
 * back, takes some 5 us each on an H100, in which the stream stands still.
 */
#include "models/cuda/stage_kernels.h"

enum { THREADS = 256, UNIT = sizeof(uint4) };

static __global__ void __launch_bounds__(THREADS)
    copy_units(size_t bytes, const char *from, char *to) {
    size_t at = ((size_t)blockIdx.x * THREADS + threadIdx.x) * UNIT;
    if (at + UNIT <= bytes)
        *reinterpret_cast<uint4 *>(to + at) = *reinterpret_cast<const uint4 *>(from + at);
    else
        for (; at < bytes; at++) to[at] = from[at];
}

cudaError_t cuda_launch_copy(cudaStream_t stream, size_t bytes, const void *from, void *to) {
    if (bytes == 0) return cudaSuccess;
    size_t units = (bytes + UNIT - 1) / UNIT;
    copy_units<<<(unsigned)((units + THREADS - 1) / THREADS), THREADS, 0, stream>>>(
        bytes, static_cast<const char *>(from), static_cast<char *>(to));
    return cudaGetLastError();
}
