/*
 * The numbers are the fields Implementer and PartNum of the register MIDR_EL1; each designer
 * documents its own parts in the manual of the core.
 */
#include "harness/measure/cpu_model.h"

#include <stdio.h>
#include <stdlib.h>

#include "models/base/system_file.h"

static const char cpuinfo[] = "/proc/cpuinfo";

/* Cores that servers, boards and phones of the last ten years have. */
static const struct {
    long implementer, part;
    const char *name;
} cores[] = {
    {0x41, 0xd03, "Arm Cortex-A53"},  {0x41, 0xd04, "Arm Cortex-A35"},
    {0x41, 0xd05, "Arm Cortex-A55"},  {0x41, 0xd07, "Arm Cortex-A57"},
    {0x41, 0xd08, "Arm Cortex-A72"},  {0x41, 0xd09, "Arm Cortex-A73"},
    {0x41, 0xd0a, "Arm Cortex-A75"},  {0x41, 0xd0b, "Arm Cortex-A76"},
    {0x41, 0xd0c, "Arm Neoverse N1"}, {0x41, 0xd0d, "Arm Cortex-A77"},
    {0x41, 0xd40, "Arm Neoverse V1"}, {0x41, 0xd41, "Arm Cortex-A78"},
    {0x41, 0xd44, "Arm Cortex-X1"},   {0x41, 0xd46, "Arm Cortex-A510"},
    {0x41, 0xd47, "Arm Cortex-A710"}, {0x41, 0xd48, "Arm Cortex-X2"},
    {0x41, 0xd49, "Arm Neoverse N2"}, {0x41, 0xd4a, "Arm Neoverse E1"},
    {0x41, 0xd4d, "Arm Cortex-A715"}, {0x41, 0xd4e, "Arm Cortex-X3"},
    {0x41, 0xd4f, "Arm Neoverse V2"}, {0x41, 0xd80, "Arm Cortex-A520"},
    {0x41, 0xd81, "Arm Cortex-A720"}, {0x41, 0xd82, "Arm Cortex-X4"},
    {0x41, 0xd84, "Arm Neoverse V3"}, {0x41, 0xd8e, "Arm Neoverse N3"},
    {0x43, 0x0a1, "Cavium ThunderX"}, {0x43, 0x0af, "Cavium ThunderX2"},
    {0x46, 0x001, "Fujitsu A64FX"},   {0x48, 0xd01, "HiSilicon TaiShan v110"},
    {0xc0, 0xac3, "Ampere-1"},        {0xc0, 0xac4, "Ampere-1a"},
};

static bool read_number(const char *root, const char *key, long *out) {
    char text[32], *end;
    if (!system_value(root, cpuinfo, key, text, sizeof text)) return false;
    *out = strtol(text, &end, 0);
    return end != text && !*end;
}

bool cpu_model_read(const char *root, char *out, size_t size) {
    long implementer, part;
    if (system_value(root, cpuinfo, "model name", out, size)) return true;
    if (!read_number(root, "CPU implementer", &implementer) ||
        !read_number(root, "CPU part", &part))
        return false;
    snprintf(out, size, "CPU part 0x%03lx of implementer 0x%02lx", (unsigned long)part,
             (unsigned long)implementer);
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++)
        if (cores[i].implementer == implementer && cores[i].part == part)
            snprintf(out, size, "%s", cores[i].name);
    return true;
}
