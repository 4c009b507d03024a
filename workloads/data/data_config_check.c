/*
 * Two halves: a generator checks its own options, and what is read from files is checked here.
 */
#include "workloads/data/data_config_check.h"
#include "workloads/data/synthetic.h"
#include "workloads/data/text_pair.h"

#include <string.h>

static bool all_have_class(const char *files) {
    char file[OPTION_STRING_MAX];
    while (option_next_file(&files, file))
        if (!strstr(file, "{class}")) return false;
    return true;
}

/* The name of a column or path that two of label, text and second_text have; NULL if none. */
static const char *named_twice(const struct data_config *config) {
    const struct name_list *lists[] = {&config->text, &config->second_text};
    for (int l = 0; l < 2; l++)
        for (int i = 0; i < lists[l]->n; i++) {
            const char *name = lists[l]->name[i];
            if (strcmp(name, config->label) == 0) return name;
            for (int k = 0; l == 0 && k < lists[1]->n; k++)
                if (strcmp(name, lists[1]->name[k]) == 0) return name;
        }
    return NULL;
}

bool data_config_check(const struct data_config *config, struct error *error) {
    const struct generator *generator = generator_find(config->source);
    if (generator) return generator->check(config, error);
    if (!config->train_file[0]) return error_set(error, "data.train_file must be given");
    if (!config->test_file[0] && config->test_share == 0)
        return error_set(error, "data.test_file is missing; or take a test_share of train_file");
    if (config->test_file[0] && config->test_share > 0)
        return error_set(error, "data.test_file and data.test_share are both given; drop one");
    if (config->second_text.n > 0 && config->max_len < TEXT_PAIR_LENGTH_MIN)
        return error_set(error, "data.max_len is %d; a pair of texts needs at least %d tokens",
                         config->max_len, TEXT_PAIR_LENGTH_MIN);
    const char *twice = named_twice(config);
    if (twice)
        return error_set(error,
                         "data: '%s' is named twice; label, text and second_text are different "
                         "columns",
                         twice);
    if (!config->label_separator[0])
        return error_set(error, "data.label_separator is empty; its default is \":\"");
    for (enum part part = PART_TRAIN; part <= PART_TEST; part++)
        if (config->source == SOURCE_CLASS_FILES &&
            !all_have_class(data_config_files(config, part)))
            return error_set(error, "the files of class-files need {class} where the class stands");
    int n_lists = (config->classes_file[0] != 0) + (config->label_groups[0] != 0) +
                  (config->label_groups_file[0] != 0);
    if (n_lists > 1)
        return error_set(error, "give one of data.classes_file, data.label_groups and "
                                "data.label_groups_file; each says what the classes are");
    return true;
}
