# Everything at a glance: what is lost in accuracy for what is saved in FLOPs, all workloads in one panel.
# Accuracy has a scale that is linear around 0 and logarithmic beyond: gains and losses of a tenth of a point
# and of twenty points both show.
title_text = "What does saving FLOPs cost? Accuracy against all heads"
caption = sprintf("A line joins the arms of a workload with k fixed heads, or of a method with a budget; its cheapest has " \
    . "the workload's number. All heads are at (100%%, 0). Means over seeds (n = %s) on the test split, without bars: " \
    . "accuracy_vs_budget has the intervals. Accuracy: linear up to about 1 point, logarithmic beyond.", \
    range(lowest_n_seeds, highest_n_seeds))

n_tiles = 1
n_columns = 1
space_top = 60 # no heading
panel_height = 460
column_width = 900
n_policies = n_entries
n_entries = 0
n_more = n_policies + n_panels
array legend_text[n_more]
do for [e = 1 : n_policies] { legend_text[e] = described(entry[e]) }
do for [i = 1 : n_panels] { legend_text[n_policies + i] = sprintf("%s  ", text_number[i]) . fitted(text_panel[i], 260) }
load "page.gnuplot"

# ---- the scale: asinh, and ticks at 0, 1, 3, 10, 30 ----

scaled(y) = asinh(y)
x_low = lowest_flops_ratio - 6
x_high = (highest_flops_ratio > 100 ? highest_flops_ratio : 100) + 6
y_low = scaled(lowest_points < -1 ? lowest_points : -1) - 0.3
y_high = scaled(highest_points > 0.5 ? highest_points : 0.5) + 0.3
set xrange [x_low : x_high]
set yrange [y_low : y_high]
set xtics 0, 10
set ytics ()
do for [tick in "-100 -30 -10 -3 -1 0 1 3 10 30 100"] {
    if (scaled(real(tick)) > y_low && scaled(real(tick)) < y_high) { set ytics add (tick scaled(real(tick))) }
}
set xlabel "executed FLOPs, % of all heads" offset 0, nearer
set ylabel "accuracy - all heads, in points"

t = 1
heading = ""
load "panel.gnuplot"
label_first = first_block[1]; label_last = last_block[n_panels]
label_x = flops_ratio; label_low = points; label_high = points; label_text = end_label
load "labels.gnuplot"
plot 0 with lines linecolor rgb faint dashtype 2, \
    for [b = first_block[1] : last_block[n_panels]] data index b using flops_ratio:(scaled(column(points))) \
        with lines linewidth 1 linecolor rgb colour(series_of[b + 1]), \
    for [b = first_block[1] : last_block[n_panels]] data index b using flops_ratio:(scaled(column(points))) @mark_drawn
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_policies] keyentry @entry_drawn title legend_text[e], \
    for [e = n_policies + 1 : n_policies + n_panels] keyentry with points pointtype 0 linecolor rgb 0xFFFFFF \
        title legend_text[e]
unset multiplot
