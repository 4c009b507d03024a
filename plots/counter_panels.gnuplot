# The body of figures about counters: a row of panels for each workload, batch size and source, so that
# simulated, multiplexed and measured counts never share one; a panel for each metric against the heads
# that run. A panel, or a figure, without a count gives the reason. The script that loads this says
# which rows are `counted`, which role is `asked` for, the metrics, and what the caption adds.
most_rows = 12
groups = "(SELECT DISTINCT workload, batch_size, source " . counted . " ORDER BY workload, source, batch_size)"
n_known = int(answer("SELECT count(*) FROM " . groups))
n_groups = n_known < most_rows ? n_known : most_rows
if (n_groups == 0) {
    why = folded("SELECT coalesce('no " . asked . " were counted: ' || max(reason), 'no data yet') FROM counter_by_batch " \
        . "WHERE role = '" . asked . "' AND reason <> ''", 80)
    why = why eq "no data yet" ? why : why . "\n\nMachine: " . machine
    load "plots/no_data.gnuplot"
    exit
}
group_of(i) = sprintf("(workload, batch_size, source) = (SELECT * FROM " . groups . " LIMIT 1 OFFSET %d)", i)
of_group(i, what) = answer("SELECT DISTINCT " . what . " " . counted . " AND " . group_of(i))
from(i, m) = sprintf("FROM %s WHERE " . plain_policy . "%s AND %s IS NOT NULL", view[m], group_of(i), column[m])
policies(i, m) = answer("SELECT group_concat(policy, ' ') FROM (SELECT DISTINCT policy " . from(i, m) . " ORDER BY policy)")
points(i, m, p) = rows(sprintf("SELECT avg(mean_heads), avg(%s) %s AND policy = '%s' GROUP BY arm ORDER BY 1", column[m], from(i, m), p))
formula(i) = rows(sprintf("SELECT avg(mean_heads), avg(%s) %s GROUP BY arm ORDER BY 1", prediction, from(i, 1)))
reason(i, m) = folded(sprintf("SELECT 'not counted: ' || coalesce(nullif(max(reason), ''), 'a count to compare with is missing') " \
    . "FROM counter_by_batch WHERE role = '%s' AND (scope = 'simulator') = (SELECT source = 'simulated' FROM %s LIMIT 1 OFFSET %d) " \
    . "AND (workload, batch_size) = (SELECT workload, batch_size FROM %s LIMIT 1 OFFSET %d)", role[m], groups, i, groups, i), 38)

caption_height = 68 # three lines
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
        set title of_group(i, line("workload") . " || ', batch ' || batch_size || ', ' || source")
        set xlabel "heads per layer" offset 0, nearer
        set ylabel label_of[m]
        if (present eq "") {
            set yrange [0 : 1]
            set format y ""
            set label 1 reason(i, m) at graph 0.5, 0.6 center textcolor rgb faint
            plot -1
            unset label 1
            set format y "%g"
        } else {
            top = real(answer(sprintf("SELECT 1.15 * max(%s) %s", column[m], from(i, m))))
            top = m == 1 && top < 1.15 ? 1.15 : top
            set yrange [0 : top > 0.01 ? top : 0.01] # less is none
            eval "plot " . (m == 1 ? "formula(i) using 1:2 with points pointtype 1 pointsize 2 * size_mark linecolor rgb faint, " : "") \
                . "for [p in present] points(i, m, p) using 1:2 " . mark_drawn
            do for [p in present] {
                if (!has(all_policies, p)) { all_policies = all_policies . " " . p }
            }
        }
    }
}
caption = "Points: mean over seeds (n = " . answer("SELECT " . range("n") . " FROM (SELECT count(*) AS n " . counted . " GROUP BY workload, batch_size, source, arm)") \
    . ") of counts per forward pass" . (n_known > n_groups ? sprintf("; the first %d of %d rows", n_groups, n_known) : "") \
    . ".\n" . sources . "measured: hardware counters; multiplexed: the same, scaled up.\nMachine: " . machine
eval legend
eval "plot -1 notitle, for [p in all_policies] keyentry " . mark_drawn . " title described(p), " \
    . "keyentry with points pointtype 1 pointsize 2 * size_mark linecolor rgb faint title predicted"
unset multiplot
