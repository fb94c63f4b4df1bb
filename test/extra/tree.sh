#!/usr/bin/env bash
#
# The audit's Merkle tree and checkpoints: published vectors, definitions, bits.

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
gcc -DJP_PURE -I "$top/src" -g -O1 -Wall -Wextra -Werror "${sanitize[@]}" "$top/test/fuzz/tree.c" \
	"$top/src/audit_tree.c" "$top/src/audit_note.c" -o "$work/tree" -lsodium
"$work/tree"
