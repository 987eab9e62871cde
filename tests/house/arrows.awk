# Reads the sources of src/ (file names relative to it) and prints every #include that points up or
# sideways between rooms: docs/design.md, section 1.
BEGIN {
    split("base io engine nn text data augment methods dist train eval pseudo cli", names, " ")
    split("0    1  2      3  3    3    3       4       4    5     6    6      9", levels, " ")
    for (i in names)
        level[names[i]] = levels[i]
}
function wrong(why) {
    printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, why
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
    room = FILENAME
    sub(/\/.*/, "", room)
    path = $0
    sub(/^[^"]*"/, "", path)
    sub(/".*/, "", path)
    if (path !~ /\//) {
        wrong("paths are room/file.h")
        next
    }
    target = path
    sub(/\/.*/, "", target)
    if (!(room in level))
        wrong("no such room: " room)
    else if (path == "tacit/status.h" || target == room)
        next
    else if (target == "tacit") {
        if (level[room] < level["train"])
            wrong("only train, eval and above know the public interface")
    } else if (room == "cli")
        wrong("the command sees only include/tacit/")
    else if (!(target in level))
        wrong("no such room: " target)
    else if (level[target] >= level[room])
        wrong("the arrow points up")
}
