#!/usr/bin/env bash
#
# What values and names look like, on damaged ones, under AddressSanitizer
# and UndefinedBehaviorSanitizer; any bytes with libFuzzer where clang has it.
#
# LOOKS_CASES=300000	how many values
# FUZZ_SEED=n		what the driver printed, to see the same again
# FUZZ_SECONDS=5	how long libFuzzer runs

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

sources=("$top/test/fuzz/looks.c" "$top"/src/discovery_{look,name,national}.c)
gcc "${flags[@]}" "${sanitize[@]}" -DSTANDALONE "${sources[@]}" -o "$work/looks"
"$work/looks" "${LOOKS_CASES:-300000}" ${FUZZ_SEED:+"$FUZZ_SEED"}

if libfuzzer "${sources[@]}"; then
	# a good input to begin with
	printf '%s' 'DE89 3704 0044 0532 0130 00 RSSMRA85T10A562S' >"$work/corpus/numbers"
	printf '%s' 'ann@example.com +49 151 12345678 1985-12-31' >"$work/corpus/person"
	run_libfuzzer -max_len=300
else
	echo "no clang with libFuzzer: only the driver ran"
fi
