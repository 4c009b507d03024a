# What do skipped heads save on a card? FLOPs, time, energy and bytes of memory against the heads that run, all
# in percent of all heads: one panel per workload and batch size. Where time lies above the FLOPs, a saving is not
# realised; where energy lies below time, more is saved than time alone shows.
title_text = "What do skipped heads save on a GPU?"
one_seed = highest_n_seeds == 1
unmeasured(what, why) = why eq "" ? "" : sprintf(" No %s: %s.", what, why)
caption = "Points: " . (one_seed ? "one trained model per arm (n = 1 seed)" \
        : sprintf("mean over trained models (n = %s seeds) of the ratio to all heads. Bars: 95%% t-interval over " \
                  . "seeds", range(lowest_n_seeds, highest_n_seeds))) \
    . ". Headings: an input with all heads. Time: median pass. Energy: the whole card, with what it takes at rest. " \
    . "Bytes: read from the card's memory and written to it." \
    . unmeasured("energy", text_why_energy[1]) . unmeasured("bytes", text_why_bytes[1]) \
    . (lowest_n_left_out > 0 ? " " : "") \
    . left_out(lowest_n_left_out, lowest_n_profiles, "profiles' times and joules", "with a warning")

n_columns = highest_n_batches == 2 || n_panels == 2 ? 2 : n_panels < 2 ? 1 : 3 # a workload is a row
quantities = "FLOPs time energy bytes"
array quantity_colour[4] = [0x000000, 0x0072B2, 0xD55E00, 0x009E73]
array quantity_text[4] = ["executed FLOPs", "time", "energy", "DRAM bytes"]
colour_at(q) = quantity_colour[place_in(quantities, q)]
beside(q) = 0.09 * (place_in(quantities, q) - 2.5) # so that none hides another
array kind_text[3] = ["k fixed heads, trained with k", "a learned budget", "no attention, or another method"]
array kind_mark[3] = [7, 12, 2]
do for [e = 1 : n_entries] { legend_text[e] = quantity_text[place_in(quantities, entry[e])] }
n_more = int(highest_kind) + 1
do for [k = 1 : n_more] { legend_text[n_entries + k] = kind_text[k] }
load "page.gnuplot"

# Of one kind alone; what is not is no point.
only(k, x) = column(kind) == k ? x : NaN
set xrange [-0.4 : 1.06 * (highest_heads > 1 ? highest_heads : 1)]
highest = highest_ratio_high > highest_ratio ? highest_ratio_high : highest_ratio # one seed has no bar: NaN
lowest = lowest_ratio_low < lowest_ratio ? lowest_ratio_low : lowest_ratio
set yrange [between(0, lowest - 5, 60) : (highest > 100 ? highest : 100) + 5]
set xlabel "heads per layer" offset 0, nearer
do for [t = 1 : n_panels] {
    heading = text_panel[t]
    load "panel.gnuplot"
    set ylabel (column_of(t) == 1 ? "% of all heads" : "")
    plot 100 with lines linecolor rgb faint dashtype 2, \
        for [b = first_block[t] : last_block[t]] data index b \
            using (only(0, column(heads) + beside(series_of[b + 1]))):ratio \
            with lines linewidth 1.2 linecolor rgb colour_at(series_of[b + 1]), \
        for [b = first_block[t] : last_block[t]] data index b \
            using (column(heads) + beside(series_of[b + 1])):ratio_low:(0):(column(ratio_high) - column(ratio_low)) \
            with vectors nohead linewidth 1.2 linecolor rgb colour_at(series_of[b + 1]), \
        for [k = 0 : 2] for [b = first_block[t] : last_block[t]] data index b \
            using (only(k, column(heads) + beside(series_of[b + 1]))):ratio \
            with points linewidth 1.2 pointsize size_mark pointtype kind_mark[k + 1] \
                 linecolor rgb colour_at(series_of[b + 1])
}
load "legend.gnuplot"
plot -1 notitle, for [e = 1 : n_entries] keyentry with lines linewidth 3 \
        linecolor rgb colour_at(entry[e]) title legend_text[e], \
    for [k = 1 : n_more] keyentry with points linewidth 1.2 pointsize size_mark pointtype kind_mark[k] \
        linecolor rgb dark title legend_text[n_entries + k]
unset multiplot
