/*
 * Any bytes as a csv file, with columns by number and by name, and as a tsv file.
 */
#include "tests/fuzz/data_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    load_data_set(data, size, "{\"source\":\"csv\"}");
    load_data_set(data, size,
                  "{\"source\":\"csv\",\"label\":\"label\",\"text\":[\"text\"],"
                  "\"second_text\":[\"2\"],\"label_depth\":1,\"overlap\":\"drop-train\"}");
    load_data_set(data, size, "{\"source\":\"tsv\",\"header\":true,\"vocab_limit\":50}");
    return 0;
}
