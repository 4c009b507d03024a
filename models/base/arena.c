/*
 * One mmap per arena: page-aligned (tests protect single head slabs), zeroed by the kernel, and not
 * counted as resident until it is touched, so VmHWM and the arena's own count can be compared.
 * Memory of another kind comes from the arena's source.
 */
#include "models/base/arena.h"
#include "models/base/product.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

void *arena_take(struct arena *arena, size_t count, size_t size, size_t align) {
    size_t start = product_bytes(arena->used, 1, align - 1) / align * align;
    arena->used = product_bytes(start, count, size);
    if (!arena->base) return NULL;
    assert(arena->used <= arena->size);
    return arena->base + start;
}

float *arena_floats(struct arena *arena, size_t count) {
    return arena_take(arena, count, sizeof(float), ARENA_LINE);
}

bool arena_reserve(struct arena *arena, struct error *error) {
    size_t size = (arena->used + ARENA_PAGE - 1) / ARENA_PAGE * ARENA_PAGE;
    void *base = NULL;
    if (arena->used > PTRDIFF_MAX) /* counted past what there can be */
        return error_set(error, "%s: more memory than there can be; use a smaller batch or model",
                         arena->purpose);
    if (size == 0) size = ARENA_PAGE;
    if (arena->source.take) {
        if (!arena->source.take(arena->source.context, size, &base, error))
            return error_prefix(error, "%zu MiB for %s", size >> 20, arena->purpose);
    } else {
        base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base == MAP_FAILED)
            return error_set(error,
                             "cannot reserve %zu MiB for %s: %s; use a smaller batch or model",
                             size >> 20, arena->purpose, strerror(errno));
    }
    arena->base = base;
    arena->size = size;
    arena->used = 0;
    return true;
}

void arena_release(struct arena *arena) {
    if (arena->base && arena->source.give)
        arena->source.give(arena->source.context, arena->base, arena->size);
    else if (arena->base)
        munmap(arena->base, arena->size);
    arena->base = NULL;
    arena->used = arena->size = 0;
}
