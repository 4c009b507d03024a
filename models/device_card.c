/*
 * The cards of a program that was built without CUDA; see device_card.h. With CUDA it is
 * models/cuda/cuda_card.c that asks them.
 */
#include "models/device_card.h"

#if !HAVE_CUDA
bool device_describe_card(int card, struct device_card *out, struct error *error) {
    (void)card;
    (void)out;
    return error_set(error, "built without CUDA; install the CUDA toolkit (nvcc) and make again");
}
#else
typedef int with_cuda; /* ISO C wants a declaration in every file */
#endif
