# Clears away axes and writes title, caption and an empty legend: the next plot draws its samples only.
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
unset border
unset tics
unset grid
unset title
unset xlabel
unset ylabel
unset label
unset arrow
unset object
unset logscale
set xrange [0 : 1]
set yrange [0 : 1]
set key at screen 0.5, down(legend_top) center top horizontal maxcols legend_columns
set key Left reverse samplen 2 width 2
set label 1 title_text . (n_pages > 1 ? sprintf(" (%d of %d)", page, n_pages) : "") \
    at screen 0.5, down(28) center font sprintf(",%d", size_title)
set label 2 caption_lines at screen across(30), down(caption_top + 14) left textcolor rgb dark
