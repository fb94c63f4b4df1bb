#!/usr/bin/env bash
#
# Patterns of events under AddressSanitizer and UndefinedBehaviorSanitizer:
# random patterns and journeys against an oracle that tries every way, and any
# bytes as a pattern, with libFuzzer where clang has it.
#
# FUZZ_SECONDS=5	how long each of them runs
# FUZZ_SEED=n		what the driver printed, to see the same again

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

cores=("$top"/src/sequence_{pattern,list,wait,match}.c)
gcc "${flags[@]}" "${sanitize[@]}" -DSTANDALONE \
	"$top"/test/fuzz/sequence{,_oracle}.c "${cores[@]}" -o "$work/alone"
"$work/alone" run "$seconds" ${FUZZ_SEED:+"$FUZZ_SEED"}

if libfuzzer "$top/test/fuzz/sequence.c" "${cores[@]}"; then
	# good inputs to begin with: sixteen events and a pattern
	printf '%s' 'abcdefghijklmnop(?1)(?t<=5).*(?2)' >"$work/corpus/time"
	printf '%s' 'ponmlkjihgfedcba((?1)|(?2)(?3)){2,4}.+' >"$work/corpus/group"
	run_libfuzzer -max_len=1024 -timeout=20
else
	echo "no clang with libFuzzer: only the driver ran"
fi
