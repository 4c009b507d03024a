/*
 * Where trainings run: so many at a time on the CPU, and so many on each card. A trial has one
 * place and a card is given to a process as the only one that it sees. Which trial gets which place
 * follows from the order in which they ask and leave alone, so it can be said without a card.
 */
#ifndef HEADROOM_HARNESS_SWEEP_PLACES_H
#define HEADROOM_HARNESS_SWEEP_PLACES_H

#include "models/base/error.h"

#include <stddef.h>

enum { PLACES_CARDS_MAX = 64 };

/* What a trial asks for beside a card by its number, from 0; and what it is told where all are
 * taken. */
enum { PLACE_CPU = -2, PLACE_ANY_CARD = -1, PLACE_NONE = -3 };

struct places {
    int on_cpu, on_card; /* trials at a time; on each card */
    int n_cards;
    int cpu_used, card_used[PLACES_CARDS_MAX];
};

/* jobs: of a user, for the CPU and for each card; 0: the cores on the CPU, and one on a card. */
struct places places_new(int jobs, int cores, int n_cards);

/* Whether what a trial asks for exists at all; `who` names it in the error. */
bool places_have(const struct places *places, int wanted, const char *who, struct error *error);

/* A place for it: PLACE_CPU, or the card with the fewest trials, of equal ones the first, or that
 * which it asks for. PLACE_NONE: it has to wait. Taken until places_leave. */
int places_take(struct places *places, int wanted);
void places_leave(struct places *places, int place);

/* Where what is timed runs: alone, and all on the same card, so that their times compare. */
int places_of_profile(int wanted);

/* Whether nothing can start, whatever it asks for. */
bool places_are_full(const struct places *places);

/* What CUDA_VISIBLE_DEVICES has to be for a process that is to see this card alone: its entry in
 * the list that this process was given (`visible`; NULL: none, it sees all), else its number. */
void places_visible(const char *visible, int card, char *out, size_t size);

#endif
