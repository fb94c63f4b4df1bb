#!/usr/bin/env bash
#
# The floor under small groups against everything that subtraction can tell.
#
# FUZZ_SEED=n	other random tables than those of every run

set -euo pipefail
top=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Sanitizers are a package of their own on some systems.
sanitize=()
if echo 'int main(void) { return 0; }' >"$work/empty.c" &&
	gcc -fsanitize=address,undefined "$work/empty.c" -o "$work/empty" 2>/dev/null &&
	"$work/empty"; then
	sanitize=(-fsanitize=address,undefined -fno-sanitize-recover=all)
fi
gcc -DJP_PURE -I "$top/src" -g -O1 -Wall -Wextra -Wshadow -Werror "${sanitize[@]}" \
	"$top/test/fuzz/floor.c" "$top/src/answer_floor.c" -o "$work/floor"
"$work/floor" ${FUZZ_SEED:+"$FUZZ_SEED"}
