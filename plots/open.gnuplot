# Opens the figure of width x height pixels; PNG at twice the pixels for sharp print. The font is
# whatever sans-serif there is, and text is never read as markup: names come from users.
set encoding utf8
if (svg) {
    eval sprintf("set terminal svg size %d,%d noenhanced font 'sans-serif,%d' background '#FFFFFF' name 'headroom'", width, height, size_normal)
} else {
    eval sprintf("set terminal pngcairo size %d,%d noenhanced font 'sans-serif,%d' fontscale 2 linewidth 2 pointscale 2 background '#FFFFFF'", 2 * width, 2 * height, size_normal)
}
set output system("printf %s \"$out\"")
set border 3 linecolor rgb "#404040"
set tics nomirror out scale 0.6
set grid linecolor rgb "#E4E4E4" linetype 1
set style fill solid noborder
