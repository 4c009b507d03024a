/*
 * See batch_limits.h. Whoever sizes memory for batches asks here, so the product is made once.
 */
#include "models/batch_limits.h"
#include "models/base/product.h"

bool batch_limits(int samples, int length, struct trainer_limits *out, struct error *error) {
    int64_t tokens;
    if (!product_of(samples, length, BATCH_TOKENS_MAX, &tokens))
        return error_set(error,
                         "batches of %d inputs of up to %d tokens are more than %d tokens; use "
                         "smaller batches",
                         samples, length, BATCH_TOKENS_MAX);
    *out = (struct trainer_limits){samples, (int)tokens, length};
    return true;
}
