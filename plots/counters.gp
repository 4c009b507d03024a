# What do the processor's counters say of a budget? Against the heads that run: instructions relative to
# all heads, misses per 1,000 instructions, instructions and FLOPs per cycle. A row is one workload,
# batch size and source: what valgrind simulated and what hardware counted never share a panel.
load "plots/style.gnuplot"
title_text = "Counters against heads that run"

counted = "FROM counter_rates WHERE " . plain_policy . "instructions_per_input IS NOT NULL"
groups = "(SELECT DISTINCT workload, batch_size, source " . counted . " ORDER BY workload, source, batch_size)"
n_groups = int(answer("SELECT min(12, count(*)) FROM " . groups))
if (n_groups == 0) { load "plots/no_data.gnuplot"; exit }
group_of(i) = sprintf("(workload, batch_size, source) = (SELECT * FROM " . groups . " LIMIT 1 OFFSET %d)", i)

n_metrics = 4
array view[4] = ["instructions_vs_flops", "counter_rates", "counter_rates", "counter_rates"]
array column[4] = ["instructions_ratio", "l1d_misses_per_1000_instructions", "instructions_per_cycle", "flops_per_cycle"]
array label_of[4] = ["instructions / all heads", "L1D misses per 1,000 instructions", "instructions per cycle", "executed FLOPs per cycle"]
from(i, m) = sprintf("FROM %s WHERE " . plain_policy . "%s AND %s IS NOT NULL", view[m], group_of(i), column[m])
policies(i, m) = answer("SELECT group_concat(policy, ' ') FROM (SELECT DISTINCT policy " . from(i, m) . " ORDER BY policy)")
points(i, m, p) = rows(sprintf("SELECT avg(mean_heads), avg(%s) %s AND policy = '%s' GROUP BY arm ORDER BY 1", column[m], from(i, m), p))
formula(i) = rows("SELECT avg(mean_heads), avg(flops_ratio) " . from(i, 1) . " GROUP BY arm ORDER BY 1")

caption_height = 68
eval start(n_metrics * n_groups, n_metrics, n_policies(counted) + 1)
set multiplot
set key off
right = 1.06 * real(answer("SELECT max(1, max(mean_heads)) " . counted))
set xrange [0 : right]
all_policies = ""
do for [i = 0 : n_groups - 1] {
    do for [m = 1 : n_metrics] {
        eval panel(i * n_metrics + m - 1)
        present = policies(i, m)
        set title answer("SELECT DISTINCT " . line("workload") . " || ', batch ' || batch_size || ', ' || source " . counted . " AND " . group_of(i))
        set xlabel "heads per layer" offset 0, nearer
        set ylabel label_of[m]
        if (present eq "") {
            set yrange [0 : 1]
            set format y ""
            set label 1 (answer("SELECT DISTINCT source " . counted . " AND " . group_of(i)) eq "simulated" ? "valgrind knows no cycles" : "not counted") \
                at graph 0.5, 0.5 center textcolor rgb faint
            plot -1
            unset label 1
            set format y "%g"
        } else {
            top = real(answer(sprintf("SELECT 1.15 * max(%s) %s", column[m], from(i, m))))
            set yrange [0 : top > 0 ? top : 1]
            eval "plot " . (m == 1 ? "formula(i) using 1:2 with points pointtype 1 pointsize 2 * size_mark linecolor rgb faint, " : "") \
                . "for [p in present] points(i, m, p) using 1:2 " . mark_drawn
            do for [p in present] {
                if (!has(all_policies, p)) { all_policies = all_policies . " " . p }
            }
        }
    }
}
caption = "Points: mean over seeds (n = " . answer("SELECT " . range("n") . " FROM (SELECT count(*) AS n " . counted . " GROUP BY workload, batch_size, source, arm)") \
    . ") of counts per forward pass.\nsimulated: valgrind, on the build for any x86-64, with a cache of its own. measured: hardware counters." \
    . "\nMachine: " . machine
eval legend
eval "plot -1 notitle, for [p in all_policies] keyentry " . mark_drawn . " title described(p), " \
    . "keyentry with points pointtype 1 pointsize 2 * size_mark linecolor rgb faint title 'executed FLOPs / all heads'"
unset multiplot
