# Do instructions fall with the heads as the FLOPs do, and how many of them miss? What valgrind simulated
# stands in rows of its own, which say so.
title_text = "Instructions and misses against heads that run"
sources = "simulated: valgrind, on the build for any x86-64, with a cache of its own; "
predicted = "executed FLOPs, % of all heads"
prediction = flops_ratio # of the first panel of a row

n_metrics = 4
array metric[4] = [instructions_ratio, l1d_misses, llc_misses, branch_misses]
array label_of[4] = ["instructions, % of all heads", "L1D misses per 1,000 instructions", \
    "last-level misses per 1,000", "branch misses per 1,000"]
highest(m, t) = m == 1 ? high_instructions_ratio[t] : m == 2 ? high_l1d_misses[t] \
              : m == 3 ? high_llc_misses[t] : high_branch_misses[t]
why(m, t) = m == 1 ? text_why_instructions[t] : m == 2 ? text_why_l1d[t] : m == 3 ? text_why_llc[t] : text_why_branch[t]
load "counter_panels.gnuplot"
