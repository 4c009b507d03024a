# The whole figure while the database has nothing for it; `why` says more, where it is known.
eval start(1, 1, 0)
eval panel(0)
unset border
unset tics
unset grid
set key off
set title title_text font sprintf(",%d", size_title)
set label 1 (exists("why") ? why : "no data yet") at graph 0.5, 0.5 center textcolor rgb faint
plot [0:1] [0:1] -1
