# Every method beside every other: accuracy with its interval, sorted, and the FLOPs that it executes.
# One row per arm and one block per workload; of workloads that tune their arms, if there are any.
load "plots/style.gnuplot"
title_text = "Methods: accuracy, and executed FLOPs as a share of all heads"

tuned = "(SELECT workload FROM accuracy_by_seed WHERE n_tuning_trials > 1)"
arms = "FROM methods WHERE " . plain_policy . "(workload IN " . tuned . " OR NOT EXISTS " . tuned . ")"
workloads = "(SELECT workload, count(*) AS n " . arms . " GROUP BY workload ORDER BY workload)"
n_panels = int(answer("SELECT count(*) FROM " . workloads))
if (n_panels == 0) { load "plots/no_data.gnuplot"; exit }
workload(i) = sprintf("workload = (SELECT workload FROM " . workloads . " LIMIT 1 OFFSET %d)", i)
rows_of(i) = int(answer(sprintf("SELECT n FROM " . workloads . " LIMIT 1 OFFSET %d", i)))
policies(i) = answer(sprintf("SELECT group_concat(policy, ' ') FROM (SELECT DISTINCT policy " . arms . " AND %s)", workload(i)))
# place from the top, accuracy, its bar, executed share, heads, name
placed(i) = "SELECT row_number() OVER (ORDER BY accuracy DESC, executed_flops, arm) - 1 AS place, accuracy, " \
    . "max(0, coalesce(accuracy_ci95_low, accuracy)) AS low, min(1, coalesce(accuracy_ci95_high, accuracy)) AS high, " \
    . "executed_flops / dense_flops AS share, mean_heads, substr(" . line("arm") . ", 1, 30) AS name, policy " . arms . " AND " . workload(i)
points(i, p) = rows(sprintf("SELECT place, accuracy, low, high FROM (%s) WHERE policy = '%s' ORDER BY place", placed(i), p))

# ---- geometry: two panels side by side, as high as they have rows ----

row_height = 19
names_width = 215
left_width = 380
right_width = 230
middle = 30
above = 105 # the figure's title and the first block's
between = 95 # axis label of one block, title of the next
legend_top = above
do for [i = 0 : n_panels - 1] { legend_top = legend_top + (rows_of(i) + 1) * row_height + between }
legend_columns = 1
caption_height = 68
width = names_width + left_width + middle + right_width + space_right + 20
height = legend_top + caption_height - 20
load "plots/open.gnuplot"

set multiplot
set key off
set grid noytics
top = above
do for [i = 0 : n_panels - 1] {
    n = rows_of(i)
    bottom = top + (n + 1) * row_height
    present = policies(i)
    set yrange [n : -1]
    set title answer("SELECT " . line("workload") . " FROM workload_status WHERE " . workload(i))
    set xlabel "test accuracy" offset 0, nearer
    eval box(names_width, names_width + left_width, top, bottom)
    low = real(answer("SELECT min(low) FROM (" . placed(i) . ")"))
    high = real(answer("SELECT max(high) FROM (" . placed(i) . ")"))
    low = high - low < 0.1 ? high - 0.1 : low
    set xrange [low - 0.03 * (high - low) : high + 0.03 * (high - low)]
    set xtics autofreq
    chance = real(answer("SELECT coalesce(1.0 / n_classes, 0) FROM workload_status WHERE " . workload(i)))
    if (chance >= low) { set arrow 1 from chance, graph 0 to chance, graph 1 nohead linecolor rgb faint dashtype 2 }
    set ytics nomirror () # from the data
    eval "plot rows('SELECT place, name FROM (' . placed(i) . ') ORDER BY place') using (low):1:yticlabels(2) with points pointtype 0 linecolor rgb faint, " \
        . "for [p in present] points(i, p) using 3:1:($4 - $3):(0) " . bar_drawn . ", " \
        . "for [p in present] points(i, p) using 2:1 " . mark_drawn
    unset arrow 1

    unset title
    set xlabel "executed FLOPs (heads per layer)" offset 0, nearer
    eval box(names_width + left_width + middle, names_width + left_width + middle + right_width, top, bottom)
    set xrange [0 : 1.35] # room for the number of heads
    set xtics 0, 0.25, 1
    unset ytics
    plot rows("SELECT place, share, mean_heads FROM (" . placed(i) . ") ORDER BY place") \
             using (0.5 * $2):1:(0.5 * $2):(0.3) with boxxyerror linecolor rgb "#B0B0B0", \
         "" using ($2 + 0.03):1:(sprintf("%.1f", $3)) with labels left font sprintf(",%d", size_small) textcolor rgb "#404040"
    top = bottom + between
}
caption = sprintf("Points: mean over seeds (n = %s) on the test split; hyperparameters chosen on the validation slice. Bars: 95%% t-interval over\nseeds, cut at 0 and 1. Dashed: 1 / classes. FLOPs: executed, gate included, over the dense FLOPs of all heads.\nMachine: %s", \
    answer("SELECT " . range("n_seeds") . " " . arms), machine)
eval legend
plot -1 notitle
unset multiplot
