# The body of figures about counters: a row of panels for each workload, batch size and source, so that
# simulated, multiplexed and measured counts never share one; a panel for each metric against the heads
# that run. A panel without a count gives the reason. The script that loads this names the metrics, how
# high they reach, why they are missing, and what the first is predicted to be.
caption = "Points: mean over seeds (n = " . range(lowest_n_seeds, highest_n_seeds) . ") of counts per forward pass. " \
    . sources . "measured: hardware counters; multiplexed: the same, scaled up." \
    . (highest_has_card == 1 ? " card: counters of the card that ran the " \
        . "passes; host: of the thread that drove it." : "")
n_tiles = n_metrics * n_panels
n_columns = n_metrics
n_more = 1
legend_text[n_entries + 1] = predicted
load "page.gnuplot"

right = 1.06 * (highest_heads > 1 ? highest_heads : 1)
set xrange [0 : right]
set xtics autofreq
set xlabel "heads per layer" offset 0, nearer
do for [i = 1 : n_panels] {
    do for [m = 1 : n_metrics] {
        t = (i - 1) * n_metrics + m
        heading = text_panel[i]
        load "panel.gnuplot"
        set ylabel label_of[m]
        top = 1.15 * highest(m, i)
        if (top != top) {
            text = fitted(why(m, i) eq "" ? "not counted" : why(m, i), 5 * column_width)
            room = column_width - 40
            load "wrap.gnuplot"
            set label 1 wrapped at graph 0.5, 0.6 center textcolor rgb faint
            set yrange [0 : 1]
            set format y ""
            plot -1
            set format y "%g"
            unset label 1
            continue
        }
        top = m == 1 && top < 115 ? 115 : top
        set yrange [0 : top > 0.01 ? top : 0.01] # less is none
        shown = metric[m]
        plot for [b = first_block[i] : m == 1 ? last_block[i] : -1] data index b using heads:prediction \
                with points pointtype 1 pointsize 2 * size_mark linecolor rgb faint, \
            for [b = first_block[i] : last_block[i]] data index b using heads:shown @mark_drawn
    }
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry @entry_drawn title legend_text[e], \
    keyentry with points pointtype 1 pointsize 2 * size_mark linecolor rgb faint title legend_text[n_entries + 1]
unset multiplot
