#!/bin/sh
# A checkpoint that Python wrote, with nothing but the documented metadata, means here what it says:
# weights that count the words of each topic are right about as often as counting is.
. tests/build/tap.sh
scratch=${scratch:?}
root=${root:?}
python=/usr/bin/python3

# Two topics of 3 words and 2 fillers. Each word's embedding points to its topic, attention and FFN add
# nothing, and the gate's biases alone choose the heads.
write_checkpoint() { # file policy policy_options [python]
    needs_python $python
    cat >"$scratch/write.py" <<'E2'
import json, struct, sys
path, policy, options = sys.argv[1:4]
D, H, d, F, V, C, N = 4, 2, 2, 4, 8, 2, 9
zeros = lambda *shape: (list(shape), [0.0] * (shape[0] * (shape[1] if len(shape) > 1 else 1)))
ones = lambda n: ([n], [1.0] * n)
topic = [0, 0, 0, 1, 1, 1, None, None]
tensors = {"embed.token.weight": ([V, D], [float(i == t) - float(t is not None and i == 1 - t)
                                           for t in topic for i in range(D)]),
           "embed.position.weight": zeros(N, D)}
for norm in ("layers.0.ln1", "layers.0.ln2", "final_ln"):
    tensors[norm + ".weight"], tensors[norm + ".bias"] = ones(D), zeros(D)
for which in "qkv":
    tensors[f"layers.0.attn.{which}.weight"] = zeros(H * d, D)
    tensors[f"layers.0.attn.{which}.bias"] = zeros(H * d)
tensors["layers.0.attn.o.weight"], tensors["layers.0.attn.o.bias"] = zeros(D, H * d), zeros(D)
tensors["layers.0.ffn.up.weight"], tensors["layers.0.ffn.up.bias"] = zeros(F, D), zeros(F)
tensors["layers.0.ffn.down.weight"], tensors["layers.0.ffn.down.bias"] = zeros(D, F), zeros(D)
if policy == "budgetformer":
    tensors["layers.0.policy.budget.0.weight"] = zeros(5, D)
    tensors["layers.0.policy.budget.0.bias"] = zeros(5)
    tensors["layers.0.policy.budget.2.weight"] = zeros(1, 5)
    tensors["layers.0.policy.budget.2.bias"] = ([1], [-1.0])  # s = 0.27: one of two heads
    tensors["layers.0.policy.score.weight"] = zeros(H, D)
    tensors["layers.0.policy.score.bias"] = ([H], [0.0, 1.0])
tensors["classifier.weight"] = ([C, D], [1.0, 0, 0, 0, 0, 1.0, 0, 0])
tensors["classifier.bias"] = zeros(C)
more_config, more_metadata = {}, {}
exec(sys.argv[4] if len(sys.argv) > 4 else "")
config = dict(layers=1, heads=[H], dim=D, head_dim=d, ffn=F, vocab=V, max_len=N, classes=C,
              gelu="tanh", norm="pre", norm_eps=1e-5, policy=policy,
              policy_options=json.loads(options), **more_config)
header = {"__metadata__": {"format": "headroom-1", "config": json.dumps(config), **more_metadata}}
offset, data = 0, b""
for name, (shape, values) in tensors.items():
    data += struct.pack("<%df" % len(values), *values)
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, len(data)]}
    offset = len(data)
text = json.dumps(header).encode()
open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)
E2
    $python "$scratch/write.py" "$@"
}

write_workload() {
    cat >"$scratch/w.yaml" <<'E2'
workload: two-topics
data: {source: topic, classes: 2, values: 3, fillers: 2, signal: 0.6, length: 9, n_train: 100, n_test: 1000}
profile: {batch_sizes: [1], repeats: 20}
arms: [{arm: all, policy: fixed, heads: 8}]
E2
}

evaluate() { # file option...
    file=$1
    shift
    "$root/headroom" evaluate "$file" --workload "$scratch/w.yaml" "$@" >"$scratch/said" 2>&1 || true
    cat "$scratch/said"
}

weights_made_by_hand_are_as_right_as_counting() {
    write_checkpoint "$scratch/m" fixed '{"heads": 2}'
    write_workload
    evaluate "$scratch/m"
    grep -q '^accuracy *9[5-9]\.' "$scratch/said"
    grep -q '^mean heads *2.00 of 2' "$scratch/said"
    grep -q '^  batch 1 ' "$scratch/said"
    grep -q 'does not say which words it knows' "$scratch/said"
}

a_gate_made_by_hand_runs_the_head_it_prefers() {
    write_checkpoint "$scratch/m" budgetformer '{"hidden": 5}'
    write_workload
    evaluate "$scratch/m" --no-profile
    grep -q '^accuracy *9[5-9]\.' "$scratch/said"
    grep -q '^mean heads *1.00 of 2' "$scratch/said"
    grep -q '^mean budget *0.269' "$scratch/said"
}

swapped_classes_are_as_wrong() {
    write_checkpoint "$scratch/m" fixed '{"heads": 2}' \
        'tensors["classifier.weight"] = ([C, D], [0, 1.0, 0, 0, 1.0, 0, 0, 0])'
    write_workload
    evaluate "$scratch/m" --no-profile
    grep -q '^accuracy *[0-4]\.' "$scratch/said"
}

what_is_missing_or_unknown_is_named() {
    write_workload
    write_checkpoint "$scratch/m" fixed '{"heads": 2}' 'del tensors["final_ln.bias"]'
    evaluate "$scratch/m"
    grep -q 'tensor final_ln.bias is missing' "$scratch/said"
    write_checkpoint "$scratch/m" fixed '{"heads": 2}' 'tensors["layers.0.attn.q.wieght"] = zeros(1)'
    evaluate "$scratch/m"
    grep -q 'tensor layers.0.attn.q.wieght of checkpoint .* is not part of the model' "$scratch/said"
    write_checkpoint "$scratch/m" fixed '{"heads": 2}' 'H = 3'
    evaluate "$scratch/m"
    grep -q 'has shape \[4, 4\]; the model needs \[6, 4\]' "$scratch/said"
    write_checkpoint "$scratch/m" fixed '{}'
    evaluate "$scratch/m"
    grep -q "needs the key 'heads'" "$scratch/said"
}

# No token means anything but by the text it is in: of `first` there are as many as words and the
# separator, of `second` as many as words.
pairs_made_by_hand_are_told_apart_by_their_lengths() {
    write_checkpoint "$scratch/m" fixed '{"heads": 2}' '
more_config = {"separator": 1}
more_metadata = {"classes": json.dumps(["first", "second"]), "tokenizer": json.dumps(
    {"kind": "word", "words": ["<unk>", "<sep>", *"abcdef"], "max_len": N})}
tensors["embed.token.weight"] = zeros(V, D)
tensors["embed.segment.weight"] = ([2, D], [1.0, 0, 0, 0, 0, 1.0, 0, 0])'
    ./headroom predict "$scratch/m" 'a b' 'c d' 'a' 'b c d' '?' 'x y z' 'a a a' 'e f' >"$scratch/said"
    cat "$scratch/said"
    [ "$(grep '^  class' "$scratch/said" | tr -s ' ' | tr '\n' ,)" = " class first, class second, class second, class first," ]
}

behaviours weights_made_by_hand_are_as_right_as_counting a_gate_made_by_hand_runs_the_head_it_prefers \
    swapped_classes_are_as_wrong pairs_made_by_hand_are_told_apart_by_their_lengths \
    what_is_missing_or_unknown_is_named
