/*
 * Control groups for trials on made-up machines: where one is made, and where it must not be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <unistd.h>

#include "harness/measure/memory_bound.h"
#include "models/base/system_file.h"
#include "tests/harness/measure/machine.h"

#define TREE "/sys/fs/cgroup"

/* Files and their texts, in pairs. */
struct tree {
    const char *file[16];
};

static bool make(const char *root, const struct tree *tree, char group[MEMORY_GROUP_SIZE]) {
    for (int i = 0; tree->file[i]; i += 2) machine_add(root, tree->file[i], tree->file[i + 1]);
    return memory_group_make(root, 3 << 20, 7, group);
}

/* `where`: below the root, of the group that the new one stands in. */
static void assert_made(const struct tree *tree, const char *where) {
    char root[64], group[MEMORY_GROUP_SIZE], expected[MEMORY_GROUP_SIZE], text[64];
    machine_open(root);
    assert_true(make(root, tree, group));
    snprintf(expected, sizeof expected, "%s%s/headroom-%ld-7", root, where, (long)getpid());
    assert_string_equal(group, expected);
    assert_true(system_line(group, "/memory.max", text, sizeof text));
    assert_string_equal(text, "3145728");
    assert_true(system_line(group, "/memory.swap.max", text, sizeof text));
    assert_string_equal(text, "0");
    machine_close(root);
}

static void assert_none(const struct tree *tree) {
    char root[64], group[MEMORY_GROUP_SIZE];
    machine_open(root);
    assert_false(make(root, tree, group));
    assert_string_equal(group, "");
    machine_close(root);
}

static void a_group_that_gives_memory_has_one_below_it(void **state) {
    (void)state;
    assert_made(
        &(struct tree){{"/proc/self/cgroup", "1:cpu:/x\n0::/mine\n", TREE "/mine/cgroup.procs", "",
                        TREE "/mine/cgroup.subtree_control", "cpu memory pids\n"}},
        TREE "/mine");
    assert_made(&(struct tree){{"/proc/self/cgroup", "0::/\n", TREE "/cgroup.procs", "",
                                TREE "/cgroup.subtree_control", "memory\n"}},
                TREE);
}

/* As in a session of systemd's: its own group has processes and so gives its children nothing. */
static void else_one_stands_beside_it(void **state) {
    (void)state;
    assert_made(
        &(struct tree){
            {"/proc/self/cgroup", "0::/user/session\n", TREE "/user/session/cgroup.procs", "",
             TREE "/user/session/cgroup.subtree_control", "\n", TREE "/user/session/memory.max",
             "max\n", TREE "/user/session/cpu.max", "max 100000\n", TREE "/user/cgroup.procs", "",
             TREE "/user/cgroup.subtree_control", "memory pids\n"}},
        TREE "/user");
}

static void what_holds_this_process_is_not_left(void **state) {
    (void)state;
    static const char *const held[][2] = {{TREE "/job/step/memory.max", "1000000\n"},
                                          {TREE "/job/step/memory.high", "1000000\n"},
                                          {TREE "/job/step/cpu.max", "50000 100000\n"},
                                          {TREE "/job/step/cpuset.cpus", "0-3\n"},
                                          {TREE "/job/memory.max", "1000000\n"}};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        assert_none(
            &(struct tree){{"/proc/self/cgroup", "0::/job/step\n", TREE "/job/step/cgroup.procs",
                            "", TREE "/cgroup.procs", "", TREE "/cgroup.subtree_control",
                            "memory\n", held[i][0], held[i][1]}});
}

static void without_version_2_there_is_none(void **state) {
    (void)state;
    assert_none(
        &(struct tree){{"/proc/self/cgroup", "4:memory:/x\n0::/\n", TREE "/memory/tasks", ""}});
    assert_none(&(struct tree){{"/proc/self/cgroup", "4:memory:/x\n", TREE "/cgroup.procs", "",
                                TREE "/cgroup.subtree_control", "memory\n"}});
    /* A word that only holds it. */
    assert_none(&(struct tree){{"/proc/self/cgroup", "0::/\n", TREE "/cgroup.procs", "",
                                TREE "/cgroup.subtree_control", "cpu memory.old\n"}});
}

static void a_killed_sweeps_empty_groups_are_removed(void **state) {
    (void)state;
    static const char *const left[] = {"headroom-2000000000-1", "headroom-1-1", "headroom-mine"};
    char root[64], group[MEMORY_GROUP_SIZE], path[256];
    machine_open(root);
    /* No process has so high a number, and the first is always there. */
    machine_add(root, TREE "/headroom-2000000000-1", NULL);
    machine_add(root, TREE "/headroom-1-1", NULL);
    machine_add(root, TREE "/headroom-mine", NULL);
    assert_true(make(root,
                     &(struct tree){{"/proc/self/cgroup", "0::/\n", TREE "/cgroup.procs", "",
                                     TREE "/cgroup.subtree_control", "memory\n"}},
                     group));
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        snprintf(path, sizeof path, "%s" TREE "/%s", root, left[i]);
        assert_int_equal(access(path, F_OK), i == 0 ? -1 : 0);
    }
    machine_close(root);
}

static void kills_are_counted_from_its_events(void **state) {
    (void)state;
    char root[64];
    machine_open(root);
    assert_int_equal(memory_group_kills(root), 0);
    machine_add(root, "/memory.events",
                "low 0\nhigh 5\nmax 9\noom 2\noom_kill 3\noom_group_kill 0\n");
    assert_int_equal(memory_group_kills(root), 3);
    machine_close(root);
}

/* What was tighter before stays so. */
static void without_a_group_the_process_limits_itself(void **state) {
    (void)state;
    struct rlimit before, after;
    assert_int_equal(getrlimit(RLIMIT_DATA, &before), 0);
    for (int64_t bytes = (int64_t)1 << 40; bytes > (int64_t)1 << 38; bytes /= 2) {
        assert_true(memory_bound_enter("", bytes));
        assert_true(memory_bound_enter("", (int64_t)1 << 41));
        assert_int_equal(getrlimit(RLIMIT_DATA, &after), 0);
        assert_int_equal(after.rlim_cur, bytes);
    }
    assert_int_equal(setrlimit(RLIMIT_DATA, &before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_that_gives_memory_has_one_below_it),
        cmocka_unit_test(else_one_stands_beside_it),
        cmocka_unit_test(what_holds_this_process_is_not_left),
        cmocka_unit_test(without_version_2_there_is_none),
        cmocka_unit_test(a_killed_sweeps_empty_groups_are_removed),
        cmocka_unit_test(kills_are_counted_from_its_events),
        cmocka_unit_test(without_a_group_the_process_limits_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
