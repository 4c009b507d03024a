/*
 * See card_use.h.
 */
#include "harness/trial/card_use.h"
#include "models/device_card.h"

#include <stdio.h>

void card_use_open(const struct device *d, struct card_use *out) {
    struct device_card card;
    struct error error;
    *out = (struct card_use){0};
    if (d->is_host)
        snprintf(out->reason, sizeof out->reason, "the CPU computes");
    else if (!device_describe_card(d->card, &card, &error))
        snprintf(out->reason, sizeof out->reason, "%.*s", CARD_REASON - 1, error.text);
    else
        card_sensor_open(card.pci, &out->sensor, out->reason);
}

void card_use_close(struct card_use *card) {
    card_sensor_close(card->sensor);
    card->sensor = NULL;
}

static struct memory_result new_row(const char *what, const char *suffix) {
    struct memory_result row = {.page_faults = -1, .on_device = true};
    snprintf(row.what, sizeof row.what, "device memory, %s%s", what, suffix);
    return row;
}

static struct memory_result read_row(const struct card_use *card, enum card_quantity what,
                                     const char *name, const char *suffix) {
    struct memory_result row = new_row(name, suffix);
    uint64_t bytes;
    char reason[CARD_REASON];
    snprintf(reason, sizeof reason, "%s", card->reason);
    if (card->sensor && card_sensor_read(card->sensor, what, &bytes, reason)) {
        row.bytes = (int64_t)bytes;
        return row;
    }
    row.bytes = -1;
    snprintf(row.reason, sizeof row.reason, "%.*s", (int)sizeof row.reason - 1, reason);
    return row;
}

int card_use_held(const struct device *d, int64_t predicted_copies, const char *suffix,
                  struct memory_result rows[CARD_HELD_ROWS]) {
    int n = 0;
    for (int use = 0; use < DEVICE_USES && !d->is_host; use++) {
        size_t held = d->ops->held(d, (enum device_use)use);
        if (use == USE_ARRAYS || held == 0) continue;
        rows[n] = new_row(device_use_name((enum device_use)use), suffix);
        if (use == USE_WEIGHTS) rows[n].predicted = predicted_copies;
        rows[n++].bytes = (int64_t)held;
    }
    return n;
}

int card_use_told(const struct card_use *card, const struct device *d, const char *suffix,
                  struct memory_result rows[CARD_TOLD_ROWS]) {
    if (d->is_host) return 0;
    rows[0] = read_row(card, CARD_PROCESS_MEMORY, "whole process (NVML)", suffix);
    rows[1] = read_row(card, CARD_MEMORY_USED, "whole card (NVML)", suffix);
    return CARD_TOLD_ROWS;
}
