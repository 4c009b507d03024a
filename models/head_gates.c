/*
 * Counting and choosing heads over all layers. The largest scores are found one by one: there are
 * few heads, and it is done once in a round of pruning.
 */
#include "models/head_gates.h"

#include <string.h>

int head_gates_kept(const struct model_config *config, const struct head_gates *gates, int layer) {
    int kept = 0;
    for (int h = 0; h < config->heads.value[layer]; h++) kept += gates->value[layer][h] != 0.0f;
    return kept;
}

int head_gates_total(const struct model_config *config, const struct head_gates *gates) {
    int total = 0;
    for (int l = 0; l < config->layers; l++) total += head_gates_kept(config, gates, l);
    return total;
}

void head_gates_top(const struct model_config *config, const struct head_scores *scores, int total,
                    struct head_gates *out) {
    memset(out, 0, sizeof *out);
    for (int n = 0; n < total; n++) {
        int layer = -1, head = -1;
        for (int l = 0; l < config->layers; l++)
            for (int h = 0; h < config->heads.value[l]; h++)
                if (out->value[l][h] == 0.0f &&
                    (layer < 0 || scores->value[l][h] > scores->value[layer][head])) {
                    layer = l;
                    head = h;
                }
        if (layer < 0) return; /* all are taken */
        out->value[layer][head] = 1.0f;
    }
}
