# What does a cycle do when fewer heads run, and do the counted operations agree with the FLOP formula?
# Only hardware counts cycles: nothing here is simulated.
load "plots/style.gnuplot"
title_text = "Operations and cycles against heads that run"
counted = "FROM counter_rates WHERE " . plain_policy . "source <> 'simulated' AND " \
    . "coalesce(fp_operations_per_flop, instructions_per_cycle, flops_per_cycle) IS NOT NULL"
asked = "cycles"

n_metrics = 3
array view[3] = ["counter_rates", "counter_rates", "counter_rates"]
array column[3] = ["fp_operations_per_flop", "instructions_per_cycle", "flops_per_cycle"]
array role[3] = ["fp_operations", "cycles", "cycles"]
array label_of[3] = ["FP operations counted / formula", "instructions per cycle", "executed FLOPs per cycle"]
prediction = "1"
sources = ""
predicted = "as the FLOP formula says"
load "plots/counter_panels.gnuplot"
