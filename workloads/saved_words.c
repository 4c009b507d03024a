/*
 * Reading words and class names back from a checkpoint's metadata. See saved_words.h.
 */
#include "workloads/saved_words.h"

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
    return read_list(node_find(root, "words"), "tokenizer: words", &out->words, error);
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

bool saved_words_tokenise(const struct saved_words *words, char *text, int32_t *tokens, int room,
                          struct saved_text *out, struct error *error) {
    struct tokenizer t = {.kind = words->kind, .rest = text};
    /* No token of a text reads "<unk>": only a vocabulary of words starts with it. */
    if (words->words.n == 0 || strcmp(words->words.words[0], "<unk>") != 0)
        return error_set(error,
                         "this model reads generated tokens ('%.20s'), not words; it can be "
                         "evaluated, but a text means nothing to it",
                         words->words.n ? words->words.words[0] : "");
    memset(out, 0, sizeof *out);
    while (tokenizer_next(&t)) {
        int index = word_table_find(&words->words, t.token, t.size);
        if (out->n == room) {
            out->n_cut++;
            continue;
        }
        out->n_unknown += index <= 0;
        tokens[out->n++] = index < 0 ? 0 : index;
    }
    return out->n > 0 || error_set(error, "a text without a %s", tokenizer_name(words->kind));
}
