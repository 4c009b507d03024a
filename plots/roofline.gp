# What bounds each phase of a forward pass: its speed against FLOPs per byte of its operands, below
# what this machine reaches there. One panel per workload and batch size; the roof is the memory
# bandwidth on the left and the speed of large products on the right.
title_text = "What bounds each phase: speed against FLOPs per byte"
caption = sprintf("Means over seeds (n = %s per arm); time includes the markers' own. Roof: sgemm peak, and triad " \
    . "bandwidth from memory; operands in cache may stand above the slanted part. ", range(lowest_n_seeds, highest_n_seeds)) \
    . (lowest_n_above > 0 ? sprintf("%d of %d phases stand above the flat part: it is too low, and measured again by " \
                                    . "the next sweep. ", lowest_n_above, lowest_n_phases) : "") \
    . left_out(lowest_n_left_out, lowest_n_profiles, "profiles", "timed with a warning")
n_columns = highest_n_batches > 1 && highest_n_batches < 4 ? int(highest_n_batches) : columns_for(n_panels)

# Phases in the order in which they run.
n_more = 3
array phase[n_entries + 1]
do for [e = 1 : n_entries] {
    before = sum [o = 1 : n_entries] (phase_number(entry[o]) < phase_number(entry[e]) \
        || phase_number(entry[o]) == phase_number(entry[e]) && o < e)
    phase[before + 1] = entry[e]
}
do for [e = 1 : n_entries] { legend_text[e] = phase[e] }
legend_text[n_entries + 1] = "what this machine reaches"
legend_text[n_entries + 2] = "large: all heads"
legend_text[n_entries + 3] = "small: every other arm"
load "page.gnuplot"

set logscale xy
least = lowest_flops_per_byte / 2
set xrange [least : 4 * (highest_flops_per_byte > highest_peak_gflops / lowest_bandwidth_gb \
    ? highest_flops_per_byte : highest_peak_gflops / lowest_bandwidth_gb)]
set yrange [lowest_gflops / 2 : 3 * highest_peak_gflops]
set format "%g"
set xlabel "FLOPs per byte of operands" offset 0, nearer
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    set ylabel (column_of(t) == 1 ? "GFLOP/s" : "")
    peak = low_peak_gflops[t]
    bandwidth = low_bandwidth_gb[t]
    set label 2 sprintf("%.3g GFLOP/s", peak) at graph 0.98, first peak * 1.35 right font small textcolor rgb faint
    set label 3 sprintf("%.3g GB/s", bandwidth) at graph 0.03, first peak * 1.35 left font small textcolor rgb faint
    plot (x * bandwidth < peak ? x * bandwidth : peak) with lines linecolor rgb faint linewidth 1.5, \
        for [b = first_block[t] : last_block[t]] data index b \
            using flops_per_byte:gflops:(size_mark * (column(dense) > 0 ? 1.7 : 0.7)) with points linewidth 1.2 \
            pointtype mark_of(series_of[b + 1]) linecolor rgb colour_of(series_of[b + 1]) pointsize variable
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry with points linewidth 1.2 pointtype mark_of(phase[e]) \
        linecolor rgb colour_of(phase[e]) pointsize 1.5 * size_mark title legend_text[e], \
    keyentry with lines linecolor rgb faint linewidth 1.5 title legend_text[n_entries + 1], \
    keyentry with points pointtype 7 linecolor rgb faint pointsize 1.7 * size_mark title legend_text[n_entries + 2], \
    keyentry with points pointtype 7 linecolor rgb faint pointsize 0.7 * size_mark title legend_text[n_entries + 3]
unset multiplot
