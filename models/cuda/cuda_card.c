/*
 * What the driver tells of a card. Asking makes no context on it, so that a doctor does not wait for
 * one and takes no memory there.
 */
#include "models/device_card.h"

#include <cuda_runtime_api.h>

#include <stdio.h>

static bool failed(struct error *error, const char *what, cudaError_t status) {
    cudaGetLastError(); /* else the next launch would be blamed for it */
    return error_set(error, "no card: %s: %s", what, cudaGetErrorString(status));
}

bool device_describe_card(int card, struct device_card *out, struct error *error) {
    struct cudaDeviceProp properties;
    int n = 0;
    cudaError_t status = cudaGetDeviceCount(&n);
    if (status != cudaSuccess) return failed(error, "counting cards", status);
    if (card >= n)
        return error_set(error, "no card %d: %d card%s can be seen%s", card, n, PLURAL_S(n),
                         n == 0 ? "; is CUDA_VISIBLE_DEVICES empty?" : "");
    status = cudaGetDeviceProperties(&properties, card);
    if (status != cudaSuccess) return failed(error, "reading its properties", status);
    *out = (struct device_card){.capability = 10 * properties.major + properties.minor,
                                .memory_bytes = (int64_t)properties.totalGlobalMem};
    snprintf(out->name, sizeof out->name, "%.127s", properties.name);
    status = cudaDeviceGetPCIBusId(out->pci, sizeof out->pci, card);
    if (status == cudaSuccess) status = cudaRuntimeGetVersion(&out->runtime);
    if (status == cudaSuccess) status = cudaDriverGetVersion(&out->driver);
    return status == cudaSuccess || failed(error, "reading versions", status);
}
