# Does leaving heads out save time, or only FLOPs? Time against executed FLOPs, both in percent of the
# arm that runs all heads: one panel per workload and batch size. On the dashed line, saved FLOPs are
# saved time; above it, they are not.
title_text = "What do skipped heads save? Time against executed FLOPs"
one_model = highest_most_models == 1
banded = highest_noise == highest_noise # NaN: no model was profiled twice
caption = "Points: median of " . range(lowest_least_passes, highest_most_passes) . " forward passes of " \
    . (one_model ? "one trained model per arm (n = 1 seed). Bars: median absolute deviation within that run. " \
       : sprintf("each of an arm's trained models (n = %s seeds), pooled. Bars: median absolute deviation within " \
                 . "those runs. ", range(lowest_least_models, highest_most_models))) \
    . (banded ? "Grey band: two profiles of one model differ by as much (95%). " : "") \
    . left_out(lowest_n_left_out, lowest_n_times, "times", text_why[1])

# One column per batch size, so that a workload is a row.
n_columns = highest_n_batches > 1 && highest_n_batches < 4 ? int(highest_n_batches) : columns_for(n_panels)
n_more = 1
legend_text[n_entries + 1] = "time falls as FLOPs do"
do for [e = 1 : n_entries] { legend_text[e] = numbered(entry[e]) }
load "page.gnuplot"

x_low = -4
x_high = highest_flops_ratio > 100 ? highest_flops_ratio + 6 : 106
y_low = 0
y_high = (highest_time_high > 100 ? highest_time_high : 100) + 15
set xrange [x_low : x_high]
set yrange [y_low : y_high]
set xtics 0, x_high > 200 ? 50 : 25
set ytics 0, y_high > 400 ? 100 : y_high > 200 ? 50 : 25
set xlabel "executed FLOPs, % of all heads" offset 0, nearer
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    set ylabel (column_of(t) == 1 ? "time, % of all heads" : "")
    if (low_noise[t] == low_noise[t]) {
        set object 1 rectangle from graph 0, first 100 - low_noise[t] to graph 1, first 100 + low_noise[t] \
            back fillcolor rgb 0xE8E8E8 fillstyle solid noborder
    }
    label_first = first_block[t]; label_last = last_block[t]
    label_x = flops_ratio; label_low = time_low; label_high = time_high; label_text = cost
    load "labels.gnuplot"
    plot x with lines linecolor rgb faint dashtype 2, \
        for [b = first_block[t] : last_block[t]] data index b \
            using flops_ratio:time_low:(0):(column(time_high) - column(time_low)) @bar_drawn, \
        for [b = first_block[t] : last_block[t]] data index b using flops_ratio:time_ratio @mark_drawn
    unset label
    unset arrow
    unset object
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry @entry_drawn title legend_text[e], \
    keyentry with lines linecolor rgb faint dashtype 2 title legend_text[n_entries + 1]
unset multiplot
