/*
 * Errors as values. A function that can fail returns bool and fills a caller's `struct error` with
 * one sentence that names the place and the fix; where the cause is in a file, `at` says where.
 * Nothing below main() prints or exits, so the same code serves the program, the tests and a
 * fuzzer.
 */
#ifndef HEADROOM_MODELS_BASE_ERROR_H
#define HEADROOM_MODELS_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* A place in a text file, whose name somebody else keeps. line and column count from 1; 0 means
 * unknown. file NULL or "" means no file. */
struct location {
    const char *file;
    int line, column;
};

/* It outlives what was read, so it has a copy of the file's name. */
struct error {
    char text[1024];
    struct {
        char file[256];
        int line, column;
    } at;
};

/* The ending of a counted noun: "1 seed", "2 seeds". */
#define PLURAL_S(n) ((n) == 1 ? "" : "s")

/* Both return false, so that a caller can write `return error_set(error, ...)`. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool error_set_at(struct error *error, const struct location *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " in front of an error already set and returns false. A place becomes part of the
 * text: it is one inside of what the context names, such as a configuration in a checkpoint. */
bool error_prefix(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts a hint behind the text of an error already set, whose place stays, and returns false. */
bool error_append(struct error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An analyzer reads one file at a time. Told that these are false, it does not go on from an error
 * as if nothing had happened. */
#ifdef __clang_analyzer__
#define error_set(...)    (error_set(__VA_ARGS__), false)
#define error_set_at(...) (error_set_at(__VA_ARGS__), false)
#define error_prefix(...) (error_prefix(__VA_ARGS__), false)
#define error_append(...) (error_append(__VA_ARGS__), false)
#endif

/* Writes "file:line:column: text" (as much of it as is known) into out; always terminated. */
void error_format(const struct error *error, char *out, size_t size);

#endif
