/*
 * Counted arenas: one block of memory per purpose, sized before the run, handed out once and freed
 * whole. Nothing is allocated inside a training step, and the size of a purpose (parameters,
 * gradients, optimiser, activations, workspace) is an exact metric instead of an estimate.
 *
 * The layout code runs twice: first on an empty arena, where arena_take only counts and returns
 * NULL, then, after arena_reserve, for real. So a size can never disagree with its use.
 */
#ifndef HEADROOM_MODELS_BASE_ARENA_H
#define HEADROOM_MODELS_BASE_ARENA_H

#include "models/base/error.h"

enum { ARENA_LINE = 64, ARENA_PAGE = 4096 };

/* Memory that is not the process's own; `take` NULL: it is. */
struct arena_source {
    bool (*take)(const void *context, size_t size, void **out, struct error *error);
    void (*give)(const void *context, void *memory, size_t size);
    const void *context;
};

struct arena {
    const char *purpose;
    struct arena_source source;
    char *base;  /* NULL while measuring */
    size_t used; /* bytes taken; the high water once layout is done */
    size_t size; /* bytes reserved */
};

/* count elements of `size` bytes, zeroed where the process owns them, aligned to `align`; NULL
 * while measuring. */
void *arena_take(struct arena *arena, size_t count, size_t size, size_t align);

/* Shorthand for the common case: floats on a cache line. */
float *arena_floats(struct arena *arena, size_t count);

/* Ends the measuring pass: reserves what was counted and starts over from an empty arena. */
bool arena_reserve(struct arena *arena, struct error *error);
void arena_release(struct arena *arena);

#endif
