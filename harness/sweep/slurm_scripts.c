/*
 * The text of the scripts; see slurm_scripts.h. Whoever ends a job (scancel, a requeue, the time
 * limit) has Slurm tell every process of it: the sweep stops and its trainings save where they
 * stand, while the script waits for them and then brings what there is. KillWait, 30 seconds, is
 * the time for that.
 */
#include "harness/sweep/slurm_scripts.h"

#include <string.h>

void slurm_quote(struct text *out, const char *word) {
    text_append(out, "'");
    for (; *word; word++) text_append(out, *word == '\'' ? "'\\''" : "%c", *word);
    text_append(out, "'");
}

static void append_setting(struct text *out, const char *name, const char *value) {
    text_append(out, "%s=", name);
    slurm_quote(out, value);
    text_append(out, "\n");
}

static void append_head(const struct slurm_sweep *s, const char *what, const char *suffix,
                        const char *log, struct text *out) {
    text_append(out, "#!/bin/sh\n# %s\n", what);
    text_append(out, "#SBATCH --job-name=%s%s\n", s->name, suffix);
    text_append(out, "#SBATCH --output=\"%s/%s.log\"\n", s->folder, log);
    text_append(out, "#SBATCH --open-mode=append\n#SBATCH --requeue\n");
}

/* As sbatch reads a line of a script: blanks end a word unless they stand in double quotes, and what is
 * behind a backslash is itself, also where it would end the quotes or, #, begin a comment. */
static void append_word(const char *word, size_t size, struct text *out) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "-_=:,./+@%[]";
    bool quotes = size == 0 || strspn(word, plain) < size;
    if (quotes) text_append(out, "\"");
    for (size_t i = 0; i < size; i++)
        text_append(out, strchr("\"'\\#", word[i]) ? "\\%c" : "%c", word[i]);
    if (quotes) text_append(out, "\"");
}

/* An option is one word, as on sbatch's command line; "-p cpu" and "--partition cpu" are two. */
static void append_option(const char *option, struct text *out) {
    size_t name = strcspn(option, "= \t"), gap = strspn(option + name, " \t");
    text_append(out, "#SBATCH ");
    if (gap > 0) {
        append_word(option, name, out);
        text_append(out, " ");
        option += name + gap;
    }
    append_word(option, strlen(option), out);
    text_append(out, "\n");
}

/* What the user says comes last of the options, and so counts. */
static void append_options(const struct slurm_sweep *s, bool card, struct text *out) {
    if (card) text_append(out, "#SBATCH --gres=gpu:1\n");
    for (int i = 0; i < s->n_options; i++) append_option(s->options[i], out);
    append_setting(out, "headroom", s->program);
    append_setting(out, "folder", s->folder);
    text_append(out, "cd ");
    slurm_quote(out, s->from);
    text_append(out, " || exit\n");
}

static const char bring[] =
    "kept=$folder/$SLURM_ARRAY_TASK_ID\n"
    "work=$(mktemp -d \"${TMPDIR:-/tmp}/headroom-XXXXXX\") || exit\n"
    "trap 'rm -rf \"$work\"' EXIT\n"
    "trap 'exit 143' TERM\n"
    "\n"
    "# Results that are not there yet, logs, and where unfinished trainings stand. Fails if not all\n"
    "# of it came.\n"
    "bring() { # from to\n"
    "    mkdir -p \"$2/checkpoints\" \"$2/logs\" || return\n"
    "    lost=0\n"
    "    if [ -e \"$1/shard.db\" ] && ! \"$headroom\" merge \"$2/shard.db\" \"$1/shard.db\" \\\n"
    "        --checkpoints >\"$work/said\" 2>&1; then\n"
    "        cat \"$work/said\" >&2\n"
    "        lost=1\n"
    "    fi\n"
    "    cp \"$1\"/logs/*.log \"$2/logs\" 2>/dev/null\n"
    "    for file in \"$1\"/checkpoints/*.stage-*; do\n"
    "        case $file in *.draft-*) continue ;; esac\n"
    "        cp \"$file\" \"$2/arriving\" 2>\"$work/said\" &&\n"
    "            mv \"$2/arriving\" \"$2/checkpoints/${file##*/}\" && continue\n"
    "        rm -f \"$2/arriving\" # half of it, on a disk that may be full\n"
    "        [ -e \"$file\" ] || continue # its training has ended meanwhile\n"
    "        cat \"$work/said\" >&2\n"
    "        lost=1\n"
    "    done\n"
    "    return $lost\n"
    "}\n"
    "\n";

static const char await[] =
    "wait $sweep\n"
    "status=$?\n"
    "while kill -0 $sweep 2>/dev/null; do # a signal ended the wait, not the sweep\n"
    "    wait $sweep\n"
    "    status=$?\n"
    "done\n";

/* Where something did not come, what the element found is nowhere else: it stays. */
static const char finish[] =
    "if ! bring \"$work\" \"$kept\"; then\n"
    "    trap - EXIT\n"
    "    echo \"not all of this came to $kept: see $work on $(uname -n)\" >&2\n"
    "    exit 1\n"
    "fi\n"
    "for file in \"$kept\"/checkpoints/*.stage-*; do\n"
    "    [ -e \"$work/checkpoints/${file##*/}\" ] || rm -f \"$file\" # it has its result\n"
    "done\n"
    "exit $status\n";

void slurm_element_script(const struct slurm_sweep *s, struct text *out) {
    append_head(s, "An element of `headroom submit`: trains a shard on this node's disk.", "", "%a",
                out);
    text_append(out, "#SBATCH --cpus-per-task=%d\n", s->jobs);
    append_options(s, s->trains_on_card, out);
    text_append_bytes(out, bring, sizeof bring - 1);
    text_append(out,
                "bring \"$kept\" \"$work\" || exit\n"
                "trap : TERM # the sweep is told as well; this goes on when it has stopped\n"
                "\"$headroom\" sweep %s--shard \"$SLURM_ARRAY_TASK_ID/%d\" --no-profile --jobs %d "
                "--save-every %d --db \"$work/shard.db\" >/dev/null &\n"
                "sweep=$!\n",
                s->words, s->n_elements, s->jobs, s->save_every);
    if (s->save_every > 0)
        text_append(out,
                    "(\n"
                    "    trap 'kill $! 2>/dev/null; exit' TERM\n"
                    "    while sleep %d & wait $!; do bring \"$work\" \"$kept\"; done\n"
                    ") &\n"
                    "keeper=$!\n",
                    60 * s->save_every);
    text_append_bytes(out, await, sizeof await - 1);
    if (s->save_every > 0) text_append(out, "kill $keeper 2>/dev/null\nwait $keeper 2>/dev/null\n");
    text_append_bytes(out, finish, sizeof finish - 1);
}

void slurm_end_script(const struct slurm_sweep *s, struct text *out) {
    append_head(s,
                "What follows the elements of `headroom submit`: one database, figures, a report.",
                "-end", "end", out);
    if (s->profiles) text_append(out, "#SBATCH --exclusive\n");
    append_options(s, s->profiles && s->profiles_on_card, out);
    append_setting(out, "db", s->db);
    text_append(out,
                "status=0\n\"$headroom\" merge \"$db\" \"$folder\"/*/shard.db --checkpoints%s || "
                "status=1\n",
                s->replace ? " --replace" : "");
    if (s->profiles)
        text_append(out, "\"$headroom\" sweep %s--no-train --db \"$db\" >/dev/null || status=1\n",
                    s->words);
    text_append(out, "mkdir -p \"$(dirname \"$db\")/logs\" && "
                     "cp \"$folder\"/*/logs/*.log \"$(dirname \"$db\")/logs\"\n");
    text_append(out, "\"$headroom\" plot --db \"$db\" || status=1\n"
                     "\"$headroom\" report --db \"$db\" || status=1\n"
                     "exit $status\n");
}
