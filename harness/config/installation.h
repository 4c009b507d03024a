/*
 * Where the files are that belong to the program and are read when it runs: workloads, figures,
 * questions. They are found from the program's own file, through whatever link it was started, and
 * no path is compiled in: an installation may be staged, packed and moved, and a checkout is one
 * as it stands.
 */
#ifndef HEADROOM_HARNESS_CONFIG_INSTALLATION_H
#define HEADROOM_HARNESS_CONFIG_INSTALLATION_H

#include <stdbool.h>
#include <stddef.h>

/* Writes where the installation has `name`, which is a path from the top of the sources:
 * "workloads", "results/queries/gate.sql". That is ../share/headroom/NAME of a program in a folder
 * `bin`, as `make install` puts it there, and NAME beside any other. The file need not be there.
 * False if the path does not fit, or /proc does not tell where the program is. */
bool installation_path(const char *name, char *out, size_t size);

/* Likewise of another program, which stands beside this one. */
bool installation_program(const char *name, char *out, size_t size);

/* The folder of the workloads that have names: workloads/ here, where there is one, so that a study
 * may keep its own; else that of the installation. */
void installation_workloads(char *out, size_t size);

#endif
