# What can be named is told, and completely.
. "$HOUSE/tests/script.sh"

try list
works "list of lists" "methods" "models" "augmentations"
kinds=$("$TACIT" list --quiet | awk '{ print $1 }')
for kind in $kinds; do
    try list "$kind"
    works "list $kind" "[a-z0-9_-]  *[A-Za-z]"
    same "list $kind: every row has a summary" "" "$(echo "$out" | awk 'NF < 2')"
done
try list methods
works "methods" "^simclr" "^supervised"
try list models
works "models" "^conv4" "^resnet18" "^resnet34" "^resnet50" "^mlp"

for task in pretrain resume eval embed plan synth; do
    try help $task
    works "help $task" "quiet" "json" "\[false\]"
done
try help pretrain
works "options of pretrain" "^  data " "^  out " "^  method " "^  model " "^  stem " "^  width " "^  recipe " \
    "^  labels " "^  seed " "^  epochs " "^  steps " "^  batch_size " "^  microbatch " "^  image_size " \
    "^  precision " "^  threads " "^  tune " "^  checkpoint_every " "^  config " "^  optim\." "^  augment\."
try help eval
works "options of eval" "^  protocol " "^  against " "^  labels_per_class " "^  draws " "^  k .*200" "^  temperature .*0\.1"

same "eval and embed take no steps that could be profiled" "" "$(for task in eval embed; do
    "$TACIT" help $task | grep '^  profile'; done)"
try help pretrain
works "pretrain does" "^  profile "

try version
works "version" "^tacit [0-9]" "oneDNN"
finish
