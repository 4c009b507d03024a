/*
 * Which columns are the label and the texts, as far as names and contents tell.
 */
#ifndef HEADROOM_HARNESS_CONFIG_GUESS_COLUMNS_H
#define HEADROOM_HARNESS_CONFIG_GUESS_COLUMNS_H

#include "harness/config/guess.h"
#include "harness/config/survey.h"

struct guessed_columns {
    int label, n_text, text[NAME_LIST_MAX], second; /* second: -1 where inputs are single texts */
    struct text why_label, why_text;
};

/* An error that says which columns there are, and what each holds, where they do not tell. */
bool guess_columns(const struct guess_request *request, const struct survey *survey,
                   struct guessed_columns *out, struct error *error);
void guess_columns_free(struct guessed_columns *columns);

/* Whether a label could stand in the column: few different values, none of them long. */
bool guess_is_label(const struct survey *survey, int column);

#endif
