#!/usr/bin/env bash
#
# The floor under small groups against everything that subtraction can tell.
#
# FUZZ_SEED=n	other random tables than those of every run

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

gcc "${flags[@]}" "${sanitize[@]}" "$top/test/fuzz/floor.c" "$top/src/answer_floor.c" -o "$work/floor"
"$work/floor" ${FUZZ_SEED:+"$FUZZ_SEED"}
