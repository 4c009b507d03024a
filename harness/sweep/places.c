/*
 * Places by counting; see places.h.
 */
#include "harness/sweep/places.h"

#include <stdio.h>
#include <string.h>

struct places places_new(int jobs, int cores, int n_cards) {
    return (struct places){
        .on_cpu = jobs > 0 ? jobs : cores,
        .on_card = jobs > 0 ? jobs : 1,
        .n_cards = n_cards < PLACES_CARDS_MAX ? n_cards : PLACES_CARDS_MAX,
    };
}

bool places_have(const struct places *places, int wanted, const char *who, struct error *error) {
    if (wanted < places->n_cards && (wanted != PLACE_ANY_CARD || places->n_cards > 0)) return true;
    return error_set(
        error,
        "%s is to run on cuda:%d, and there %s %d card%s here, from cuda:0 on; --device "
        "cuda takes any",
        who, wanted < 0 ? 0 : wanted, places->n_cards == 1 ? "is" : "are", places->n_cards,
        PLURAL_S(places->n_cards));
}

int places_take(struct places *places, int wanted) {
    if (wanted == PLACE_CPU) {
        if (places->cpu_used == places->on_cpu) return PLACE_NONE;
        places->cpu_used++;
        return PLACE_CPU;
    }
    int card = wanted < 0 ? 0 : wanted;
    for (int i = 1; wanted < 0 && i < places->n_cards; i++)
        if (places->card_used[i] < places->card_used[card]) card = i;
    if (card >= places->n_cards || places->card_used[card] == places->on_card) return PLACE_NONE;
    places->card_used[card]++;
    return card;
}

void places_leave(struct places *places, int place) {
    if (place == PLACE_CPU)
        places->cpu_used--;
    else
        places->card_used[place]--;
}

int places_of_profile(int wanted) {
    return wanted == PLACE_ANY_CARD ? 0 : wanted;
}

bool places_are_full(const struct places *places) {
    bool full = places->cpu_used == places->on_cpu;
    for (int i = 0; i < places->n_cards; i++)
        full = full && places->card_used[i] == places->on_card;
    return full;
}

void places_visible(const char *visible, int card, char *out, size_t size) {
    const char *at = visible ? visible : "";
    for (int i = 0; i < card && *at; i++) {
        at += strcspn(at, ",");
        at += *at == ',';
    }
    if (*at)
        snprintf(out, size, "%.*s", (int)strcspn(at, ","), at);
    else
        snprintf(out, size, "%d", card);
}
