#!/usr/bin/env bash
#
# What values and names look like, on damaged ones, under AddressSanitizer
# and UndefinedBehaviorSanitizer.
#
# LOOKS_CASES=300000	how many values
# LOOKS_SEED=n		what the driver printed, to see the same again

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
gcc -DJP_PURE -g -O1 -Wall -Wextra -Wshadow -Werror -Wno-sign-compare -Wno-unused-parameter "${sanitize[@]}" \
	"$top/test/fuzz/looks.c" "$top"/src/discovery_{look,name,national}.c -o "$work/looks"
"$work/looks" "${LOOKS_CASES:-300000}" ${LOOKS_SEED:+"$LOOKS_SEED"}
