#!/usr/bin/env bash
#
# The reader of OpenDSR requests under AddressSanitizer and
# UndefinedBehaviorSanitizer: a driver of our own always, libFuzzer where clang
# has it.
#
# FUZZ_SECONDS=5	how long each of them runs
# FUZZ_SEED=n		what the driver printed, to see the same again

set -euo pipefail
top=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
seconds=${FUZZ_SECONDS:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cores=("$top"/src/opendsr_{json,read,form}.c)
flags=(-DJP_PURE -I "$top/src" -g -O1 -Wall -Wextra -Wshadow -Werror)
checks=(-fsanitize=address,undefined -fno-sanitize-recover=all)

# Sanitizers are a package of their own on some systems.
echo 'int main(void) { return 0; }' >"$work/empty.c"
gcc "${checks[@]}" "$work/empty.c" -o "$work/empty" 2>/dev/null && "$work/empty" || checks=()

gcc "${flags[@]}" "${checks[@]}" -DSTANDALONE \
	"$top/test/fuzz/fuzz_opendsr.c" "${cores[@]}" -o "$work/alone"
"$work/alone" run "$seconds" ${FUZZ_SEED:+"$FUZZ_SEED"}

if command -v clang >/dev/null &&
	clang "${flags[@]}" -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		"$top/test/fuzz/fuzz_opendsr.c" "${cores[@]}" -o "$work/fuzz" 2>/dev/null; then
	mkdir "$work/corpus"
	"$work/alone" corpus "$work/corpus"
	(cd "$work" && ./fuzz -max_total_time="$seconds" -max_len=4096 -timeout=2 \
		-print_final_stats=1 -verbosity=0 corpus)
else
	echo "no clang with libFuzzer: only the driver ran"
fi
