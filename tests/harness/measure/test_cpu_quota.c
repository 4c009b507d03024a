/*
 * Quotas of processor time as made-up machines have them: both versions of control groups, groups
 * in groups, containers; and what is said of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "harness/measure/cpu_quota.h"
#include "tests/harness/measure/machine.h"

#define V1 "/sys/fs/cgroup/cpu,cpuacct"
#define V2 "/sys/fs/cgroup"

/* Files and their texts, in pairs. */
struct tree {
    const char *file[12];
};

static struct cpu_quota read_tree(const struct tree *tree) {
    char root[64];
    machine_open(root);
    for (int i = 0; tree->file[i]; i += 2) machine_add(root, tree->file[i], tree->file[i + 1]);
    struct cpu_quota quota = cpu_quota_read(root);
    machine_close(root);
    return quota;
}

static void assert_none(const struct tree *tree) {
    struct cpu_quota quota = read_tree(tree);
    assert_true(isnan(quota.cores));
    assert_int_equal(quota.periods, -1);
    assert_int_equal(quota.throttled, -1);
}

static void assert_quota(const struct tree *tree, double cores, int periods, int throttled) {
    struct cpu_quota quota = read_tree(tree);
    if (!(fabs(quota.cores - cores) < 1e-9)) fail_msg("%g cores instead of %g", quota.cores, cores);
    assert_int_equal(quota.periods, periods);
    assert_int_equal(quota.throttled, throttled);
}

static const char throttled[] = "usage_usec 7\nnr_periods 101\nnr_throttled 98\nthrottled_usec 5\n";

static void version_2_says_quota_and_period_in_one_line(void **state) {
    (void)state;
    assert_quota(&(struct tree){{"/proc/self/cgroup", "0::/job\n", V2 "/job/cpu.max",
                                 "150000 100000\n", V2 "/job/cpu.stat", throttled}},
                 1.5, 101, 98);
    assert_none(&(struct tree){{"/proc/self/cgroup", "0::/job\n", V2 "/job/cpu.max", "max 100000\n",
                                V2 "/job/cpu.stat", throttled}});
}

static void version_1_says_them_in_two_files_of_the_controllers_tree(void **state) {
    (void)state;
    static const char groups[] = "12:cpuset:/other\n4:cpu,cpuacct:/job\n1:name=systemd:/x\n0::/y\n";
    assert_quota(
        &(struct tree){{"/proc/self/cgroup", groups, V1 "/job/cpu.cfs_quota_us", "50000\n",
                        V1 "/job/cpu.cfs_period_us", "100000\n", V1 "/job/cpu.stat",
                        "nr_periods 101\nnr_throttled 98\nthrottled_time 5\n", V2 "/y/cpu.max",
                        "10000 100000\n"}}, /* of a tree that has not the controller */
        0.5, 101, 98);
    assert_none(&(struct tree){{"/proc/self/cgroup", groups, V1 "/job/cpu.cfs_quota_us", "-1\n",
                                V1 "/job/cpu.cfs_period_us", "100000\n"}});
    assert_quota(
        &(struct tree){{"/proc/self/cgroup", "1:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
                        "200000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "50000\n"}},
        4, -1, -1);
}

static void the_tightest_of_the_groups_around_holds(void **state) {
    (void)state;
    assert_quota(&(struct tree){{"/proc/self/cgroup", "0::/a/b/c\n", V2 "/a/b/c/cpu.max",
                                 "400000 100000\n", V2 "/a/b/cpu.max", "max 100000\n",
                                 V2 "/a/cpu.max", "200000 100000\n", V2 "/a/cpu.stat", throttled}},
                 2, 101, 98);
    assert_quota(
        &(struct tree){{"/proc/self/cgroup", "0::/a/b\n", V2 "/a/b/cpu.max", "100000 100000\n",
                        V2 "/a/b/cpu.stat", throttled, V2 "/a/cpu.max", "200000 100000\n"}},
        1, 101, 98);
    assert_none(&(struct tree){
        {"/proc/self/cgroup", "0::/ab\n", V2 "/a/cpu.max", "200000 100000\n"}}); /* a neighbour's */
}

/* The path is the host's and the tree begins with the container. */
static void a_containers_quota_stands_at_the_trees_root(void **state) {
    (void)state;
    assert_quota(&(struct tree){{"/proc/self/cgroup", "0::/\n", V2 "/cpu.max", "50000 100000\n",
                                 V2 "/cpu.stat", throttled}},
                 0.5, 101, 98);
    assert_quota(
        &(struct tree){{"/proc/self/cgroup", "4:cpu,cpuacct:/docker/0123\n", V1 "/cpu.cfs_quota_us",
                        "50000\n", V1 "/cpu.cfs_period_us", "100000\n", V1 "/cpu.stat", throttled}},
        0.5, 101, 98);
}

static void what_cannot_be_read_is_no_quota(void **state) {
    (void)state;
    assert_none(&(struct tree){{NULL}});
    assert_none(&(struct tree){{"/proc/self/cgroup", ""}});
    assert_none(&(struct tree){{"/proc/self/cgroup", "nonsense\n1:\n"}});
    assert_none(&(struct tree){{"/proc/self/cgroup", "0::/a\n", V2 "/a/cpu.max", "\n"}});
    assert_none(&(struct tree){{"/proc/self/cgroup", "0::/a\n", V2 "/a/cpu.max", "5 0\n"}});
    assert_none(&(struct tree){{"/proc/self/cgroup", "0::/a\n", V2 "/a/cpu.max", "50000\n"}});
}

static int cores_under(const char *max) {
    char root[64];
    machine_open(root);
    machine_add(root, "/proc/self/cgroup", "0::/\n");
    machine_add(root, V2 "/cpu.max", max);
    int cores = cpu_quota_cores(root);
    machine_close(root);
    return cores;
}

static void whole_cores_of_a_quota_count_and_never_none(void **state) {
    (void)state;
    int all = cores_under("max 100000\n");
    assert_true(all >= 1);
    assert_int_equal(cores_under("10000 100000\n"), 1);
    assert_int_equal(cores_under("199999 100000\n"), 1);
    assert_int_equal(cores_under("200000 100000\n"), all < 2 ? all : 2);
    assert_int_equal(cores_under("999999999 1000\n"), all);
}

static void periods_between_two_readings_are_told(void **state) {
    (void)state;
    struct cpu_quota before = {0.5, 1000, 400}, after = {0.5, 1101, 498}, none = {NAN, -1, -1};
    char said[128] = "nothing";
    cpu_quota_describe(&before, &before, said, sizeof said);
    cpu_quota_describe(&none, &after, said, sizeof said);
    cpu_quota_describe(&before, &none, said, sizeof said);
    assert_string_equal(said, "nothing");
    cpu_quota_describe(&before, &after, said, sizeof said);
    assert_string_equal(said, "throttled in 98 of 101 periods by a CPU quota of 0.50 cores");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_2_says_quota_and_period_in_one_line),
        cmocka_unit_test(version_1_says_them_in_two_files_of_the_controllers_tree),
        cmocka_unit_test(the_tightest_of_the_groups_around_holds),
        cmocka_unit_test(a_containers_quota_stands_at_the_trees_root),
        cmocka_unit_test(what_cannot_be_read_is_no_quota),
        cmocka_unit_test(whole_cores_of_a_quota_count_and_never_none),
        cmocka_unit_test(periods_between_two_readings_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
