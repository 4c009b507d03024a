/*
 * Reading words and class names back from a checkpoint's metadata. See saved_words.h.
 */
#include "workloads/data/saved_words.h"
#include "workloads/data/text_pair.h"
#include "models/base/json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static bool read_list(const struct node *list, const char *what, struct word_table *out,
                      struct error *error) {
    if (!list || list->kind != NODE_LIST || list->n_children == 0)
        return error_set(error, "%s: expected a list of texts", what);
    for (const struct node *entry = list->first; entry; entry = entry->next) {
        if (entry->kind != NODE_SCALAR || !entry->quoted)
            return error_set(error, "%s: entry %d is not a text", what, out->n);
        int n = out->n, index = word_table_add(out, entry->text, strlen(entry->text));
        if (index < 0) return error_set(error, "%s: out of memory", what);
        if (index != n)
            return error_set(error, "%s: entries %d and %d are both '%.60s'", what, index, n,
                             entry->text);
    }
    return true;
}

bool saved_names_read(const char *json, const char *what, struct word_table *out,
                      struct error *error) {
    struct node *root;
    if (!json_parse(json, strlen(json), what, &root, error)) return false;
    memset(out, 0, sizeof *out);
    bool ok = read_list(root, what, out, error);
    node_free(root);
    if (!ok) word_table_free(out);
    return ok;
}

static bool read_tokenizer(const struct node *root, struct saved_words *out, struct error *error) {
    const struct node *kind = node_find(root, "kind"), *max_len = node_find(root, "max_len");
    if (!kind || kind->kind != NODE_SCALAR || !tokenizer_find(kind->text, &out->kind))
        return error_set(error,
                         "tokenizer: its kind must be one of " TOKENIZER_KINDS ", not '%.40s'",
                         kind && kind->kind == NODE_SCALAR ? kind->text : "");
    char *end = NULL;
    long length = max_len && max_len->kind == NODE_SCALAR ? strtol(max_len->text, &end, 10) : 0;
    if (!end || *end || length < 1 || length > INT_MAX)
        return error_set(error, "tokenizer: max_len must be a whole number from 1 on");
    out->max_len = (int)length;
    if (!read_list(node_find(root, "words"), "tokenizer: words", &out->words, error)) return false;
    int separator = word_table_find(&out->words, TEXT_PAIR_SEPARATOR, strlen(TEXT_PAIR_SEPARATOR));
    out->separator = separator > 0 ? separator : 0;
    return true;
}

bool saved_words_read(const char *json, struct saved_words *out, struct error *error) {
    struct node *root;
    if (!json_parse(json, strlen(json), "tokenizer", &root, error)) return false;
    memset(out, 0, sizeof *out);
    bool ok = root->kind == NODE_MAP ? read_tokenizer(root, out, error)
                                     : error_set(error, "tokenizer: expected an object");
    node_free(root);
    if (!ok) saved_words_free(out);
    return ok;
}

void saved_words_free(struct saved_words *words) {
    word_table_free(&words->words);
}

/* Writes at most `room` tokens of a text and returns how many it has. */
static int tokenise(const struct saved_words *words, char *text, int32_t *tokens, int room) {
    struct tokenizer t = {.kind = words->kind, .rest = text};
    int n = 0;
    for (; tokenizer_next(&t); n++) {
        int index = n < room ? word_table_find(&words->words, t.token, t.size) : 0;
        if (n < room) tokens[n] = index < 0 ? 0 : index;
    }
    return n;
}

bool saved_words_tokenise(const struct saved_words *words, char *text, char *second,
                          int32_t *tokens, int room, struct saved_text *out, struct error *error) {
    const char *unit = tokenizer_name(words->kind);
    /* No token of a text reads "<unk>": only a vocabulary of words starts with it. */
    if (words->words.n == 0 || strcmp(words->words.words[0], "<unk>") != 0)
        return error_set(error,
                         "this model reads generated tokens ('%.20s'), not words; it can be "
                         "evaluated, but a text means nothing to it",
                         words->words.n ? words->words.words[0] : "");
    if (words->separator && !second)
        return error_set(error, "this model reads pairs of texts; give the second one as well");
    if (!words->separator && second)
        return error_set(error, "this model reads single texts; leave the second one out");
    memset(out, 0, sizeof *out);
    int n = tokenise(words, text, tokens, room);
    if (n == 0) return error_set(error, "a text without a %s", unit);
    out->n = n < room ? n : room;
    out->n_cut = n - out->n;
    if (second) {
        int m = tokenise(words, second, tokens + room, room);
        if (m == 0) return error_set(error, "a second text without a %s", unit);
        struct text_pair_kept kept = text_pair_cut(n, m, room);
        tokens[kept.first] = words->separator;
        memmove(tokens + kept.first + 1, tokens + room, (size_t)kept.second * sizeof *tokens);
        out->n = kept.first + 1 + kept.second;
        out->n_cut = n + m + 1 - out->n;
    }
    for (int i = 0; i < out->n; i++) out->n_unknown += tokens[i] == 0;
    return true;
}
