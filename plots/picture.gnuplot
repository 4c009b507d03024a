# Where every picture begins. headroom plot starts gnuplot in this folder; by hand it is the same:
#
#   gnuplot -d -c picture.gnuplot overview.gp DIR/data/overview.dat DIR/data/overview.gnuplot o.svg svg
#
# Paths come as arguments and text from the database as quoted strings of the prologue or as fields of the
# data file. Both are values: never part of a command, of an eval or of a macro, which would run them.
set encoding utf8
script = ARG1
data = ARG2
prologue = ARG3
picture = ARG4
svg = ARG5 eq "svg"
pdf = ARG5 eq "pdf"
set datafile separator tab
load prologue
load "style.gnuplot"
load script
