# What bounds each phase of a forward pass: its speed against FLOPs per byte of its operands, below
# what this machine reaches there. One panel per workload and batch size; the roof is the memory
# bandwidth on the left and the speed of large products on the right.
load "plots/style.gnuplot"
title_text = "What bounds each phase: speed against FLOPs per byte"

measured = "FROM roofline r WHERE " . plain_policy . "roof_flops_per_second IS NOT NULL"
pairs = "(SELECT DISTINCT workload, batch_size " . measured . " ORDER BY workload, batch_size)"
n_panels = int(answer("SELECT count(*) FROM " . pairs))
if (n_panels == 0) { load "plots/no_data.gnuplot"; exit }
panel_of(i) = sprintf("(workload, batch_size) = (SELECT * FROM " . pairs . " LIMIT 1 OFFSET %d)", i)
dense = "EXISTS (SELECT 1 FROM dense_arm d WHERE (d.workload, d.arm) = (r.workload, r.arm))"
points(i, phase, which) = rows(sprintf("SELECT flops_per_byte, flops_per_second / 1e9 " . measured \
    . " AND %s AND phase = '%s' AND %s " . dense . " ORDER BY arm", panel_of(i), phase, which))
number(column, i) = real(answer(sprintf("SELECT avg(%s) " . measured . " AND %s", column, panel_of(i))))
phases_dense(i) = answer(sprintf("SELECT group_concat(phase, ' ') FROM (SELECT DISTINCT phase " . measured . " AND %s AND " . dense . ")", panel_of(i)))
phases_other(i) = answer(sprintf("SELECT group_concat(phase, ' ') FROM (SELECT DISTINCT phase " . measured . " AND %s AND NOT " . dense . ")", panel_of(i)))

computing = "embedding norm gate qkv map output ffn pool classifier" # every phase but gather
caption_height = 68 # three lines
n_batches = int(answer("SELECT count(DISTINCT batch_size) FROM " . pairs))
eval start(n_panels, n_batches < 2 || n_batches > 3 ? columns_for(n_panels) : n_batches, 10)
set multiplot
set key off
set logscale xy
low_x = real(answer("SELECT min(flops_per_byte) / 2 " . measured))
high_x = real(answer("SELECT 4 * max(max(flops_per_byte), max(sgemm_flops_per_second / triad_bytes_per_second)) " . measured))
low_y = real(answer("SELECT min(flops_per_second) / 2e9 " . measured))
high_y = real(answer("SELECT 3 * max(sgemm_flops_per_second) / 1e9 " . measured))
set xrange [low_x : high_x]
set yrange [low_y : high_y]
set format "%g"
do for [i = 0 : n_panels - 1] {
    eval panel(i)
    peak = number("sgemm_flops_per_second", i) / 1e9
    bandwidth = number("triad_bytes_per_second", i) / 1e9
    set title answer("SELECT " . line("workload") . " || ', batch ' || batch_size FROM " . pairs . sprintf(" LIMIT 1 OFFSET %d", i))
    set xlabel "FLOPs per byte of operands" offset 0, nearer
    set ylabel (i % n_columns == 0 ? "GFLOP/s" : "")
    set label 2 sprintf("%.3g GFLOP/s", peak) at graph 0.98, first peak * 1.35 right font sprintf(",%d", size_small) textcolor rgb faint
    set label 3 sprintf("%.3g GB/s", bandwidth) at graph 0.03, first peak * 1.35 left font sprintf(",%d", size_small) textcolor rgb faint
    eval "plot (x * bandwidth < peak ? x * bandwidth : peak) with lines linecolor rgb faint linewidth 1.5" \
        . (phases_other(i) eq "" ? "" : ", for [p in phases_other(i)] points(i, p, 'NOT') using 1:2 " . phase_drawn . " * 0.6") \
        . (phases_dense(i) eq "" ? "" : ", for [p in phases_dense(i)] points(i, p, '') using 1:2 " . phase_drawn . " * 1.7")
}
unset logscale
caption = "Large marks: all heads; small: the other arms. Means over seeds (n = " \
    . answer("SELECT " . range("n_seeds") . " " . measured) . " per arm); time includes the markers' own.\n" \
    . "Roof: sgemm peak, and triad bandwidth from memory; operands in cache may stand above the slanted part.\n" \
    . "Machine: " . machine
unset label 3
eval legend
eval "plot -1 notitle, for [p in computing] keyentry " . phase_drawn . " title p, " \
    . "keyentry with lines linecolor rgb faint linewidth 1.5 title 'what this machine reaches'"
unset multiplot
