/*
 * How large the largest batch may be, from the two numbers that a configuration, a checkpoint or a
 * command line gives: each is in range, their product need not be.
 */
#ifndef HEADROOM_MODELS_BATCH_LIMITS_H
#define HEADROOM_MODELS_BATCH_LIMITS_H

#include "models/trainer.h"

/* The most tokens of a batch: 4,096 inputs of 4,096 tokens, and with all heads of a layer (64) an
 * index that fits into an int. */
enum { BATCH_TOKENS_MAX = 1 << 24 };

/* Limits for batches of `samples` inputs of at most `length` tokens; an error where they are more
 * than BATCH_TOKENS_MAX together. */
bool batch_limits(int samples, int length, struct trainer_limits *out, struct error *error);

#endif
