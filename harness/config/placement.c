/*
 * Devices and precisions of the two sections; see placement.h.
 */
#include "harness/config/placement.h"
#include "models/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_cpu(const char *device) {
    return strcmp(device, "cpu") == 0;
}

static struct placement placement_at(const char *device, int precision) {
    struct placement out = {.precision = is_cpu(device) ? PRECISION_FP32 : precision};
    snprintf(out.device, sizeof out.device, "%.*s", NAME_SIZE - 1, device);
    return out;
}

struct placement placement_of_training(const struct train_config *train) {
    return placement_at(train->device, train->precision);
}

int placement_n_profiles(const struct profile_config *profile) {
    return profile->devices.n > 0 ? profile->devices.n : 1;
}

struct placement placement_of_profile(const struct train_config *train,
                                      const struct profile_config *profile, int i) {
    int precision = profile->precision == AS_TRAINED ? train->precision : profile->precision - 1;
    return placement_at(profile->devices.n > 0 ? profile->devices.name[i] : train->device,
                        precision);
}

const char *placement_kind(const struct placement *placement) {
    return is_cpu(placement->device) ? "cpu" : "cuda";
}

int placement_card(const struct placement *placement) {
    const char *number = strchr(placement->device, ':');
    return number ? (int)strtol(number + 1, NULL, 10) : -1;
}

const char *placement_precision(const struct placement *placement) {
    return precision_name((enum precision)placement->precision);
}

void placement_label(const struct placement *placement, char out[PLACEMENT_LABEL_SIZE]) {
    bool plain = placement->precision == PRECISION_FP32;
    snprintf(out, PLACEMENT_LABEL_SIZE, "%s%s%s", placement_kind(placement), plain ? "" : "-",
             plain ? "" : placement_precision(placement));
}

bool placement_read(const char *device, const char *precision, struct placement *out,
                    struct error *error) {
    enum precision found = PRECISION_FP32;
    if (!device) device = "cpu";
    if (!device_check_name(device, error)) return error_prefix(error, "--device");
    if (precision && !precision_find(precision, &found))
        return error_set(error, "--precision is fp32, tf32 or bf16, not '%s'", precision);
    if (is_cpu(device) && found != PRECISION_FP32)
        return error_set(error, "--precision %s is for cards: give --device cuda as well",
                         precision);
    *out = placement_at(device, (int)found);
    return true;
}

void placement_write_train(const struct train_config *in, struct train_config *out) {
    struct placement placement = placement_of_training(in);
    *out = *in;
    memset(out->device, 0, sizeof out->device);
    snprintf(out->device, sizeof out->device, "%s", placement_kind(&placement));
}

void placement_write_profile(const struct train_config *train, const struct profile_config *in,
                             int i, struct profile_config *out) {
    struct placement trained = placement_of_training(train);
    struct placement placement = placement_of_profile(train, in, i);
    char own[PLACEMENT_LABEL_SIZE], other[PLACEMENT_LABEL_SIZE];
    placement_label(&placement, own);
    placement_label(&trained, other);
    *out = *in;
    out->devices = (struct name_list){0};
    out->precision = AS_TRAINED;
    if (strcmp(own, other) == 0) return;
    out->devices.n = 1;
    snprintf(out->devices.name[0], NAME_SIZE, "%s", placement_kind(&placement));
    out->precision = placement.precision + 1;
}

/* Where a section says a key, else where the section is. */
static const struct location *place_of(const struct node *section, const char *key) {
    const struct node *entry = node_find(section, key);
    return entry ? &entry->at : &section->at;
}

static bool refuse_precision(const char *section, const char *device_key, int precision,
                             const struct location *at, struct error *error) {
    return error_set_at(error, at,
                        "precision in %s is %s, but the CPU computes in fp32: give a card with "
                        "`%s: cuda`, or remove it",
                        section, precision_name((enum precision)precision), device_key);
}

bool placement_check_train(const struct train_config *train, const struct node *section,
                           struct error *error) {
    struct error cause = {0};
    if (!device_check_name(train->device, &cause))
        return error_set_at(error, place_of(section, "device"), "device in train: %s", cause.text);
    return !is_cpu(train->device) || train->precision == PRECISION_FP32 ||
           refuse_precision("train", "device", train->precision, place_of(section, "precision"),
                            error);
}

bool placement_check_profile(const struct train_config *train, const struct profile_config *profile,
                             const struct node *section, struct error *error) {
    const struct name_list *devices = &profile->devices;
    const struct location *at = place_of(section, "devices");
    bool cards = devices->n == 0 && !is_cpu(train->device);
    for (int i = 0; i < devices->n; i++) {
        struct placement one = placement_at(devices->name[i], 0);
        struct error cause = {0};
        if (!device_check_name(devices->name[i], &cause))
            return error_set_at(error, at, "devices in profile: %s", cause.text);
        for (int j = 0; j < i; j++) {
            struct placement other = placement_at(devices->name[j], 0);
            if (strcmp(placement_kind(&one), placement_kind(&other)) == 0)
                return error_set_at(error, at,
                                    "devices in profile has '%s' and '%s': a checkpoint is "
                                    "profiled once on a kind of device, so name one of them",
                                    other.device, one.device);
        }
        cards = cards || !is_cpu(devices->name[i]);
    }
    return cards || profile->precision <= AS_TRAINED + 1 ||
           refuse_precision("profile", "devices", profile->precision - 1,
                            place_of(section, "precision"), error);
}
