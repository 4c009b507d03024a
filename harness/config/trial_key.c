/*
 * The key of a trial; see trial_key.h. Changing what is hashed here gives every trial another name,
 * so that nothing that is stored would be found again.
 */
#include "harness/config/trial_key.h"
#include "models/base/sha256.h"
#include "workloads/data/data_files.h"

#include <string.h>

void trial_key_make(const char *kind, const char *config, const char *files_sha256,
                    char key[TRIAL_KEY_SIZE]) {
    struct sha256 hash;
    sha256_start(&hash);
    sha256_add(&hash, config, strlen(config));
    sha256_add(&hash, files_sha256, strlen(files_sha256));
    /* A first profile differs from its training by the settings in its configuration already. */
    if (strcmp(kind, "again") == 0) sha256_add(&hash, kind, strlen(kind));
    sha256_finish(&hash, key);
}

bool trial_key_require(const char *text, struct error *error) {
    enum { DIGITS = TRIAL_KEY_SIZE - 1 };
    if (strspn(text, "0123456789abcdef") == DIGITS && !text[DIGITS]) return true;
    return error_set(
        error,
        "'%.80s' is not the key of a trial, which has %d hexadecimal digits: the row is "
        "an earlier result of a trial that was made again, or was changed by hand",
        text, DIGITS);
}

bool trial_key_check(const struct trial_identity *trial, const struct data_config *data,
                     const char *files_sha256, struct error *error) {
    struct text names = {0};
    char key[TRIAL_KEY_SIZE];
    trial_key_make(trial->kind, trial->config, files_sha256, key);
    if (strcmp(key, trial->key) == 0) return true;
    if (data_config_is_generated(data))
        return error_set(error,
                         "its configuration is not the one that its key was made of: the row "
                         "was changed by hand; sweep again");
    data_files_write_names(data, &names);
    error_set(error, "data changed since the plan: %s; sweep again",
              names.failed ? "out of memory for its name" : names.data);
    text_free(&names);
    return false;
}
