/*
 * Any bytes as a JSON document: the parser alone, whose tree must be what it says it is, and
 * the reader of data files, which need not see what the parser refuses: it begins with it.
 */
#include "tests/fuzz/data_set.h"

/* Calls itself no deeper than the parser allows. */
static void must_be_tree(const struct node *node, bool in_map) {
    int n = 0;
    MUST(node->at.line > 0 && node->at.column > 0);
    MUST((node->key != NULL) == in_map);
    MUST((node->text != NULL) == (node->kind == NODE_SCALAR));
    for (const struct node *entry = node->first; entry; entry = entry->next, n++) {
        must_be_tree(entry, node->kind == NODE_MAP);
        MUST(node->kind != NODE_MAP || n > 100 || node_find(node, entry->key) == entry);
    }
    MUST(n == node->n_children);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct node *root;
    struct error error = {0};
    bool ok = json_parse((const char *)data, size, "input", &root, &error);
    must_explain(ok, &error);
    if (ok) {
        must_be_tree(root, false);
        load_data_set(data, size, "{\"source\":\"json\"}");
        load_data_set(
            data, size,
            "{\"source\":\"json\",\"train_rows\":\"rows\",\"label\":\"2\",\"text\":[\"1\"]}");
    }
    node_free(root);
    return 0;
}
