/*
 * Any bytes as a file of lines that start with their label, as TREC's do: in each encoding, with
 * parts of labels as classes, and as texts that lose their mail headers.
 */
#include "tests/fuzz/data_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    load_data_set(data, size,
                  "{\"source\":\"label-text\",\"label_depth\":1,\"drop_labels\":[\"X\"]}");
    load_data_set(data, size,
                  "{\"source\":\"label-text\",\"encoding\":\"windows-1252\",\"train_limit\":9,"
                  "\"strip_headers\":true,\"max_len\":4}");
    load_data_set(data, size,
                  "{\"source\":\"label-text\",\"encoding\":\"iso-8859-1\","
                  "\"label_groups\":{\"a\":[\"ABBR:exp\",\"DESC:def\"],\"b\":[\"NUM:date\"]}}");
    return 0;
}
