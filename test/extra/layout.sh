#!/usr/bin/env bash
#
# Layouts of pictures: nothing overlaps or is cut, under AddressSanitizer and
# UndefinedBehaviorSanitizer; any text with libFuzzer where clang has it.
#
# LAYOUT_CASES=8000	how many layouts
# FUZZ_SEED=n		what the driver printed, to see the same again
# FUZZ_SECONDS=5	how long libFuzzer runs

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

sources=("$top/test/fuzz/layout.c" "$top"/src/picture_{layout,flows}.c "$top/src/markup_escape.c")
gcc "${flags[@]}" "${sanitize[@]}" -DSTANDALONE "${sources[@]}" -o "$work/layout"
"$work/layout" "${LAYOUT_CASES:-8000}" ${FUZZ_SEED:+"$FUZZ_SEED"}

if libfuzzer "${sources[@]}"; then
	# a good input to begin with
	printf '%s' 'abca cart/checkout_page-two.html' >"$work/corpus/text"
	run_libfuzzer -max_len=300
else
	echo "no clang with libFuzzer: only the driver ran"
fi
