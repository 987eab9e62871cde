# The command by itself, over a library that only pretends: words, screens, progress, signals, codes.
. "$HOUSE/tests/script.sh"
[ -x "${TACIT_DOUBLE:-}" ] || { bad "the program is there" "${TACIT_DOUBLE:-}"; finish; }

TACIT=$TACIT_DOUBLE

try
same "without words: exit code" 0 $code
holds "without words: a first hour" "$out" "tacit pretrain data=" "tacit eval run" "tacit embed" "tacit plan"
holds "without words: commands by use" "$out" "^  learn *pretrain resume" "^  judge *eval" "^  use *predict embed"

try help
holds "help names all commands" "$out" "^  pretrain " "^  resume " "^  plan " "^  eval " "^  embed " \
    "^  synth " "^  list " "^  version " "^  help "
for words in "help pretrain" "pretrain --help" "pretrain -h steps=2"; do
    # shellcheck disable=SC2086 # words
    try $words
    holds "$words" "$out" "^tacit pretrain: " "^acting" "^  steps  how many; at least 1 \[3\]$"
done
try help eval
holds "an optional thing is in brackets" "$out" "^tacit eval \[RUN\]: "
try --help
holds "--help is help" "$out" "^  pretrain "
try help pretrian
same "help of nothing: exit code" 2 $code
holds "help of nothing" "$err" "did you mean pretrain?"

try pretrian
same "unknown command: exit code" 2 $code
same "unknown command" "tacit: there is no command 'pretrian'; did you mean pretrain? (\`tacit help\` lists all)" "$err"
try zzzzzz
same "nothing near" "tacit: there is no command 'zzzzzz' (\`tacit help\` lists all)" "$err"

try pretrain photos/ bad=1 worse=2
same "all that is wrong: exit code" 2 $code
same "all that is wrong" "tacit pretrain: bad: no such option
  worse: no such option
tacit pretrain: photos/: not an option; did you mean data=photos/?
\`tacit help pretrain\` lists what it takes" "$err"
same "nothing on standard output then" "" "$out"
try resume
same "missing thing: exit code" 2 $code
holds "missing thing" "$err" "^tacit resume: RUN is missing: tacit resume RUN …$"
try resume a b
holds "too many things" "$err" "^tacit resume: b: one word too many"
try eval
same "optional thing" 0 $code

try version
same "version" "tacit 9.8.7
  compiler  a \"good\" one
  isa       avx2 (capped)" "$out"
try --version quiet=true
same "version, quiet" "tacit 9.8.7" "$out"
try version --json
same "version as JSON" '{"version": 1, "tacit": "9.8.7",
  "compiler": "a \"good\" one",
  "isa": "avx2"}' "$out"

try list methods
same "list" "simclr  views attract (arXiv:2002.05709)" "$out"
try list methods --json
same "list as JSON" '{"version": 1, "results": [
  {"name": "simclr", "summary": "views attract", "detail": "arXiv:2002.05709"}
]}' "$out"
try list
holds "list of lists" "$out" "^  methods  how to learn$"
try list method
same "list of nothing: exit code" 2 $code
holds "list of nothing" "$err" "did you mean methods?"

for number in 1 3 4 5; do
    try pretrain act=fail$number
    same "exit code $number" $number $code
    same "message with code $number" "tacit pretrain: data: cannot be used" "$err"
done

try pretrain
same "a report's fields and notes" "run         runs/7
loss, last  5.1

HEALTHY: did not collapse." "$out"
same "progress where there is no terminal" "pretrain  step 1/3  1234/s  loss 5.125 (4.09 to 6.23)  lr 0.12  wait 2 %  2 s left
note: two pictures were left out
warning: it may collapse
pretrain  step 3/3  1234/s  loss 5.125 (4.09 to 6.23)  lr 0.12  wait 2 %  0 s left" "$err"
try pretrain --quiet
same "quiet: warnings only" "warning: it may collapse" "$err"
try pretrain json=true
same "JSON on standard output" '{"version": 1, "kind": 102}' "$out"
try plan act=table
same "a table" "run         runs/7
loss, last  5.1

größe        bytes
konvolution      9
fc            1024

HEALTHY: did not collapse." "$out"
try eval run act=score
same "scores" "linear, accuracy in %, by labels a class
                   1           all
run       53.0 ± 1.2          86.5
pixels    46.4 ± 2.0              

knn, accuracy in %, by labels a class
                   1
run       51.0 ± 0.9

HEALTHY: did not collapse." "$out"

try eval run act=Scores
holds "scores with intervals" "$out" "^run  *53.0 ± 1.2 \[51.9, 54.2\]  *86.5$" "^pixels  *46.4 ± 2.0"

"$TACIT_DOUBLE" version >/dev/full 2>"$sandbox/err"
same "full disk: exit code" 5 $?
holds "full disk" "$(cat "$sandbox/err")" "cannot write to standard output"

# signal_test NAME SIGNAL ACT EXPECTED: the exit code after a signal; a deaf task gets a second one
signal_test() {
    : >"$sandbox/err"
    "$TACIT_DOUBLE" pretrain steps=500 ${3:+act=$3} >"$sandbox/out" 2>"$sandbox/err" &
    child=$!
    while ! grep -q step "$sandbox/err"; do sleep 0.02; done
    kill -"$2" $child
    if [ "$3" = deaf ]; then
        while ! grep -q stopping "$sandbox/err"; do sleep 0.02; done
        kill -"$2" $child
    fi
    wait $child
    same "$1" "$4" $?
}
signal_test "a second SIGTERM kills" TERM deaf 143
signal_test "SIGINT saves and stops" INT "" 130
signal_test "SIGTERM saves and stops" TERM "" 130
holds "what a stop says" "$(cat "$sandbox/err")" "^stopping in good order" "^tacit pretrain: stopped"
holds "a stopped run reports" "$(cat "$sandbox/out")" "^run  *runs/7"

if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
    script -qec "'$TACIT_DOUBLE' pretrain 2>&1 >/dev/null" /dev/null </dev/null >"$sandbox/terminal"
    same "a terminal's line is rewritten" 3 "$(tr '\r' '\n' <"$sandbox/terminal" | grep -c 'pretrain  step')"
else
    left_out "a terminal's line is rewritten" "script(1) makes no terminal here"
fi

try help man
holds "manual page" "$out" "^.TH TACIT 1" "^.SS tacit pretrain" "^.B steps"
if command -v man >/dev/null 2>&1 && man --version >/dev/null 2>&1; then
    same "man reads it without complaint" "" "$(man --warnings -l "$sandbox/.out" 2>&1 >/dev/null | grep -v '^man: can.t set the locale')"
fi
try help bash
bash=$(command -v bash)
if [ -n "$bash" ]; then
    same "completion" "pretrain" "$("$bash" -c ". '$sandbox/.out'; COMP_WORDS=(tacit pret); COMP_CWORD=1; _tacit; echo \${COMPREPLY[@]}")"
    same "completion of commands after help" "pretrain" "$("$bash" -c ". '$sandbox/.out' 2>/dev/null; COMP_WORDS=(tacit help pret); COMP_CWORD=2; _tacit 2>/dev/null; echo \${COMPREPLY[@]}")"
    same "completion of lists" "methods" "$("$bash" -c ". '$sandbox/.out' 2>/dev/null; COMP_WORDS=(tacit list meth); COMP_CWORD=2; _tacit 2>/dev/null; echo \${COMPREPLY[@]}")"
    same "completion of options" "steps=" "$("$bash" -c ". '$sandbox/.out' 2>/dev/null; COMP_WORDS=(tacit pretrain ste); COMP_CWORD=2; _tacit 2>/dev/null; echo \${COMPREPLY[@]}")"
fi
finish
