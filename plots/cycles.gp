# What does a cycle do when fewer heads run, and do the counted operations agree with the FLOP formula?
# Only hardware counts cycles: nothing here is simulated.
title_text = "Operations and cycles against heads that run"
sources = ""
predicted = "as the FLOP formula says"
prediction = formula

n_metrics = 3
array metric[3] = [fp_per_flop, instructions_per_cycle, flops_per_cycle]
array label_of[3] = ["FP operations counted, % of the formula", "instructions per cycle", "executed FLOPs per cycle"]
highest(m, t) = m == 1 ? high_fp_per_flop[t] : m == 2 ? high_instructions_per_cycle[t] : high_flops_per_cycle[t]
why(m, t) = m == 1 ? text_why_fp[t] : text_why_cycles[t]
load "counter_panels.gnuplot"
