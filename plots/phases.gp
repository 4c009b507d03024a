# Which phases does a forward pass spend its time in, and how does that change with the heads that run?
# One panel per workload and batch size, one bar per arm, sorted by its heads; what does not shrink with
# the heads gains share.
title_text = "Where the time goes, against heads that run"
short(x) = sprintf(x < 10 ? "%.2g" : "%.0f", x)
caption = sprintf("Bars: shares of the time of a pass; phases lie in the order of the legend, in which they run. " \
    . "Number: heads per layer that run. Means over seeds (n = %s per arm) of passes with a marker between the phases%s. %s", \
    range(lowest_n_seeds, highest_n_seeds), lowest_least_marks_percent == lowest_least_marks_percent \
    ? sprintf(", which takes %s to %s%% of the time", short(lowest_least_marks_percent), \
              short(highest_most_marks_percent)) : "", \
    left_out(lowest_n_left_out, lowest_n_profiles, "profiles", "timed with a warning"))
n_columns = int(highest_n_batches) == 3 ? 3 : n_panels < 2 ? 1 : 2
array tile_height[n_panels]
longest = 0
do for [t = 1 : n_panels] {
    tile_height[t] = (last_block[t] - first_block[t] + 2) * 19
    do for [b = first_block[t] : last_block[t]] {
        own = wide(series_of[b + 1]) * em
        longest = own > longest ? own : longest
    }
}
first_space = between(100, longest + 30, 220)
gap_x = first_space + 20
gap_y = 105
column_width = n_columns == 1 ? 600 : 340

n_entries = int(highest_n_phases)
array legend_text[n_entries]
do for [e = 1 : n_entries] { legend_text[e] = word(every_phase, e) }
load "page.gnuplot"

set grid noytics
set xrange [0 : 112] # room for the heads
set xtics 0, 25, 100
unset ytics
set xlabel "% of the time" offset 0, nearer
inside(p, width) = width * column_width / 112.0 > wide(p) * em_small + 4 ? p : ""
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    set yrange [last_block[t] - first_block[t] + 1 : -1]
    plot for [b = first_block[t] : last_block[t]] data index b \
             using middle_percent:(b - first_block[t]):begin_percent:end_percent:(b - first_block[t] - 0.38) \
                 :(b - first_block[t] + 0.38):(colour_of(strcol(phase))) \
             with boxxyerror linecolor rgb variable fillstyle solid border rgb 0xFFFFFF, \
         for [b = first_block[t] : last_block[t]] data index b \
             using middle_percent:(b - first_block[t]) \
                 :(inside(strcol(phase), column(end_percent) - column(begin_percent))):(text_on(strcol(phase))) \
             with labels font small textcolor rgb variable, \
         for [b = first_block[t] : last_block[t]] data index b every ::0::0 \
             using (0):(b - first_block[t]):(as_label(fitted(strcol(arm), first_space - 20))) \
             with labels right offset -1, 0 textcolor rgb dark, \
         for [b = first_block[t] : last_block[t]] data index b every ::0::0 \
             using (102):(b - first_block[t]):(sprintf("%.1f", column(mean_heads))) \
             with labels left font small textcolor rgb dark
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry with boxes fillstyle solid border rgb 0xFFFFFF \
    linecolor rgb phase_colour[e] title legend_text[e]
unset multiplot
