/*
 * Which code a result was made by, as far as it can change the result's numbers: so that a program
 * that was edited and built again knows its own results from those of before. An edit of one
 * method's files makes the results of that method old and leaves those of the others; an edit of
 * what all share makes all old.
 */
#ifndef HEADROOM_HARNESS_MEASURE_CODE_HASH_H
#define HEADROOM_HARNESS_MEASURE_CODE_HASH_H

#include "models/base/text.h"

#include <stdbool.h>

enum { CODE_HASH_SIZE = 65 };

/* SHA-256 as 64 hexadecimal digits of what a training of this policy, or a profile of one, runs:
 * the models without their policies, the policy's own files, the data sets, what happens in a
 * trial, for a profile what measures, the compiler and its flags, and the BLAS with the kernels it
 * chose. On a card its kernels and what calls them come to that, and so does their compiler. */
void code_hash(const char *policy, bool profile, bool card, char out[CODE_HASH_SIZE]);

/* The same of every policy there is, of what runs on a card as well:
 * [{"policy":"fixed","train":"...","profile":"...","train_card":"...","profile_card":"..."},
 * ...]. */
void code_hash_write_json(struct text *out);

#endif
