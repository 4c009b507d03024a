/*
 * The `data:` section of a file that nobody has described: which column is the label, which is
 * text, where the test split is, how long inputs are. Every setting comes with its reason, in words
 * for whoever has to correct it; what cannot be guessed is asked for, never chosen at random.
 */
#ifndef HEADROOM_HARNESS_CONFIG_GUESS_H
#define HEADROOM_HARNESS_CONFIG_GUESS_H

#include "models/base/option.h"

enum { GUESS_SETTINGS_MAX = 16 };

/* One key of the section; `value` as YAML, no bytes: the key is not to be set. */
struct guessed {
    const char *key;
    struct text value, why;
};

struct guess {
    int n;
    struct guessed setting[GUESS_SETTINGS_MAX];
    struct text file; /* "data/x.csv: 3000 rows of 2 columns" */
};

/* What the caller knows better: columns by name or number. */
struct guess_request {
    const char *file, *label; /* label NULL: to be guessed */
    struct name_list text;    /* none: to be guessed */
};

/* Free the guess after failure as well. */
bool guess_data(const struct guess_request *request, struct guess *out, struct error *error);
void guess_free(struct guess *guess);

/* The setting of that key, or NULL. */
const struct guessed *guess_find(const struct guess *guess, const char *key);

#endif
