#!/usr/bin/env bash
#
# The primitives against published vectors, and any bytes into the pure cores.
#
# FUZZ_SECONDS=600 test/extra/fuzz.sh runs longer; with clang it is libFuzzer,
# otherwise a driver of our own.  FUZZ_SEED repeats a run of the latter.

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

sources=("$top/test/fuzz/fuzz.c" "$top"/src/{keyring_text,pseudonym_normalize,pseudonym_text,sealed_text}.c)

gcc "${flags[@]}" "$top/test/fuzz/known.c" -o "$work/known" -lsodium
"$work/known"

if libfuzzer "${sources[@]}" -lsodium; then
	# good inputs to begin with: the target's number and a text
	printf '\0p1_8eap4swt9v7fxdaqz6136zk1' >"$work/corpus/pseudonym"
	printf '\2\3+49 (151) 123-456.78' >"$work/corpus/telephone"
	{ printf '\3'; cat "$top/test/vectors/keyring"; } >"$work/corpus/keyring"
	{ printf '\4AQEB'; printf 'A%.0s' {1..72}; } >"$work/corpus/sealed"
	run_libfuzzer -max_len=4096
else
	gcc "${flags[@]}" -DSTANDALONE "${sanitize[@]}" "${sources[@]}" -o "$work/fuzz" -lsodium
	"$work/fuzz" "$seconds" ${FUZZ_SEED:+"$FUZZ_SEED"}
fi
