# Does leaving heads out save time, or only FLOPs? Time against executed FLOPs, both relative to the
# arm that runs all heads: one panel per workload and batch size. On the dashed line, saved FLOPs are
# saved time; above it, they are not.
load "plots/style.gnuplot"
title_text = "What do skipped heads save? Time against executed FLOPs"

measured = "FROM latency_vs_flops l JOIN accuracy_vs_budget a USING (workload, arm) WHERE " . plain_policy . "time_ratio IS NOT NULL"
pairs = "(SELECT DISTINCT workload, batch_size " . measured . " ORDER BY workload, batch_size)"
n_panels = int(answer("SELECT count(*) FROM " . pairs))
if (n_panels == 0) { load "plots/no_data.gnuplot"; exit }
panel_of(i) = sprintf("(workload, batch_size) = (SELECT * FROM " . pairs . " LIMIT 1 OFFSET %d)", i)
policies(i) = answer(sprintf("SELECT group_concat(policy, ' ') FROM (SELECT DISTINCT policy " . measured \
    . " AND %s ORDER BY policy = 'budgetformer', policy)", panel_of(i)))
points(i, p) = rows(sprintf("SELECT flops_ratio, time_ratio, " \
    . "latency_ns_mad * time_ratio / latency_ns_median, %s " \
    . measured . " AND %s AND policy = '%s' ORDER BY flops_ratio", cost_label, panel_of(i), p))

# What the caption counts is in no view: the forward passes of one model, and the models of one arm.
runs = "FROM (SELECT count(DISTINCT t.id) AS models, count(*) / count(DISTINCT t.id) AS passes FROM trial t " \
    . "JOIN profile p ON p.trial_id = t.id JOIN profile_sample s ON s.profile_id = p.id " \
    . "WHERE t.current = 1 AND t.kind = 'profile' AND t.status = 'ok' GROUP BY t.workload_id, t.arm, p.batch_size)"
passes = answer("SELECT " . range("passes") . " " . runs)
models = answer("SELECT " . range("models") . " " . runs)

# How far the times of one model, profiled twice, lie apart: the larger of the arms where it was done.
noise = "SELECT coalesce(max(noise_floor), 0) FROM noise_floor WHERE (workload, batch_size) IN (SELECT workload, batch_size " \
    . measured
banded = real(answer("SELECT count(*) FROM noise_floor WHERE noise_floor IS NOT NULL")) > 0

caption_height = 68 # three lines
# One column per batch size, so that a workload is a row.
n_batches = int(answer("SELECT count(DISTINCT batch_size) FROM " . pairs))
eval start(n_panels, n_batches < 2 || n_batches > 3 ? columns_for(n_panels) : n_batches, n_policies(measured) + 1)
set multiplot
set key off
top = real(answer("SELECT max(1, max(time_ratio + latency_ns_mad * time_ratio / latency_ns_median)) + 0.15 " . measured))
right = real(answer("SELECT max(1.06, max(flops_ratio) + 0.06) " . measured))
set xrange [-0.04:right]
set yrange [0:top]
set xtics 0, 0.25
set ytics 0, 0.25
all_policies = ""
do for [i = 0 : n_panels - 1] {
    eval panel(i)
    set title answer("SELECT " . line("workload") . " || ', batch ' || batch_size || ': all heads take ' " \
        . "|| CASE WHEN dense < 1e6 THEN format('%.3g µs', dense / 1e3) ELSE format('%.3g ms', dense / 1e6) END " \
        . "FROM (SELECT workload, batch_size, min(latency_ns_median / time_ratio) AS dense " . measured \
        . " AND " . panel_of(i) . ")")
    set xlabel "executed FLOPs / all heads" offset 0, nearer
    set ylabel (i % n_columns == 0 ? "time / all heads" : "")
    present = policies(i)
    floor = real(answer(noise . " AND " . panel_of(i) . ")")) # 0: no band
    set object 1 rectangle from graph 0, first 1 - floor to graph 1, first 1 + floor \
        back fillcolor rgb "#E8E8E8" fillstyle solid noborder
    eval "plot x with lines linecolor rgb faint dashtype 2, " \
        . "for [p in present] points(i, p) using 1:($2 - $3):(0):(2 * $3) " . bar_drawn . ", " \
        . "for [p in present] points(i, p) using 1:2 " . mark_drawn \
        . if_has(present, "budgetformer", "points(i, 'budgetformer') " \
                 . "using 1:(int($0) % 2 ? $2 + $3 + 0.05 * top : $2 - $3 - 0.05 * top):4 " . cost_drawn)
    do for [p in present] {
        if (!has(all_policies, p)) { all_policies = all_policies . " " . p }
    }
}
caption = "Points: median of " . passes . " forward passes of " . (models eq "1" \
    ? "one trained model per arm (n = 1 seed).\nBars: median absolute deviation within that run. " \
    : "each of an arm's trained models (n = " . models . " seeds), pooled.\nBars: median absolute deviation within those runs. ") \
    . (banded ? "Grey band: two profiles of one model differ by as much (95%). " : "") \
    . "Left out: times with a warning, or from another environment.\nMachine: " . machine
unset object 1
eval legend
eval "plot -1 notitle, for [p in all_policies] keyentry " . mark_drawn . " title described(p), " \
    . "keyentry with lines linecolor rgb faint dashtype 2 title 'time falls as FLOPs do'"
unset multiplot
