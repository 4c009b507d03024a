/*
 * Any bytes as a file of JSON lines, whose rows are objects or lists.
 */
#include "tests/fuzz/data_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    load_data_set(data, size, "{\"source\":\"jsonl\"}");
    load_data_set(data, size,
                  "{\"source\":\"jsonl\",\"label\":\"2.1\",\"text\":[\"1\"],"
                  "\"second_text\":[\"2.a\\\\.b\"],\"tokenizer\":\"character\"}");
    return 0;
}
