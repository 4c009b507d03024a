/*
 * The joules of a card, by a made-up driver whose count moves in steps, under a made-up clock: that a
 * region is what was spent between two steps, that what others spend is seen, and that every reason
 * why there is no number is told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/measure/card_energy.h"
#include "harness/measure/turn.h"
#include "harness/store/statistics.h"

/* The made-up card: its clock, its watts at rest and at work, the seconds of a step of its count, and
 * how it answers. */
static struct {
    double now, step, rest_watts, work_watts, spent, pass_seconds;
    double drift; /* of the power at work, a second */
    int passes, energy_status, busy, init_status, find_status, n_processes, process_status;
    unsigned pid;
    unsigned long long process_bytes;
    double look_seconds; /* that asking takes, while nothing runs */
    bool stands_still;
    char pci[32];
} card;

static void advance(double seconds, double watts) {
    card.now += seconds;
    card.spent += seconds * watts;
}

static int call_init(void) {
    return card.init_status;
}

static int call_shutdown(void) {
    return 0;
}

static const char *call_error(int status) {
    return status == 4 ? "Insufficient Permissions" : "Not Supported";
}

static int call_find(const char *pci, void **out) {
    snprintf(card.pci, sizeof card.pci, "%s", pci);
    *out = &card;
    return card.find_status;
}

/* What was spent until the last step. */
static int call_energy(void *handle, unsigned long long *millijoules) {
    static double at, counted;
    assert_ptr_equal(handle, &card);
    advance(card.look_seconds, card.rest_watts);
    double step = floor(card.now / card.step);
    if (step != at && !card.stands_still) counted = card.spent;
    at = step;
    *millijoules = (unsigned long long)(1e3 * counted);
    return card.energy_status;
}

static int call_clock(void *handle, unsigned kind, unsigned *mhz) {
    (void)handle;
    *mhz = 1000 + kind;
    return 0;
}

static int call_most_clock(void *handle, unsigned kind, unsigned *mhz) {
    (void)handle;
    *mhz = 2000 + kind;
    return 0;
}

static int call_power_limit(void *handle, unsigned *milliwatts) {
    (void)handle;
    *milliwatts = 700000;
    return 0;
}

static int call_ecc(void *handle, int *now, int *pending) {
    (void)handle;
    *now = 1;
    *pending = 0;
    return 0;
}

static int call_busy(void *handle, unsigned percent[2]) {
    (void)handle;
    percent[0] = (unsigned)card.busy;
    percent[1] = 99;
    return 0;
}

static int call_memory(void *handle, unsigned long long bytes[3]) {
    (void)handle;
    bytes[0] = 80;
    bytes[1] = 50;
    bytes[2] = 30;
    return 0;
}

static int call_processes(void *handle, unsigned *n, struct card_process *process) {
    (void)handle;
    assert_true(*n >= 2);
    *n = (unsigned)card.n_processes;
    process[0] = (struct card_process){card.pid, card.process_bytes, 0, 0};
    process[1] = (struct card_process){card.pid + 1, 7, 0, 0};
    return card.process_status;
}

static const struct card_calls calls = {
    call_init,       call_shutdown,    call_error, call_find, call_energy, call_clock,
    call_most_clock, call_power_limit, call_ecc,   call_busy, call_memory, call_processes};

static double read_time(void) {
    return card.now;
}

static void rest_for(double seconds) {
    advance(seconds, card.rest_watts);
}

static const struct card_time made_up_time = {read_time, rest_for};

static int64_t process_eight_inputs(void *context) {
    advance(card.pass_seconds, card.work_watts + card.drift * card.now);
    card.passes++;
    assert_non_null(context);
    return 8;
}

static int restart(void **state) {
    (void)state;
    memset(&card, 0, sizeof card);
    card.step = 0.02;
    card.rest_watts = 70;
    card.work_watts = 370;
    card.pass_seconds = 0.0003;
    card.n_processes = 1;
    return 0;
}

static struct card_sensor *open_card(void) {
    struct card_sensor *sensor;
    char reason[CARD_REASON];
    if (!card_sensor_open_calls(&calls, "0000:1b:00.0", &sensor, reason)) fail_msg("%s", reason);
    assert_string_equal(card.pci, "0000:1b:00.0");
    return sensor;
}

static struct energy_result measure(int regions) {
    struct card_sensor *sensor = open_card();
    struct card_rest rest;
    struct energy_result row;
    int context = 0;
    card_rest_measure(sensor, &made_up_time, &rest);
    card_energy_measure(sensor, &made_up_time, &rest, regions, process_eight_inputs, &context,
                        &row);
    card_sensor_close(sensor);
    assert_string_equal(row.domain, "card");
    return row;
}

static void assert_within(double value, double expected, double share) {
    if (!(fabs(value - expected) <= share * fabs(expected)))
        fail_msg("%.9g is not %.9g", value, expected);
}

/* A step is seen up to a pass late, which is a tenth of a thousandth of a region. */
static void joules_of_an_input_are_those_between_two_steps(void **state) {
    (void)state;
    struct energy_result row = measure(3);
    assert_string_equal(row.reason, "");
    assert_within(row.joules_per_input, 370 * 0.0003 / 8, 1e-3);
    assert_within(row.seconds_per_input, 0.0003 / 8, 1e-6);
    assert_within(row.idle_watts, 70, 1e-3);
    assert_int_equal(row.n_regions, 3);
    assert_true(row.seconds >= 6 && row.seconds < 6.3);
    assert_true(row.ci95_half >= 0 && row.ci95_half < 1e-3 * row.joules_per_input);
}

/* A card that gets warmer by so many watts a second: the mean of the regions, with an interval that
 * says so. 2.34 s lie between the beginnings of two, and n numbers in a row, x apart, have the
 * deviation x sqrt(n (n + 1) / 12). */
static void regions_that_differ_widen_the_interval(void **state) {
    (void)state;
    for (int n = 2; n <= CARD_REGIONS_MAX; n++) {
        restart(NULL);
        card.drift = 5;
        struct energy_result row = measure(n);
        double x = card.drift * 2.34 * 0.0003 / 8, deviation = x * sqrt(n * (n + 1) / 12.0);
        assert_int_equal(row.n_regions, n);
        assert_within(row.ci95_half, student_quantile(0.05, n - 1) * deviation / sqrt(n), 0.01);
    }
    assert_true(isnan(measure(1).ci95_half));
    restart(NULL);
    struct energy_result row = measure(CARD_REGIONS_MAX + 2); /* as many as there is room for */
    assert_int_equal(row.n_regions, CARD_REGIONS_MAX);
    assert_within(row.joules_per_input, 370 * 0.0003 / 8, 0.01);
}

/* As an H100 in a virtual machine answers: 3.5 ms for a look, a step every 100 ms. Looking all the time
 * from the end of the second second on would be 5% of a region. */
static void looks_that_take_longer_than_passes_are_few(void **state) {
    (void)state;
    card.step = 0.1;
    card.look_seconds = 0.0035;
    struct energy_result row = measure(3);
    assert_string_equal(row.reason, "");
    assert_within(row.joules_per_input, 370 * 0.0003 / 8, 0.01);
    assert_within(row.seconds_per_input, 0.0003 / 8, 0.01);
    assert_within(row.idle_watts, 70, 1e-2);
    assert_within(row.seconds, 6.0, 0.01);
}

static void a_pass_longer_than_a_step_is_measured_all_the_same(void **state) {
    (void)state;
    card.pass_seconds = 0.7;
    struct energy_result row = measure(2);
    assert_string_equal(row.reason, "");
    assert_within(row.joules_per_input, 370 * 0.7 / 8, 0.02);
}

static void what_the_card_does_not_tell_is_a_reason(void **state) {
    (void)state;
    struct card_sensor *sensor;
    char reason[CARD_REASON];
    card.stands_still = true;
    struct energy_result row = measure(3);
    assert_true(isnan(row.joules_per_input));
    assert_non_null(strstr(row.reason, "stood still"));
    restart(NULL);
    card.energy_status = 3;
    row = measure(3);
    assert_string_equal(row.reason, "the NVIDIA driver does not tell energy: Not Supported");
    assert_int_equal(card.passes > 0, 1); /* warm, and then asked */
    card.energy_status = 4;
    assert_non_null(strstr(measure(3).reason, "Permissions; run as root"));
    restart(NULL);
    row = measure(0);
    assert_non_null(strstr(row.reason, "card_energy: off"));
    assert_int_equal(card.passes, 0);
    card.find_status = 6;
    assert_false(card_sensor_open_calls(&calls, "0000:1b:00.0", &sensor, reason));
    assert_non_null(strstr(reason, "0000:1b:00.0"));
    card.init_status = 9;
    assert_false(card_sensor_open_calls(&calls, "0000:1b:00.0", &sensor, reason));
    assert_false(card_sensor_open_library("libno-such-driver.so.1", "0", &sensor, reason));
    assert_non_null(strstr(reason, "libno-such-driver.so.1 is not there"));
    assert_false(card_sensor_open_library("libm.so.6", "0", &sensor, reason));
    assert_non_null(strstr(reason, "nvmlInit_v2"));
    /* Here there is no driver, or none of its cards is in this place. */
    reason[0] = '\0';
    assert_false(card_sensor_open("ffff:ff:1f.0", &sensor, reason));
    assert_true(reason[0] != '\0');
    assert_null(sensor);
}

/* As a sweep does it: a process that stopped is continued when no other one measures. Between two
 * stops lies one region, so no two processes can be in one at a time. */
static void a_region_waits_for_its_turn(void **state) {
    (void)state;
    enum { REGIONS = 4 };
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv(TURN_VARIABLE, "1", 1);
        _exit(measure(REGIONS).n_regions);
    }
    int status, stops = 0;
    for (;;) {
        assert_int_equal(waitpid(child, &status, WUNTRACED), child);
        if (!WIFSTOPPED(status)) break;
        stops++;
        kill(child, SIGCONT);
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), REGIONS);
    assert_int_equal(stops, REGIONS);
}

static void others_on_the_card_are_seen_while_this_process_rests(void **state) {
    (void)state;
    struct card_sensor *sensor = open_card();
    struct card_rest rest;
    card_rest_measure(sensor, &made_up_time, &rest);
    assert_int_equal(rest.busy_percent, 0);
    assert_true(card.now >= 3); /* longer than the driver looks back */
    card.busy = 37;
    card_rest_measure(sensor, &made_up_time, &rest);
    assert_int_equal(rest.busy_percent, 37);
    card_sensor_close(sensor);
}

static uint64_t read_value(enum card_quantity what) {
    struct card_sensor *sensor = open_card();
    uint64_t value = 0;
    char reason[CARD_REASON];
    if (!card_sensor_read(sensor, what, &value, reason)) fail_msg("%s", reason);
    card_sensor_close(sensor);
    return value;
}

static void every_quantity_is_the_driver_s_own(void **state) {
    (void)state;
    assert_int_equal(read_value(CARD_SM_MHZ), 1001);
    assert_int_equal(read_value(CARD_MEMORY_MHZ), 1002);
    assert_int_equal(read_value(CARD_SM_MOST_MHZ), 2001);
    assert_int_equal(read_value(CARD_MEMORY_MOST_MHZ), 2002);
    assert_int_equal(read_value(CARD_POWER_LIMIT_MW), 700000);
    assert_int_equal(read_value(CARD_ECC), 1);
    assert_int_equal(read_value(CARD_MEMORY_USED), 30);
}

static void memory_of_this_process_is_told_where_it_is_known_which_one_that_is(void **state) {
    (void)state;
    struct card_sensor *sensor = open_card();
    uint64_t value;
    char reason[CARD_REASON];
    card.process_bytes = 5000;
    card.pid = (unsigned)getpid();
    card.n_processes = 2;
    assert_int_equal(read_value(CARD_PROCESS_MEMORY), 5000);
    card.pid = (unsigned)getpid() + 10; /* numbered from outside */
    assert_false(card_sensor_read(sensor, CARD_PROCESS_MEMORY, &value, reason));
    assert_non_null(strstr(reason, "several use the card"));
    card.n_processes = 1;
    assert_int_equal(read_value(CARD_PROCESS_MEMORY), 5000);
    card.process_bytes = ~0ULL;
    assert_false(card_sensor_read(sensor, CARD_PROCESS_MEMORY, &value, reason));
    assert_non_null(strstr(reason, "how much memory a process uses"));
    card.n_processes = 0;
    assert_false(card_sensor_read(sensor, CARD_PROCESS_MEMORY, &value, reason));
    assert_non_null(strstr(reason, "no process"));
    card.process_status = 3;
    assert_false(card_sensor_read(sensor, CARD_PROCESS_MEMORY, &value, reason));
    assert_non_null(strstr(reason, "does not tell which processes use it: Not Supported"));
    card_sensor_close(sensor);
}

static void a_rest_is_as_long_as_it_is_asked_to_be(void **state) {
    (void)state;
    double start = card_time_real.now();
    card_time_real.rest(0.01);
    assert_true(card_time_real.now() - start >= 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(joules_of_an_input_are_those_between_two_steps, restart),
        cmocka_unit_test_setup(regions_that_differ_widen_the_interval, restart),
        cmocka_unit_test_setup(looks_that_take_longer_than_passes_are_few, restart),
        cmocka_unit_test_setup(a_pass_longer_than_a_step_is_measured_all_the_same, restart),
        cmocka_unit_test_setup(what_the_card_does_not_tell_is_a_reason, restart),
        cmocka_unit_test_setup(a_region_waits_for_its_turn, restart),
        cmocka_unit_test_setup(others_on_the_card_are_seen_while_this_process_rests, restart),
        cmocka_unit_test_setup(every_quantity_is_the_driver_s_own, restart),
        cmocka_unit_test_setup(memory_of_this_process_is_told_where_it_is_known_which_one_that_is,
                               restart),
        cmocka_unit_test(a_rest_is_as_long_as_it_is_asked_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
