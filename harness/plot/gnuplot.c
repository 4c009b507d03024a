/*
 * Starting gnuplot and believing only its silence: it goes on after most of what it complains
 * about, so a picture counts as drawn when gnuplot ended well and said nothing.
 */
#include "harness/plot/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLACES = 2 };

/* A picture that is being drawn. */
struct place {
    pid_t pid;  /* 0: free */
    FILE *talk; /* what gnuplot says, in a file without a name */
    char *script, *drawn, *picture;
    struct gnuplot_figure *figure;
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
static void become_gnuplot(const char *folder, char *const *arguments, pid_t parent, int talk) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127); /* it died before the line above */
    int nothing = open("/dev/null", O_RDONLY);
    char **environment = own_environment();
    if (environment && nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 &&
        dup2(talk, STDOUT_FILENO) >= 0 && dup2(talk, STDERR_FILENO) >= 0 && chdir(folder) == 0)
        execvpe("gnuplot", arguments, environment);
    dprintf(talk, "%s", strerror(errno));
    _exit(127);
}

static pid_t start(const char *folder, char *const *arguments, FILE *talk) {
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) become_gnuplot(folder, arguments, parent, fileno(talk));
    return pid;
}

/* What was said, without the empty lines around it, and whether the process ended well; if not, and
 * nothing was said, how it ended. */
static bool finish(pid_t pid, FILE *talk, char *said, size_t size) {
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    rewind(talk);
    size_t n = fread(said, 1, size - 1, talk);
    said[n] = '\0';
    while (n > 0 && strchr("\n ", said[n - 1])) said[--n] = '\0';
    memmove(said, said + strspn(said, "\n "), n + 1 - strspn(said, "\n "));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
    if (!*said && WIFSIGNALED(status))
        snprintf(said, size, "it was killed by signal %d, %s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (!*said)
        snprintf(said, size, "it said nothing and ended with status %d", WEXITSTATUS(status));
    return false;
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

void gnuplot_fail(struct gnuplot_figure *figure, const struct error *error) {
    if (!figure->failed) figure->error = *error;
    figure->failed = true;
}

/* Waits for a picture's end. */
static void collect(struct place *place) {
    char said[600];
    struct error error = {0};
    bool ok = finish(place->pid, place->talk, said, sizeof said);
    if (!ok || *said)
        ok = error_set(&error, "gnuplot could not draw %s:\n%s", place->script, said);
    else if (rename(place->drawn, place->picture) != 0)
        ok = error_set(&error, "%s: %s", place->picture, strerror(errno));
    if (!ok) {
        unlink(place->drawn);
        gnuplot_fail(place->figure, &error);
    }
    place->figure->n_drawing--;
    clear(place);
}

bool gnuplot_wait(struct gnuplot *gnuplot) {
    struct place *first = NULL;
    siginfo_t ended = {0};
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR) continue;
    for (struct place *place = gnuplot->places; place < gnuplot->places + PLACES; place++)
        if (place->pid != 0 && (!first || place->pid == ended.si_pid)) first = place;
    if (first) collect(first);
    return first != NULL;
}

static struct place *free_place(struct gnuplot *gnuplot) {
    for (;; gnuplot_wait(gnuplot))
        for (int i = 0; i < PLACES; i++)
            if (gnuplot->places[i].pid == 0) return &gnuplot->places[i];
}

void gnuplot_draw(struct gnuplot *gnuplot, const struct gnuplot_picture *picture,
                  struct gnuplot_figure *figure) {
    struct place *place = free_place(gnuplot);
    struct error error = {0};
    char *arguments[] = {"gnuplot",
                         "-d",
                         "-c",
                         "picture.gnuplot",
                         (char *)picture->script,
                         (char *)picture->data,
                         (char *)picture->prologue,
                         (char *)picture->drawn,
                         (char *)picture->format,
                         NULL};
    place->talk = tmpfile();
    place->script = strdup(picture->script);
    place->drawn = strdup(picture->drawn);
    unlink(picture->drawn); /* gnuplot would write through a link */
    place->picture = strdup(picture->picture);
    place->figure = figure;
    pid_t pid = place->talk && place->script && place->drawn && place->picture
                    ? start(gnuplot->folder, arguments, place->talk)
                    : -1;
    if (pid > 0) {
        place->pid = pid;
        figure->n_drawing++;
        return;
    }
    error_set(&error, "cannot start gnuplot: %s", strerror(errno));
    gnuplot_fail(figure, &error);
    clear(place);
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
