/*
 * The card's memory, and the way into it. An asynchronous copy needs page-locked memory on the
 * host's side, which is dear to get, so small arrays go through a ring of it that is made once: the
 * caller's array is free when the call returns, and nobody waits unless the host is a whole ring
 * ahead of the card.
 */
#include "models/cuda/cuda_device.h"
#include "models/cuda/stage_kernels.h"

#include <stdlib.h>
#include <string.h>

/* Four segments, each with room for the largest array: so three arrays can be staged after one
 * before the ring comes round to its segment. */
enum { SEGMENTS = 4, ALIGNMENT = 256, RECENT = 4, LANDING = 1 << 20, FETCHED = 1 << 16 };

struct cuda_staging {
    char *pinned, *card; /* the ring, and its copy on the card */
    size_t segment;      /* bytes of one */
    size_t used;         /* of segment `at` */
    int at;
    cudaEvent_t copied[SEGMENTS]; /* when the segment's pinned memory is free again */
    /* What was staged last, of segment `at`: the next call is often told the same. */
    struct {
        size_t place, bytes;
    } recent[RECENT];
    int n_recent;
    char *landing; /* pinned: where small copies to the host arrive */
    char *fetched; /* pinned as well: what `arrived` says has come */
    cudaEvent_t arrived;
};

static size_t mib(size_t bytes) {
    return bytes >> 20;
}

bool cuda_reserve(const struct device *d, enum device_use use, size_t bytes, void **out,
                  struct error *error) {
    size_t left = 0, all = 0;
    cudaError_t status = cudaMalloc(out, bytes);
    if (status == cudaSuccess) {
        cuda_state_of(d)->held[use] += bytes;
        return true;
    }
    *out = NULL;
    cudaGetLastError(); /* else the next launch would be blamed for it */
    if (status != cudaErrorMemoryAllocation || cudaMemGetInfo(&left, &all) != cudaSuccess)
        return error_set(error, "cannot reserve memory on the card: %s",
                         cudaGetErrorString(status));
    return error_set(error,
                     "the card has %zu of its %zu MiB left, and %zu MiB are needed; use a smaller "
                     "batch or model",
                     mib(left), mib(all), mib(bytes));
}

void cuda_give_back(const struct device *d, enum device_use use, void *memory, size_t bytes) {
    if (!memory) return;
    cuda_check(d, cudaFree(memory), "freeing memory");
    cuda_state_of(d)->held[use] -= bytes;
}

size_t cuda_held(const struct device *d, enum device_use use) {
    return cuda_state_of(d)->held[use];
}

bool cuda_allocate(const struct device *d, size_t bytes, void **out, struct error *error) {
    return cuda_reserve(d, USE_ARRAYS, bytes, out, error);
}

void cuda_release(const struct device *d, void *memory, size_t bytes) {
    cuda_give_back(d, USE_ARRAYS, memory, bytes);
}

void cuda_copy(const struct device *d, void *to, const void *from, size_t bytes) {
    cuda_check(d, cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, cuda_stream_of(d)),
               "a copy");
}

void cuda_clear(const struct device *d, void *memory, size_t bytes) {
    cuda_check(d, cudaMemsetAsync(memory, 0, bytes, cuda_stream_of(d)), "clearing memory");
}

void cuda_wait(const struct device *d) {
    cuda_check(d, cudaStreamSynchronize(cuda_stream_of(d)), "the end of what was asked");
}

/* Bytes that are over by a kernel before a copy engine, to which a busy stream must change over,
 * would have begun. */
enum { SMALL = 1 << 16 };

void cuda_carry(const struct device *d, void *to, const void *from, size_t bytes,
                enum cudaMemcpyKind kind) {
    bool small = bytes <= SMALL && cuda_is_whole(to, 8) && cuda_is_whole(from, 8);
    cuda_check(d,
               small ? cuda_launch_copy(cuda_stream_of(d), bytes, from, to)
                     : cudaMemcpyAsync(to, from, bytes, kind, cuda_stream_of(d)),
               kind == cudaMemcpyHostToDevice ? "a copy to the card" : "a copy to the host");
}

/* Copies a host array into the ring; where it lies there. */
static bool put(const struct device *d, const void *host, size_t bytes, size_t *place) {
    struct cuda_staging *s = cuda_state_of(d)->staging;
    size_t size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > s->segment)
        return cuda_fail(d, "%zu bytes are to be staged at once, and there is room for %zu", bytes,
                         s->segment);
    if (s->used + size > s->segment) {
        if (!cuda_check(d, cudaEventRecord(s->copied[s->at], cuda_stream_of(d)), "staging"))
            return false;
        s->at = (s->at + 1) % SEGMENTS;
        s->used = 0;
        s->n_recent = 0;
        if (!cuda_check(d, cudaEventSynchronize(s->copied[s->at]), "staging")) return false;
    }
    *place = (size_t)s->at * s->segment + s->used;
    s->used += size;
    if (bytes > 0) memcpy(s->pinned + *place, host, bytes);
    return true;
}

/* Where the same bytes lie in the segment at hand, staged not long ago; NULL: nowhere. */
static const void *staged(const struct cuda_staging *s, const void *host, size_t bytes) {
    for (int i = 0; i < s->n_recent && i < RECENT; i++) {
        size_t place = s->recent[i].place;
        if (s->recent[i].bytes == bytes && memcmp(s->pinned + place, host, bytes) == 0)
            return s->card + place;
    }
    return NULL;
}

const void *cuda_stage(const struct device *d, const void *host, size_t bytes) {
    struct cuda_staging *s = cuda_state_of(d)->staging;
    const void *there = staged(s, host, bytes);
    size_t place = 0;
    if (there) return there;
    if (!put(d, host, bytes, &place)) return s->card;
    int row = s->n_recent++ % RECENT;
    s->recent[row].place = place;
    s->recent[row].bytes = bytes;
    cuda_check(d,
               cudaMemcpyAsync(s->card + place, s->pinned + place, bytes, cudaMemcpyHostToDevice,
                               cuda_stream_of(d)),
               "staging");
    return s->card + place;
}

/* What fits into a segment goes through the ring; of more, the copy is waited for. */
void cuda_upload(const struct device *d, void *to, const void *from, size_t bytes) {
    struct cuda_staging *s = cuda_state_of(d)->staging;
    size_t place = 0;
    bool fits = bytes <= s->segment;
    if (fits && !put(d, from, bytes, &place)) return;
    if (fits) {
        cuda_carry(d, to, s->pinned + place, bytes, cudaMemcpyHostToDevice);
        return;
    }
    cuda_check(d, cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, cuda_stream_of(d)),
               "a copy to the card");
    cuda_wait(d);
}

/* Small arrays, which passes wait for, arrive in page-locked memory: else the driver would take
 * them through some of its own, and wait there too. After a failure the host goes on until it asks,
 * and should not do so with undefined numbers. */
void cuda_download(const struct device *d, void *to, const void *from, size_t bytes) {
    struct cuda_staging *s = cuda_state_of(d)->staging;
    bool small = bytes <= LANDING;
    cuda_check(d,
               cudaMemcpyAsync(small ? s->landing : to, from, bytes, cudaMemcpyDeviceToHost,
                               cuda_stream_of(d)),
               "a copy to the host");
    cuda_wait(d);
    if (small) memcpy(to, s->landing, bytes);
    if (cuda_state_of(d)->failed) memset(to, 0, bytes);
}

void cuda_fetch(const struct device *d, const void *from, size_t bytes) {
    struct cuda_staging *s = cuda_state_of(d)->staging;
    if (bytes > FETCHED) {
        cuda_fail(d, "%zu bytes are to be fetched, and there is room for %d", bytes, FETCHED);
        return;
    }
    cuda_carry(d, s->fetched, from, bytes, cudaMemcpyDeviceToHost);
    cuda_check(d, cudaEventRecord(s->arrived, cuda_stream_of(d)), "a copy to the host");
}

void cuda_fetched(const struct device *d, void *to, size_t bytes) {
    struct cuda_staging *s = cuda_state_of(d)->staging;
    cuda_check(d, cudaEventSynchronize(s->arrived), "a copy to the host");
    if (cuda_state_of(d)->failed)
        memset(to, 0, bytes);
    else
        memcpy(to, s->fetched, bytes);
}

static void staging_clear(const struct device *d, struct cuda_staging *s) {
    for (int i = 0; i < SEGMENTS; i++)
        if (s->copied[i]) cudaEventDestroy(s->copied[i]);
    if (s->arrived) cudaEventDestroy(s->arrived);
    cudaFreeHost(s->pinned);
    cuda_give_back(d, USE_STAGING, s->card, SEGMENTS * s->segment);
    *s = (struct cuda_staging){0};
}

void cuda_staging_free(const struct device *d) {
    struct cuda_staging *staging = cuda_state_of(d)->staging;
    if (!staging) return;
    staging_clear(d, staging);
    free(staging);
}

/* One whose segments have so many bytes; on failure it holds what there is of it. */
static bool staging_fill(const struct device *d, struct cuda_staging *s, size_t segment,
                         struct error *error) {
    void *pinned = NULL, *card = NULL;
    cudaError_t status = cudaMallocHost(&pinned, SEGMENTS * segment + LANDING + FETCHED);
    s->pinned = pinned;
    for (int i = 0; i < SEGMENTS && status == cudaSuccess; i++)
        status = cudaEventCreateWithFlags(&s->copied[i], cudaEventDisableTiming);
    if (status == cudaSuccess)
        status = cudaEventCreateWithFlags(&s->arrived, cudaEventDisableTiming);
    if (status != cudaSuccess) {
        cudaGetLastError();
        return error_set(error, "cannot reserve %zu MiB of page-locked memory: %s",
                         mib(SEGMENTS * segment), cudaGetErrorString(status));
    }
    s->landing = s->pinned + SEGMENTS * segment;
    s->fetched = s->landing + LANDING;
    bool ok = cuda_reserve(d, USE_STAGING, SEGMENTS * segment, &card, error);
    s->card = card;
    s->segment = segment;
    return ok;
}

/* What does not grow stays as it is: others on this device may go on. */
bool cuda_staging_reserve(const struct device *d, size_t bytes, struct error *error) {
    struct cuda_state *state = cuda_state_of(d);
    struct cuda_staging grown = {0};
    if (!state->staging) state->staging = calloc(1, sizeof *state->staging);
    if (!state->staging) return error_set(error, "out of memory for staging");
    size_t segment = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (segment <= state->staging->segment) return true;
    if (!staging_fill(d, &grown, segment, error)) {
        staging_clear(d, &grown);
        return false;
    }
    cuda_wait(d);
    staging_clear(d, state->staging);
    *state->staging = grown;
    return true;
}

bool cuda_scratch_reserve(const struct device *d, size_t bytes, struct error *error) {
    struct cuda_state *state = cuda_state_of(d);
    void *grown = NULL;
    if (bytes <= state->scratch_bytes) return true;
    if (!cuda_reserve(d, USE_SCRATCH, bytes, &grown, error)) return false;
    cuda_wait(d);
    cuda_give_back(d, USE_SCRATCH, state->scratch, state->scratch_bytes);
    state->scratch = grown;
    state->scratch_bytes = bytes;
    return true;
}
