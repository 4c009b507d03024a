/*
 * The options of the `data:` section, and which sources have a use for which.
 */
#include "workloads/data/data_config.h"
#include "workloads/data/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(name) offsetof(struct data_config, name)
static const struct option rows[] = {
    {"source", OPTION_CHOICE, FIELD(source), NULL, 0, 0,
     "label-text|csv|tsv|jsonl|json|class-files|class-folders|topic|offsets|pairs|mixed",
     "reader of text files, or generator"},
    {"train_file", OPTION_FILES, FIELD(train_file), "", 0, 0, NULL,
     "text: below HEADROOM_DATA, or absolute, or a list of such that is read in its order; NAME.gz "
     "is taken where NAME is not there; class-files, class-folders: a path with {class} in it"},
    {"test_file", OPTION_FILES, FIELD(test_file), "", 0, 0, NULL, "text: like train_file"},
    {"validation_file", OPTION_FILES, FIELD(validation_file), "", OPTION_LATER, 0, NULL,
     "text: like train_file; weights are chosen on it, instead of on a slice of training"},
    {"classes_file", OPTION_STRING, FIELD(classes_file), "", 0, 0, NULL,
     "text: one class name a line; labels are names or numbers from 1; empty: labels in train"},
    {"encoding", OPTION_CHOICE, FIELD(encoding), "utf-8", 0, 0, "utf-8|iso-8859-1|windows-1252",
     "text: of all files"},
    {"class_names", OPTION_NAME_LIST, FIELD(class_names), "[]", 0, 0, NULL,
     "class-files, class-folders: what {class} stands for; empty: whatever is there"},
    {"train_rows", OPTION_STRING, FIELD(train_rows), "", 0, 0, NULL,
     "json: path of the list of rows in train_file, as in label; empty: the document is the list"},
    {"test_rows", OPTION_STRING, FIELD(test_rows), "", 0, 0, NULL,
     "json: path of the list of rows in test_file, which may be the same file"},
    {"validation_rows", OPTION_STRING, FIELD(validation_rows), "", OPTION_LATER, 0, NULL,
     "json: path of the list of rows in validation_file, likewise"},
    {"label", OPTION_STRING, FIELD(label), "", 0, 0, NULL,
     "csv, tsv: column of the label, its number from 1 (the default) or its name in the header; "
     "jsonl, json: its path in a row, keys joined by dots (a dot in a key: "
     "\\.), list entries from 1 (default: label)"},
    {"text", OPTION_NAME_LIST, FIELD(text), "[]", 0, 0, NULL,
     "where the text stands, like label; several are joined by a space (default: 2, or text)"},
    {"second_text", OPTION_NAME_LIST, FIELD(second_text), "[]", 0, 0, NULL,
     "where the second text of a pair stands, like text; empty: single texts"},
    {"header", OPTION_BOOL, FIELD(header), "false", 0, 0, NULL,
     "csv, tsv: the first record names the columns; names in label or text imply it"},
    {"label_depth", OPTION_INT, FIELD(label_depth), "0", 0, 16, NULL,
     "text: parts of a label A:b that make the class, 0 = all"},
    {"label_separator", OPTION_STRING, FIELD(label_separator), ":", 0, 0, NULL,
     "text: what stands between the parts of a label"},
    {"label_groups", OPTION_GROUPS, FIELD(label_groups), "", 0, 0, NULL,
     "text: classes and the labels that each is made of, {class: [label, label]}"},
    {"label_groups_file", OPTION_STRING, FIELD(label_groups_file), "", 0, 0, NULL,
     "text: a JSON file that holds such a map"},
    {"drop_labels", OPTION_NAME_LIST, FIELD(drop_labels), "[]", 0, 0, NULL,
     "text: labels whose rows are left out, and counted"},
    {"strip_headers", OPTION_BOOL, FIELD(strip_headers), "false", 0, 0, NULL,
     "text: drop each text up to its first blank line, and a text that ends there"},
    {"drop_empty", OPTION_SWITCH, FIELD(drop_empty), "false", 0, 0, NULL,
     "text: leave out, and count, rows without a text or a label, which are errors otherwise"},
    {"store_texts", OPTION_SWITCH, FIELD(store_texts), "false", 0, 0, NULL,
     "text: put the texts of the test inputs into the database; off, because whoever gets the "
     "database then has them, which privacy or their licence may forbid"},
    {"test_share", OPTION_FLOAT, FIELD(test_share), "0", 0, 0.9, NULL,
     "text: share of the training file that becomes the test split, stratified, instead of a "
     "test_file"},
    {"tokenizer", OPTION_CHOICE, FIELD(tokenizer), "word", 0, 0, TOKENIZER_KINDS,
     "text: what a token is"},
    {"max_len", OPTION_INT, FIELD(max_len), "64", 1, 4096, NULL,
     "text: tokens per input, longer ones are cut"},
    {"vocab_limit", OPTION_INT, FIELD(vocab_limit), "20000", 2, 1000000, NULL,
     "text: words kept, most frequent first, <unk> included"},
    {"min_count", OPTION_INT, FIELD(min_count), "1", 1, 1000000, NULL,
     "text: training occurrences that a word needs to be kept"},
    {"train_limit", OPTION_INT, FIELD(train_limit), "0", 0, 1e9, NULL,
     "training inputs kept, stratified by label, 0 = all"},
    {"test_limit", OPTION_INT, FIELD(test_limit), "0", 0, 1e9, NULL,
     "test inputs kept, stratified by label, 0 = all"},
    {"validation_share", OPTION_FLOAT, FIELD(validation_share), "0.1", 0.001, 0.5, NULL,
     "share of the training inputs held out to choose weights, stratified; without a "
     "validation_file"},
    {"overlap", OPTION_CHOICE, FIELD(overlap), "keep", 0, 0, "keep|drop-train|drop-test",
     "text: texts that are in both splits, counted in any case; drop-train takes them from the "
     "training part, drop-test from the test part"},
    {"seed", OPTION_INT, FIELD(seed), "1", DATA_SEED_PER_TRIAL + 1, 2147483647, "per-trial",
     "of the generator, the limits and the validation slice; per-trial: synthetic inputs are drawn "
     "anew by each trial, from its own seed"},
    {"n_train", OPTION_INT, FIELD(n_train), "20000", 2, 10000000, NULL,
     "synthetic: training inputs generated, validation included"},
    {"n_test", OPTION_INT, FIELD(n_test), "4000", 1, 10000000, NULL,
     "synthetic: test inputs generated"},
    {"length", OPTION_INT, FIELD(length), "24", 1, LENGTH_MAX, NULL, "synthetic: tokens per input"},
    {"relations", OPTION_INT, FIELD(relations), "6", 1, RELATIONS_MAX, NULL,
     "offsets, pairs, mixed: relations G that an input can hold"},
    {"values", OPTION_INT, FIELD(values), "8", 1, LENGTH_MAX, NULL,
     "topic: words per topic; pairs: different values"},
    {"fillers", OPTION_INT, FIELD(fillers), "8", 1, 10000, NULL,
     "synthetic: different tokens that mean nothing"},
    {"classes", OPTION_INT, FIELD(classes), "4", 2, 1000, NULL, "topic: number of topics"},
    {"signal", OPTION_FLOAT, FIELD(signal), "0.45", 0, 1, NULL,
     "topic: probability that a token comes from the topic's words"},
};
const struct option_table data_options = {"data", rows, sizeof rows / sizeof *rows};

/* The keys that only some sources use, as sets of `enum data_source`. */
enum {
    COLUMNS = 1 << SOURCE_CSV | 1 << SOURCE_TSV,
    JSON = 1 << SOURCE_JSON,
    FIELDS = COLUMNS | 1 << SOURCE_JSONL | JSON,
    CLASSES = 1 << SOURCE_CLASS_FILES | 1 << SOURCE_CLASS_FOLDERS,
    TEXT = 1 << SOURCE_LABEL_TEXT | FIELDS | CLASSES,
    TOPIC = 1 << SOURCE_TOPIC,
    PAIRS = 1 << SOURCE_PAIRS,
    RELATIONAL = 1 << SOURCE_OFFSETS | PAIRS | 1 << SOURCE_MIXED,
    SYNTHETIC = TOPIC | RELATIONAL,
};
static const struct {
    const char *key;
    int sources;
} limited[] = {
    {"train_file", TEXT},        {"test_file", TEXT},       {"classes_file", TEXT},
    {"encoding", TEXT},          {"label", FIELDS},         {"text", FIELDS},
    {"header", COLUMNS},         {"label_depth", TEXT},     {"label_separator", TEXT},
    {"drop_labels", TEXT},       {"strip_headers", TEXT},   {"label_groups", TEXT},
    {"label_groups_file", TEXT}, {"class_names", CLASSES},  {"train_rows", JSON},
    {"test_rows", JSON},         {"test_share", TEXT},      {"overlap", TEXT},
    {"tokenizer", TEXT},         {"second_text", FIELDS},   {"store_texts", TEXT},
    {"max_len", TEXT},           {"vocab_limit", TEXT},     {"min_count", TEXT},
    {"n_train", SYNTHETIC},      {"n_test", SYNTHETIC},     {"length", SYNTHETIC},
    {"relations", RELATIONAL},   {"values", TOPIC | PAIRS}, {"fillers", SYNTHETIC},
    {"classes", TOPIC},          {"signal", TOPIC},         {"validation_file", TEXT},
    {"validation_rows", JSON},   {"drop_empty", TEXT},
};

bool data_config_check_keys(const struct data_config *config, const struct node *map,
                            struct error *error) {
    static const char *const names[] = {"label-text", "csv",         "tsv",           "jsonl",
                                        "json",       "class-files", "class-folders", "topic",
                                        "offsets",    "pairs",       "mixed"};
    for (const struct node *node = map->first; node; node = node->next)
        for (size_t i = 0; i < sizeof limited / sizeof *limited; i++) {
            int sources = limited[i].sources, used = 0;
            char list[64] = "texts";
            if (strcmp(node->key, limited[i].key) != 0 || sources >> config->source & 1) continue;
            for (int s = 0; sources != TEXT && s <= SOURCE_MIXED; s++)
                if (sources >> s & 1)
                    used += snprintf(list + used, sizeof list - (size_t)used, "%s%s",
                                     used ? ", " : "", names[s]);
            return error_set_at(error, &node->key_at, "%s in data is for %s, not for %s", node->key,
                                list, names[config->source]);
        }
    const struct node *share = node_find(map, "validation_share");
    if (share && config->validation_file[0])
        return error_set_at(error, &share->key_at,
                            "validation_share in data takes a slice of training, and "
                            "validation_file names other inputs to choose weights on: drop one");
    const struct node *seed = node_find(map, "seed");
    if (!seed || config->seed != DATA_SEED_PER_TRIAL || data_config_is_generated(config))
        return true;
    return error_set_at(error, &seed->at,
                        "seed in data is per-trial, but the texts of files are one draw, which no "
                        "seed makes anew: give a number, of the limits and the validation slice");
}

void data_config_set_seed(struct data_config *config, int trial_seed) {
    if (config->seed == DATA_SEED_PER_TRIAL) config->seed = trial_seed;
}

bool data_config_is_generated(const struct data_config *config) {
    return SYNTHETIC >> config->source & 1;
}

const char *data_config_files(const struct data_config *config, enum part part) {
    return part == PART_TRAIN        ? config->train_file
           : part == PART_VALIDATION ? config->validation_file
                                     : config->test_file;
}

int data_config_column(const char *name) {
    size_t n = strspn(name, "0123456789");
    return n > 0 && n < 9 && !name[n] ? (int)strtol(name, NULL, 10) : 0;
}

bool data_config_has_header(const struct data_config *config) {
    bool named = config->label[0] && !data_config_column(config->label);
    for (int i = 0; i < config->text.n; i++)
        named = named || !data_config_column(config->text.name[i]);
    for (int i = 0; i < config->second_text.n; i++)
        named = named || !data_config_column(config->second_text.name[i]);
    return config->header || named;
}
