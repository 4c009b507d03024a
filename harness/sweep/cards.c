/*
 * See cards.h.
 */
#include "harness/sweep/cards.h"
#include "models/device.h"

#include <stdio.h>

/* Why there is no card: what opening one says. */
static bool explain_no_card(const char *who, struct error *error) {
    const struct device *device = NULL;
    if (device_open("cuda", PRECISION_FP32, &device, error)) {
        device_close(device);
        error_set(error, "no card was counted");
    }
    return error_prefix(error, "%s is to run on a card (--device cpu: on the CPU)", who);
}

static int count_cards(int told) {
    int n = told ? told : device_cards();
    return n < 0 ? 0 : n < PLACES_CARDS_MAX ? n : PLACES_CARDS_MAX;
}

bool cards_suffice(struct places *places, int told, const struct plan_trial *const *trials,
                   size_t n, struct error *error) {
    for (size_t i = 0; i < n; i++) {
        char who[sizeof trials[i]->label + sizeof trials[i]->kind];
        if (trials[i]->wanted == PLACE_CPU) continue;
        if (places->n_cards == 0) places->n_cards = count_cards(told);
        snprintf(who, sizeof who, "%s%s", trials[i]->kind, trials[i]->label);
        if (places->n_cards == 0) return explain_no_card(who, error);
        if (!places_have(places, trials[i]->wanted, who, error)) return false;
    }
    return true;
}
