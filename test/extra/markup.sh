#!/usr/bin/env bash
#
# Any bytes give well-formed text of XML and one line of Markdown, under
# AddressSanitizer and UndefinedBehaviorSanitizer; any with libFuzzer where
# clang has it.
#
# MARKUP_CASES=300000	how many texts
# FUZZ_SEED=n		what the driver printed, to see the same again
# FUZZ_SECONDS=5	how long libFuzzer runs

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

sources=("$top/test/fuzz/markup.c" "$top/src/markup_escape.c")
gcc "${flags[@]}" "${sanitize[@]}" -DSTANDALONE "${sources[@]}" -o "$work/markup"
"$work/markup" "${MARKUP_CASES:-300000}" ${FUZZ_SEED:+"$FUZZ_SEED"}

if libfuzzer "${sources[@]}"; then
	# a good input to begin with
	printf '%s' 'a<script>&amp;[x](y) www. ]]>' >"$work/corpus/text"
	run_libfuzzer -max_len=300
else
	echo "no clang with libFuzzer: only the driver ran"
fi
