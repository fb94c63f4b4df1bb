#!/usr/bin/env bash
#
# The parsers of consent strings under AddressSanitizer and
# UndefinedBehaviorSanitizer: a driver of our own always, libFuzzer where clang
# has it.
#
# FUZZ_SECONDS=5	how long each of them runs
# FUZZ_SEED=n		what the driver printed, to see the same again

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

sources=("$top/test/fuzz/fuzz_exchange.c" "$top"/src/exchange_{bits,tcf,gpp,us}.c)
gcc "${flags[@]}" "${sanitize[@]}" -DSTANDALONE "${sources[@]}" -o "$work/alone"
"$work/alone" run "$seconds" ${FUZZ_SEED:+"$FUZZ_SEED"}

if libfuzzer "${sources[@]}"; then
	"$work/alone" corpus "$work/corpus"
	run_libfuzzer -max_len=4096 -timeout=20
else
	echo "no clang with libFuzzer: only the driver ran"
fi
