# Clears away axes and puts title, caption and an empty legend below the panels: the next plot draws
# samples only.
eval box(space_left, width - space_right, legend_top, height - caption_height)
unset border
unset tics
unset grid
unset title
unset xlabel
unset ylabel
unset label
set key at screen 0.5, down(legend_top - 5) center top horizontal maxcols legend_columns
set key Left reverse samplen 2 width 2
set label 1 title_text at screen 0.5, down(28) center font sprintf(",%d", size_title)
set label 2 caption at screen across(space_left - 50), down(height - caption_height + 16) left textcolor rgb "#404040"
set xrange [0:1]
set yrange [0:1]
