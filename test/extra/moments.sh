#!/usr/bin/env bash
#
# Sessions, paths, conversions and funnels of any journey under
# AddressSanitizer and UndefinedBehaviorSanitizer: a driver of our own always,
# libFuzzer where clang has it.
#
# FUZZ_SECONDS=5	how long each of them runs
# FUZZ_SEED=n		what the driver printed, to see the same again

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

sources=("$top/test/fuzz/moments.c" "$top"/src/session_{core,credit}.c "$top/src/journey_funnel.c")
gcc "${flags[@]}" "${sanitize[@]}" -DSTANDALONE "${sources[@]}" -o "$work/alone" -lm
"$work/alone" run "$seconds" ${FUZZ_SEED:+"$FUZZ_SEED"}

if libfuzzer "${sources[@]}" -lm; then
	run_libfuzzer -max_len=600 -timeout=20
else
	echo "no clang with libFuzzer: only the driver ran"
fi
