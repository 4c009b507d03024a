/*
 * Starting gnuplot and believing only its silence: it goes on after most of what it complains about, so
 * a picture counts as drawn when gnuplot ended well and said nothing.
 */
#include "harness/plot/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLACES = 2 };

/* A picture that is being drawn. */
struct place {
    pid_t pid;  /* 0: free */
    FILE *talk; /* what gnuplot says, in a file without a name */
    char *script, *drawn, *picture;
};

struct gnuplot {
    char *folder;
    char version[128];
    struct place places[PLACES];
};

/* Fonts need some of the caller's environment; nothing else of it may change a picture. */
static char **own_environment(void) {
    static const char *const kept[] = {"PATH",
                                       "HOME",
                                       "LD_LIBRARY_PATH",
                                       "XDG_DATA_HOME",
                                       "XDG_CACHE_HOME",
                                       "XDG_CONFIG_HOME",
                                       "FONTCONFIG_PATH",
                                       "FONTCONFIG_FILE"};
    enum { KEPT = sizeof kept / sizeof *kept };
    char **environment = calloc(KEPT + 2, sizeof *environment);
    int n = 0;
    for (size_t i = 0; environment && i < KEPT; i++) {
        const char *value = getenv(kept[i]);
        if (!value) continue;
        size_t size = strlen(kept[i]) + strlen(value) + 2;
        if (!(environment[n] = malloc(size))) break;
        snprintf(environment[n++], size, "%s=%s", kept[i], value);
    }
    if (environment) environment[n] = strdup("LC_ALL=C.UTF-8");
    return environment;
}

/* Runs in the new process and does not come back. */
static void become_gnuplot(const char *folder, char *const *arguments, int talk) {
    int nothing = open("/dev/null", O_RDONLY);
    char **environment = own_environment();
    if (environment && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
        dup2(talk, STDOUT_FILENO) >= 0 && dup2(talk, STDERR_FILENO) >= 0 && chdir(folder) == 0)
        execvpe("gnuplot", arguments, environment);
    dprintf(talk, "%s", strerror(errno));
    _exit(127);
}

static pid_t start(const char *folder, char *const *arguments, FILE *talk) {
    pid_t pid = fork();
    if (pid == 0) become_gnuplot(folder, arguments, fileno(talk));
    return pid;
}

/* What was said, without the empty lines around it, and whether the process ended well. */
static bool finish(pid_t pid, FILE *talk, char *said, size_t size) {
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    rewind(talk);
    size_t n = fread(said, 1, size - 1, talk);
    said[n] = '\0';
    while (n > 0 && strchr("\n ", said[n - 1])) said[--n] = '\0';
    memmove(said, said + strspn(said, "\n "), n + 1 - strspn(said, "\n "));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool gnuplot_open(const char *folder, struct gnuplot **out, struct error *error) {
    struct gnuplot *gnuplot = *out = calloc(1, sizeof *gnuplot);
    char *arguments[] = {"gnuplot", "--version", NULL};
    FILE *talk = tmpfile();
    bool ok = false;
    if (!gnuplot || !talk || !(gnuplot->folder = strdup(folder))) {
        error_set(error, "cannot start gnuplot: %s", strerror(errno));
        goto done;
    }
    pid_t pid = start("/", arguments, talk);
    ok = pid > 0 && finish(pid, talk, gnuplot->version, sizeof gnuplot->version);
    if (!ok)
        error_set(error,
                  "cannot run gnuplot (%s): install it, on Debian and Ubuntu apt-get "
                  "install gnuplot-nox",
                  pid > 0 ? gnuplot->version : strerror(errno));
done:
    if (talk) fclose(talk);
    if (!ok) {
        gnuplot_close(gnuplot);
        *out = NULL;
    }
    return ok;
}

const char *gnuplot_version(const struct gnuplot *gnuplot) {
    return gnuplot->version;
}

static void clear(struct place *place) {
    if (place->talk) fclose(place->talk);
    free(place->script);
    free(place->drawn);
    free(place->picture);
    *place = (struct place){0};
}

static bool collect(struct place *place, struct error *error) {
    char said[600];
    bool ok = finish(place->pid, place->talk, said, sizeof said);
    if (!ok || *said)
        ok = error_set(error, "gnuplot could not draw %s:\n%s", place->script, said);
    else if (rename(place->drawn, place->picture) != 0)
        ok = error_set(error, "%s: %s", place->picture, strerror(errno));
    if (!ok) unlink(place->drawn);
    clear(place);
    return ok;
}

/* A free place, if need be after the end of the picture in one; NULL with error set if that failed. */
static struct place *free_place(struct gnuplot *gnuplot, struct error *error) {
    for (int i = 0; i < PLACES; i++)
        if (gnuplot->places[i].pid == 0) return &gnuplot->places[i];
    siginfo_t ended = {0};
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
    for (int i = 0; i < PLACES; i++)
        if (gnuplot->places[i].pid == ended.si_pid)
            return collect(&gnuplot->places[i], error) ? &gnuplot->places[i] : NULL;
    return collect(&gnuplot->places[0], error) ? &gnuplot->places[0] : NULL;
}

/* DIR/NAME.svg is drawn as DIR/.NAME.svg. */
static char *hidden_name(const char *path) {
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0, size = strlen(path) + 2;
    char *name = malloc(size);
    if (name) snprintf(name, size, "%.*s.%s", (int)folder, path, path + folder);
    return name;
}

bool gnuplot_draw(struct gnuplot *gnuplot, const char *script, const char *data,
                  const char *prologue, const char *picture, const char *format,
                  struct error *error) {
    struct place *place = free_place(gnuplot, error);
    if (!place) return false;
    place->talk = tmpfile();
    place->script = strdup(script);
    place->drawn = hidden_name(picture);
    place->picture = strdup(picture);
    if (place->talk && place->script && place->drawn && place->picture) {
        char *arguments[] = {"gnuplot",
                             "-d",
                             "-c",
                             "picture.gnuplot",
                             place->script,
                             (char *)data,
                             (char *)prologue,
                             place->drawn,
                             (char *)format,
                             NULL};
        pid_t pid = start(gnuplot->folder, arguments, place->talk);
        if (pid > 0) {
            place->pid = pid;
            return true;
        }
    }
    error_set(error, "cannot start gnuplot: %s", strerror(errno));
    clear(place);
    return false;
}

bool gnuplot_wait(struct gnuplot *gnuplot, struct error *error) {
    bool ok = true;
    for (int i = 0; i < PLACES; i++)
        if (gnuplot->places[i].pid != 0 && !collect(&gnuplot->places[i], error)) ok = false;
    return ok;
}

void gnuplot_close(struct gnuplot *gnuplot) {
    if (!gnuplot) return;
    for (int i = 0; i < PLACES; i++) {
        struct place *place = &gnuplot->places[i];
        if (place->pid == 0) continue;
        kill(place->pid, SIGTERM);
        while (waitpid(place->pid, NULL, 0) < 0 && errno == EINTR) continue;
        unlink(place->drawn);
        clear(place);
    }
    free(gnuplot->folder);
    free(gnuplot);
}
