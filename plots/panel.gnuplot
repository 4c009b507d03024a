# Makes the next plot the t-th panel of the page, counted from 1, row by row, with `heading` above it.
set lmargin at screen across(left_of(t))
set rmargin at screen across(left_of(t) + width_in[column_of(t)])
set tmargin at screen down(top_of(t))
set bmargin at screen down(top_of(t) + (exists("tile_height") ? tile_height[t] : panel_height))
set title fitted(heading, width_in[column_of(t)] + 60)
