#!/usr/bin/env bash
#
# JSON text without some of its pairs (minimize's keep_keys and drop_keys on
# type json) under AddressSanitizer and UndefinedBehaviorSanitizer: random and
# damaged documents, and any bytes with libFuzzer where clang has it.
#
# JSON_CASES=50000	how many documents
# FUZZ_SEED=n		what the driver printed, to see the same again
# FUZZ_SECONDS=5	how long libFuzzer runs

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

sources=("$top/test/fuzz/json.c" "$top/src/collection_json.c")
gcc "${flags[@]}" "${sanitize[@]}" -DSTANDALONE "${sources[@]}" -o "$work/json"
"$work/json" "${JSON_CASES:-50000}" ${FUZZ_SEED:+"$FUZZ_SEED"}

if libfuzzer "${sources[@]}"; then
	# good inputs to begin with: the number of the set, doubled, and a document
	printf '%s' 'A{"a": 1, "b": {"b.c": [true, {"\u0061": null}]}}' >"$work/corpus/object"
	printf '%s' 'B[{"\ud83d\ude00": "x\"y}]"}, -1.5e3]' >"$work/corpus/array"
	run_libfuzzer -max_len=4096 -timeout=20
else
	echo "no clang with libFuzzer: only the driver ran"
fi
