/*
 * Moments on the card's own clock: events between the kernels of the stream. Whoever marks a moment
 * goes on at once, and reads the times when the card has passed there. A clock of the host's would
 * have to wait for the card at every mark, and the card would stand still meanwhile.
 */
#include "models/cuda/cuda_device.h"

bool cuda_marks_new(const struct device *d) {
    struct cuda_state *state = cuda_state_of(d);
    for (int i = 0; i < DEVICE_MARKS; i++)
        if (!cuda_check(d, cudaEventCreate(&state->mark[i]), "making events")) return false;
    return true;
}

void cuda_marks_free(struct cuda_state *state) {
    for (int i = 0; i < DEVICE_MARKS; i++)
        if (state->mark[i]) cudaEventDestroy(state->mark[i]);
}

void cuda_mark(const struct device *d, int i) {
    cuda_check(d, cudaEventRecord(cuda_state_of(d)->mark[i], cuda_stream_of(d)), "marking a time");
}

/* CUDA tells milliseconds as a float, in steps of about half a microsecond. */
double cuda_between(const struct device *d, int from, int to) {
    const struct cuda_state *state = cuda_state_of(d);
    float milliseconds = 0.0f;
    if (!cuda_check(d, cudaEventSynchronize(state->mark[to]), "waiting for a time") ||
        !cuda_check(d, cudaEventElapsedTime(&milliseconds, state->mark[from], state->mark[to]),
                    "reading a time"))
        return 0.0;
    return 1e6 * (double)milliseconds;
}
