#!/usr/bin/env bash
#
# The primitives against published vectors, and any bytes into the pure cores.
#
# FUZZ_SECONDS=600 test/extra/fuzz.sh runs longer; with clang it is libFuzzer,
# otherwise a driver of our own.  FUZZ_SEED repeats a run of the latter.

set -euo pipefail
top=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
seconds=${FUZZ_SECONDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cores=(keyring_text pseudonym_normalize pseudonym_text sealed_text)
sources=("${cores[@]/#/$top/src/}")
sources=("${sources[@]/%/.c}")
flags=(-DJP_PURE -I "$top/src" -g -O1 -Wall -Wextra -Werror)

# Sanitizers are a package of their own on some systems.
sanitize=()
if echo 'int main(void) { return 0; }' >"$work/empty.c" &&
	gcc -fsanitize=address,undefined "$work/empty.c" -o "$work/empty" 2>/dev/null &&
	"$work/empty"; then
	sanitize=(-fsanitize=address,undefined -fno-sanitize-recover=all)
fi

gcc "${flags[@]}" "$top/test/fuzz/known.c" -o "$work/known" -lsodium
"$work/known"

if command -v clang >/dev/null &&
	clang "${flags[@]}" -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		"$top/test/fuzz/fuzz.c" "${sources[@]}" -o "$work/fuzz" -lsodium 2>/dev/null; then
	mkdir "$work/corpus"
	# good inputs to begin with: the target's number and a text
	printf '\0p1_8eap4swt9v7fxdaqz6136zk1' >"$work/corpus/pseudonym"
	printf '\2\3+49 (151) 123-456.78' >"$work/corpus/telephone"
	{ printf '\3'; cat "$top/test/vectors/keyring"; } >"$work/corpus/keyring"
	{ printf '\4AQEB'; printf 'A%.0s' {1..72}; } >"$work/corpus/sealed"
	(cd "$work" && ./fuzz -max_total_time="$seconds" -max_len=4096 -print_final_stats=1 corpus)
else
	gcc "${flags[@]}" -DSTANDALONE "${sanitize[@]}" \
		"$top/test/fuzz/fuzz.c" "${sources[@]}" -o "$work/fuzz" -lsodium
	"$work/fuzz" "$seconds" ${FUZZ_SEED:+"$FUZZ_SEED"}
fi
