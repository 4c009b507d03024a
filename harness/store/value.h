/*
 * Values for the parameters ?1, ?2, ... of a statement: SQL is never put together from data, also
 * not by those outside this room who ask the database something.
 */
#ifndef HEADROOM_HARNESS_STORE_VALUE_H
#define HEADROOM_HARNESS_STORE_VALUE_H

#include <stdint.h>

enum value_kind { VALUE_INT, VALUE_REAL, VALUE_TEXT };

/* A NaN and a NULL text become SQL NULL. */
struct value {
    enum value_kind kind;
    union {
        int64_t integer;
        double real;
        const char *text;
    } as;
};

#define INT(x)  ((struct value){.kind = VALUE_INT, .as.integer = (x)})
#define REAL(x) ((struct value){.kind = VALUE_REAL, .as.real = (x)})
#define TEXT(x) ((struct value){.kind = VALUE_TEXT, .as.text = (x)})

/* A list of values as the two arguments `const struct value *, int`. */
#define VALUES(...)                                                                                \
    (const struct value[]){__VA_ARGS__},                                                           \
        (int)(sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value))
#define NO_VALUES NULL, 0

#endif
