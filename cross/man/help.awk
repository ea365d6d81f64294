# Writes cross/man/egret.8 with what `egret --help`, the input, says where it is asked for. -v date=DATE
#
# In help, a line at the margin is text, or a heading where its paragraph ends with a colon and leads
# to a list; an option stands two columns in and a key six, what is told of either from column 26 on.

# A line of text, of which nothing is taken for a command.
function text(line) {
    gsub(/\\/, "\\e", line)
    gsub(/-/, "\\-", line)
    sub(/^ +/, "", line)
    # Each sentence begins on a line of its own.
    gsub(/\. /, ".\n\\\\\\&", line)
    if (line != "") print "\\&" line
}

# Opens or closes lists, one in another, until this many are open.
function list(depth) {
    if (depth == 0) of_option = 0
    while (open > depth) { print ".El"; open-- }
    while (open < depth) { print ".Bl -tag -width Ds"; open++ }
}

# The first 25 columns are the name, what follows tells of it.
function item(depth) {
    list(depth)
    name = length($0) > 25 && substr($0, 25, 1) == " " ? substr($0, 1, 25) : $0
    told = name == $0 ? "" : substr($0, 26)
    gsub(/^ +| +$/, "", name)
    gsub(/-/, "\\-", name)
    # A long one may be broken there.
    gsub(/,/, ",\\:", name)
    print ".It Sy " name
    text(told)
}

function body() {
    for (at = first; at <= last; at++) {
        $0 = lines[at]
        if (/^Usage:/ || at < after_usage) continue
        if (literal && !/^  /) { print ".Ed"; literal = 0 }
        if ($0 == "") { list(0); fresh = 1 }
        else if (/^Example: /) { list(0); print ".Ss " $0; print ".Bd -literal"; literal = 1 }
        else if (literal) { sub(/^  /, ""); gsub(/\\/, "\\e"); gsub(/-/, "\\-"); print "\\&" $0 }
        else if (/^  (-|@)/) { item(1); of_option = 1 }
        else if (/^      [a-z-]+=/) item(of_option ? 2 : 1)
        else if (/^       /) text($0)
        else {
            # A paragraph; one that leads to a list, to its last line, is a heading.
            if (fresh && headed(at)) { list(0); printf ".Ss "; heading = 1 }
            else if (fresh) { list(0); print ".Pp" }
            else if (open && !heading) { list(0); print ".Pp" }
            if (heading) {
                heading = !/:$/
                line = $0; sub(/:$/, "", line); gsub(/-/, "\\-", line)
                printf "%s%s", line, heading ? " " : "\n"
            } else text($0)
            fresh = 0
        }
    }
    if (literal) print ".Ed"
    list(0)
}

# Whether the paragraph at this line ends with a colon.
function headed(at) {
    while (lines[at + 1] ~ /^[^ ]/) at++
    return lines[at] ~ /:$/
}

function synopsis() {
    for (at = first; lines[at] != ""; at++) {
        line = lines[at]
        sub(/^(Usage:)? *egret ?/, "", line)
        gsub(/-/, "\\-", line)
        print ".Nm"
        print "\\&" line
    }
    after_usage = at
}

BEGIN { first = 1 }
{ lines[++last] = $0 }
END {
    while ((getline line <"cross/man/egret.8") > 0) {
        if (line ~ /HELP SYNOPSIS/) synopsis()
        else if (line ~ /HELP/) body()
        else { sub(/\$Mdocdate\$/, date, line); print line }
    }
}
