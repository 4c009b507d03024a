/*
 * "did you mean ...?": the one known name that a misspelt word is close enough to. Whoever refuses
 * a name that a user wrote, in a file or on the command line, asks here what to suggest.
 */
#ifndef HEADROOM_MODELS_BASE_CLOSEST_NAME_H
#define HEADROOM_MODELS_BASE_CLOSEST_NAME_H

#include <stddef.h>

/* The name among n candidates that a user probably meant (edit distance <= 2), or NULL. */
const char *closest_name(const char *word, const char *const *candidates, size_t n);

#endif
