# What does an input take of energy? Of the socket, or of the card, against the heads that run: one panel per workload,
# batch size and device.
title_text = "Energy of an input against heads that run"
caption = sprintf("Points: mean over seeds (n = %s) of the energy while passes ran, of the whole socket or the whole card, " \
    . "whoever caused it. Bars: 95%% t-interval over seeds, cut at 0. Short dashes: without what it takes at rest. %s", \
    range(lowest_n_seeds, highest_n_seeds), left_out(lowest_n_left_out, lowest_n_profiles, "profiles with energy", \
    "with a warning"))
n_more = 1
legend_text[n_entries + 1] = "without what rest takes"
load "page.gnuplot"

set xrange [-0.4 : 1.06 * (highest_heads > 1 ? highest_heads : 1)]
set xlabel "heads per layer" offset 0, nearer
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    set ylabel sprintf("%s per input", text_unit[t])
    top = high_energy_high[t]
    bottom = low_added[t] < 0 ? low_added[t] : 0
    set yrange [bottom < 0 ? bottom - 0.08 * top : 0 : 1.08 * top]
    set arrow 1 from graph 0, first 0 to graph 1, first 0 nohead linecolor rgb dark
    plot for [b = first_block[t] : last_block[t]] data index b \
            using heads:energy_low:(0):(column(energy_high) - column(energy_low)) @bar_drawn, \
        for [b = first_block[t] : last_block[t]] data index b using (column(heads) - 0.12):added:(0.24):(0) \
            with vectors nohead linewidth 1.6 linecolor rgb colour(series_of[b + 1]), \
        for [b = first_block[t] : last_block[t]] data index b using heads:energy @mark_drawn
    unset arrow 1
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry @entry_drawn title legend_text[e], \
    keyentry with lines linewidth 1.6 linecolor rgb dark title legend_text[n_entries + 1]
unset multiplot
