/*
 * `headroom doctor`: what can be measured on this machine, and whether results can be stored; or,
 * with --verify, whether what it counts is right.
 */
#include "harness/cli/command.h"
#include "harness/measure/doctor.h"
#include "harness/measure/space.h"
#include "harness/measure/verify.h"
#include "harness/store/store.h"
#include "models/base/path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads the real database if there is one: it may be damaged, of a version that is not read any
 * more, or no database at all. An empty file is as good as none. */
static bool check_file(const char *db, struct error *error) {
    struct store *store = NULL;
    struct stat file;
    if (stat(db, &file) != 0 || file.st_size == 0) return true;
    if (access(db, W_OK) != 0)
        return error_set(error, "%s cannot be written: %s", db, strerror(errno));
    bool ok = store_open_reader(db, &store, error);
    store_close(store);
    return ok;
}

/* Tries a throw-away database beside the real one: file systems refuse in more ways than access()
 * knows (full, read-only, without locks). */
static bool check_folder(const char *db, struct error *error) {
    char probe[512];
    struct store *store = NULL;
    int used = snprintf(probe, sizeof probe, "%s.doctor-%ld", db, (long)getpid());
    if (used < 0 || (size_t)used >= sizeof probe)
        return error_set(error, "%s: the path is too long", db);
    bool ok = store_open(probe, &store, error);
    store_close(store);
    unlink(probe);
    return ok;
}

static void print_results(const char *db) {
    char folder[512];
    int64_t bytes = -1;
    if (path_beside(db, "", folder, sizeof folder)) bytes = space_free(folder[0] ? folder : ".");
    printf("results: %s can be written", db);
    if (bytes >= 0) printf(", %.1f GiB free", (double)bytes / (1 << 30));
    printf("\n");
}

static int run(const struct arguments *arguments, struct error *error) {
    if (arguments->verify)
        return verify_run(stdout, arguments->json, error) ? EXIT_OK : EXIT_FAILED;
    int status = doctor_run(store_library(), stdout, arguments->json, isatty(STDOUT_FILENO) != 0);
    if (!check_file(arguments->db, error) || !check_folder(arguments->db, error))
        return EXIT_FAILED;
    if (!arguments->json) print_results(arguments->db);
    if (status != EXIT_OK) error_set(error, "trials cannot be profiled here: no usable clock");
    return status;
}

const struct command doctor_command = {
    "doctor",
    "what can be measured and stored here, what not, why, and the fix",
    "",
    0,
    0,
    {"db", "json", "verify"},
    "Tries each hardware counter, memory and energy source by using it, reads the database if\n"
    "there is one, and writes a throw-away one beside it. Exit status 0 when trials can be\n"
    "profiled and stored. Room for results, temporary files and cached data is told, and what would\n"
    "hold a trial to its --memory. With --verify, 0 when no counter that is said to count reads\n"
    "something else than known work causes.\n",
    run};
