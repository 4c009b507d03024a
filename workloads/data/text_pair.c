/*
 * Longest first, in closed form: a text of at most half the room is kept whole.
 */
#include "workloads/data/text_pair.h"

struct text_pair_kept text_pair_cut(int first, int second, int max_len) {
    int room = max_len - 1, half = room / 2;
    if (first + second <= room) return (struct text_pair_kept){first, second};
    if (second <= half) return (struct text_pair_kept){room - second, second};
    if (first <= room - half) return (struct text_pair_kept){first, room - first};
    return (struct text_pair_kept){room - half, half};
}
