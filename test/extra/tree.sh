#!/usr/bin/env bash
#
# The audit's Merkle tree and checkpoints: published vectors, definitions, bits.

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

gcc "${flags[@]}" "${sanitize[@]}" "$top/test/fuzz/tree.c" \
	"$top/src/audit_tree.c" "$top/src/audit_note.c" -o "$work/tree" -lsodium
"$work/tree"
