# Which phases does a forward pass spend its time in, and how does that change with the heads that run?
# One panel per workload and batch size; what does not shrink with the heads gains share.
load "plots/style.gnuplot"
title_text = "Where the time goes, against heads that run"

measured = "FROM phase_by_budget WHERE " . plain_policy . "1"
pairs = "(SELECT DISTINCT workload, batch_size " . measured . " ORDER BY workload, batch_size)"
n_panels = int(answer("SELECT count(*) FROM " . pairs))
if (n_panels == 0) { load "plots/no_data.gnuplot"; exit }
panel_of(i) = sprintf("(workload, batch_size) = (SELECT * FROM " . pairs . " LIMIT 1 OFFSET %d)", i)
points(i, phase, which) = rows(sprintf("SELECT mean_heads, 100 * time_share " . measured \
    . " AND %s AND phase = '%s' AND policy %s 'fixed' ORDER BY mean_heads", panel_of(i), phase, which))
phases(i, which) = answer(sprintf("SELECT group_concat(phase, ' ') FROM (SELECT DISTINCT phase " . measured \
    . " AND %s AND policy %s 'fixed')", panel_of(i), which))

caption_height = 68 # three lines
n_batches = int(answer("SELECT count(DISTINCT batch_size) FROM " . pairs))
eval start(n_panels, n_batches < 2 || n_batches > 3 ? columns_for(n_panels) : n_batches, 10)
set multiplot
set key off
right = 1.06 * real(answer("SELECT max(1, max(mean_heads)) " . measured))
top = 1.1 * real(answer("SELECT 100 * max(time_share) " . measured))
set xrange [0 : right]
set yrange [0 : top]
do for [i = 0 : n_panels - 1] {
    eval panel(i)
    set title answer("SELECT " . line("workload") . " || ', batch ' || batch_size FROM " . pairs . sprintf(" LIMIT 1 OFFSET %d", i))
    set xlabel "heads per layer" offset 0, nearer
    set ylabel (i % n_columns == 0 ? "% of the time" : "")
    fixed = phases(i, '=')
    others = phases(i, '<>')
    eval "plot -1" \
        . (fixed eq "" ? "" : ", for [p in fixed] points(i, p, '=') using 1:2 with lines linewidth 1.2 linecolor rgb colour_of(p)" \
                            . ", for [p in fixed] points(i, p, '=') using 1:2 " . phase_drawn . " * 1.5") \
        . (others eq "" ? "" : ", for [p in others] points(i, p, '<>') using 1:2 " . phase_drawn . " * 0.7")
}
caption = "Lines: k fixed heads; small marks: the other arms. Means over seeds (n = " \
    . answer("SELECT " . range("n_seeds") . " " . measured) . " per arm)\nof passes with a marker between the phases" \
    . answer("SELECT printf(', which takes %.2g to %.2g%% of the time', 100 * low, 100 * high) FROM " \
             . "(SELECT min(marks_share) AS low, max(marks_share) AS high FROM phase_cost) WHERE low IS NOT NULL") \
    . ".\nMachine: " . machine
eval legend
eval "plot -1 notitle, for [p in every_phase] keyentry " . phase_drawn . " * 1.5 title p"
unset multiplot
