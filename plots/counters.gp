# Do instructions fall with the heads as the FLOPs do, and how many of them miss? What valgrind simulated
# stands in rows of its own, which say so.
load "plots/style.gnuplot"
title_text = "Instructions and misses against heads that run"
counted = "FROM counter_rates WHERE " . plain_policy . "instructions_per_input IS NOT NULL"
asked = "instructions"

n_metrics = 4
array view[4] = ["instructions_vs_flops", "counter_rates", "counter_rates", "counter_rates"]
array column[4] = ["instructions_ratio", "l1d_misses_per_1000_instructions", \
    "llc_misses_per_1000_instructions", "branch_misses_per_1000_instructions"]
array role[4] = ["instructions", "l1d_misses", "llc_misses", "branch_misses"]
array label_of[4] = ["instructions / all heads", "L1D misses per 1,000 instructions", \
    "last-level misses per 1,000", "branch misses per 1,000"]
prediction = "flops_ratio" # of the first panel of a row
sources = "simulated: valgrind, on the build for any x86-64, with a cache of its own; "
predicted = "executed FLOPs / all heads"
load "plots/counter_panels.gnuplot"
