/*
 * A list, not a pattern: a name that is only like one of these means something else as often.
 */
#include "harness/config/column_names.h"

#include <stddef.h>
#include <strings.h>

const char *const column_names_label[] = {
    "label",      "labels",    "class",   "category", "target", "intent", "topic",
    "gold_label", "sentiment", "emotion", "polarity", "stars",  "rating", "kind",
    "type",       "genre",     "tag",     "y",        NULL};
const char *const column_names_text[] = {
    "text",  "sentence", "review", "message",  "body",     "content",     "utterance", "comment",
    "tweet", "question", "query",  "document", "abstract", "description", NULL};

static bool is_among(const char *const *names, const char *name) {
    for (; *names; names++)
        if (strcasecmp(*names, name) == 0) return true;
    return false;
}

bool column_names_know(const char *name) {
    return is_among(column_names_label, name) || is_among(column_names_text, name);
}
