/*
 * A sheet from a few rows that a test writes down.
 */
#ifndef HEADROOM_TESTS_HARNESS_PLOT_SHEET_FIXTURE_H
#define HEADROOM_TESTS_HARNESS_PLOT_SHEET_FIXTURE_H

#include "harness/plot/sheet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { COLUMNS = 6 };
static const char *const column_names[COLUMNS] = {"x",      "workload", "arm",
                                                  "series", "panel",    "reason"};

static inline void read_rows(struct sheet *sheet, const struct sheet_choice *choice,
                             const char *const (*rows)[COLUMNS], size_t n) {
    static const struct sheet_choice all = {0};
    struct sheet_reading reading = {.sheet = sheet, .choice = choice ? choice : &all};
    for (size_t i = 0; i < n; i++)
        assert_true(sheet_read_row(&reading, COLUMNS, column_names, rows[i]));
    assert_false(reading.failed);
}

#endif
