/*
 * The name of the processor. x86 tells it in words; Arm tells two numbers, who designed the core
 * and which of that designer's it is, and the name of a board, which is not that of a processor.
 */
#ifndef HEADROOM_HARNESS_MEASURE_CPU_MODEL_H
#define HEADROOM_HARNESS_MEASURE_CPU_MODEL_H

#include <stdbool.h>
#include <stddef.h>

/* The first processor of /proc/cpuinfo below `root` ("" normally): "Arm Cortex-A57", or its
 * numbers where the name is not known here. False where the file tells neither. */
bool cpu_model_read(const char *root, char *out, size_t size);

#endif
