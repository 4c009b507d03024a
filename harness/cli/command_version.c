/*
 * `headroom version`: which program this is. Its number is in harness/version.txt, and the Makefile
 * hands it to this file alone: flags that all files see are hashed into results, and a new number
 * makes no result old.
 */
#include "harness/cli/command.h"
#include "harness/measure/environment.h"
#include "harness/store/store.h"
#include "harness/table/width.h"
#include "harness/table/wrap.h"
#include "models/device_card.h"

#include <stdlib.h>

#ifndef HEADROOM_VERSION
#define HEADROOM_VERSION "unknown"
#endif
#ifndef HEADROOM_CUDA
#define HEADROOM_CUDA ""
#endif

enum { HANG = 10 }; /* to where values stand */

/* A field of the environment, or why it is not known. */
static void print(const char *label, const struct environment *e, const char *field,
                  const char *value) {
    const char *reason = environment_why_unknown(e, field);
    wrap_print(stdout, width_of_lines(stdout), HANG, "%-9s %s%s", label,
               *value ? value : "none: ", *value || !reason ? "" : reason);
}

static void print_commit(const struct environment *e) {
    char commit[sizeof e->git_revision + 128];
    const char *changes = "";
    if (e->git_dirty == STATE_ON) changes = ", with changes that are in no commit";
    if (e->git_dirty == STATE_UNKNOWN) changes = ", taken from an archive";
    snprintf(commit, sizeof commit, "%s%s", e->git_revision, e->git_revision[0] ? changes : "");
    print("commit", e, "git_revision", commit);
}

static int run(const struct arguments *arguments, struct error *error) {
    (void)arguments;
    struct environment *e = malloc(sizeof *e);
    if (!e) {
        error_set(error, "out of memory");
        return EXIT_FAILED;
    }
    environment_read(store_library(), e);
    printf("headroom %s\n", HEADROOM_VERSION);
    print_commit(e);
    printf("%-9s %s, %s\n", "built by", e->compiler, e->build);
    print("flags", e, "compiler_flags", e->compiler_flags);
    wrap_print(stdout, width_of_lines(stdout), HANG, "%-9s %s; runs %s, chosen by %s", "BLAS",
               e->blas_config, e->blas_core[0] ? e->blas_core : "unknown kernels",
               e->blas_core_chosen_by);
    print("PAPI", e, "papi_version", e->papi_version);
    printf("%-9s %s\n", "CUDA", *HEADROOM_CUDA ? HEADROOM_CUDA : "none: built without it");
    print("SQLite", e, "sqlite_version", e->sqlite_version);
    free(e);
    return EXIT_OK;
}

const struct command version_command = {
    "version",
    "say which program this is: version, commit, how it was built",
    "",
    0,
    0,
    {NULL},
    "The number is that of a heading in CHANGELOG.md and, with a v before it, of the tag. The\n"
    "commit says more: every result is stored with it. Compiler, flags and libraries are those of the\n"
    "environment that results are stored with, too. `headroom doctor` says what works here.\n"
    "\n"
    "examples:\n"
    "  headroom version\n"
    "  headroom --version\n",
    run};
