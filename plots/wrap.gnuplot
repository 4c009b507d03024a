# Breaks `text` at blanks into lines of at most `room` pixels: `wrapped`, of `n_lines` lines. A line break
# in the text stays one; a word that is too long for a line stays whole.
wrapped = ""
n_lines = 1
line_start = 1
last_blank = 0
so_far = 0
do for [k = 1 : strlen(text)] {
    so_far = so_far + width_of(text[k : k]) * em
    if (text[k : k] eq " ") { last_blank = k }
    if (so_far > room && last_blank > line_start || text[k : k] eq "\n") {
        line_end = text[k : k] eq "\n" ? k : last_blank
        wrapped = wrapped . text[line_start : line_end - 1] . "\n"
        n_lines = n_lines + 1
        line_start = line_end + 1
        so_far = line_start > k ? 0 : wide(text[line_start : k]) * em
        last_blank = 0
    }
}
wrapped = wrapped . text[line_start : *]
