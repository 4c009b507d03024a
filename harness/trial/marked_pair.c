/*
 * A pair and its tries. See marked_pair.h.
 */
#include "harness/trial/marked_pair.h"

#include <math.h>

void marked_pair_take(bool marked_first, void (*begin)(void *context),
                      double (*pass)(void *context, bool marked), void *context, double ns[2]) {
    ns[0] = 0.0;
    ns[1] = INFINITY;
    for (int try = 0; try < MARKED_PAIR_TRIES && (ns[1] > 2 * ns[0] || ns[0] > 2 * ns[1]); try++) {
        begin(context);
        ns[marked_first] = pass(context, marked_first);
        ns[!marked_first] = pass(context, !marked_first);
    }
}
