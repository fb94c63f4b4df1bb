#!/usr/bin/env bash
#
# The audit's Merkle tree and checkpoints: published vectors, definitions, bits;
# any checkpoints and proofs with libFuzzer where clang has it.
#
# FUZZ_SEED=n		what the driver printed, to see the same again
# FUZZ_SECONDS=5	how long libFuzzer runs

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

sources=("$top/test/fuzz/tree.c" "$top"/src/audit_{tree,note}.c)
gcc "${flags[@]}" "${sanitize[@]}" -DSTANDALONE "${sources[@]}" -o "$work/tree" -lsodium
"$work/tree"

if libfuzzer "${sources[@]}" -lsodium; then
	# a good input to begin with
	printf '%s\n' journey_privacy/test 7 IsVvZBIvNVqMZMXWMN+9jpBNtkHfHhJnGzmZnb5ZP1k= '' \
		"— journey_privacy/test $(printf 'A%.0s' {1..91})=" >"$work/corpus/checkpoint"
	run_libfuzzer -max_len=1000
else
	echo "no clang with libFuzzer: only the driver ran"
fi
