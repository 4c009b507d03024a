/*
 * Reading lines of numbers. Arrays grow together, so that a partly read file can be freed.
 */
#include "harness/measure/forward_inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool grow(int32_t **array, size_t n, struct error *error) {
    int32_t *grown = realloc(*array, n * sizeof **array);
    if (!grown) return error_set(error, "out of memory for the inputs");
    *array = grown;
    return true;
}

/* The next number of a line; *at moves behind it. At its end *at is NULL. */
static bool read_number(char **at, int limit, int line, int32_t *out, struct error *error) {
    char *end;
    *at += strspn(*at, " \t\r\n");
    if (!**at) {
        *at = NULL;
        return true;
    }
    errno = 0;
    long value = strtol(*at, &end, 10);
    if (errno || end == *at || !strchr(" \t\r\n", *end) || value < 0 || value >= limit)
        return error_set(error, "line %d: '%.*s' is no number from 0 to %d", line,
                         (int)strcspn(*at, " \t\r\n"), *at, limit - 1);
    *at = end;
    *out = (int32_t)value;
    return true;
}

/* One input: its number, then its tokens. */
static bool read_input(char *line, const struct model_config *c, struct forward_inputs *in,
                       struct error *error) {
    int number = in->n + 1;
    size_t room = (size_t)in->n_tokens + strlen(line) / 2 + 1, n = (size_t)in->n;
    if (!grow(&in->tokens, room, error) || !grow(&in->offsets, n + 2, error) ||
        !grow(&in->ids, n + 1, error) || !grow(&in->labels, n + 1, error))
        return false;
    if (in->n == 0) in->offsets[0] = 0;
    if (!read_number(&line, INT32_MAX, number, &in->ids[n], error)) return false;
    while (line)
        if (!read_number(&line, c->vocab, number, &in->tokens[in->n_tokens], error))
            return false;
        else if (line)
            in->n_tokens++;
    int length = in->n_tokens - in->offsets[n];
    if (length < 1 || length > c->max_len)
        return error_set(error, "line %d: an input is its number and 1 to %d tokens, not %d",
                         number, c->max_len, length);
    in->labels[n] = 0;
    in->offsets[n + 1] = in->n_tokens;
    in->longest = length > in->longest ? length : in->longest;
    in->n++;
    return true;
}

bool forward_inputs_read(FILE *from, const struct model_config *c, struct forward_inputs *in,
                         struct error *error) {
    char *line = NULL;
    size_t room = 0;
    bool ok = true;
    ssize_t size;
    while (ok && (size = getline(&line, &room, from)) > 0)
        ok = strlen(line) == (size_t)size
                 ? read_input(line, c, in, error)
                 : error_set(error, "line %d: a byte 0 is no number", in->n + 1);
    if (ok && ferror(from)) ok = error_set(error, "cannot read the inputs: %s", strerror(errno));
    if (ok && in->n == 0) ok = error_set(error, "no inputs: give one a line, `0 17 4 9 ...`");
    free(line);
    return ok;
}

void forward_inputs_free(struct forward_inputs *inputs) {
    free(inputs->offsets);
    free(inputs->ids);
    free(inputs->labels);
    free(inputs->tokens);
    *inputs = (struct forward_inputs){0};
}
