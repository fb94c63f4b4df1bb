#!/usr/bin/env bash
#
# Layouts of pictures: nothing overlaps or is cut, under AddressSanitizer and
# UndefinedBehaviorSanitizer.
#
# LAYOUT_CASES=8000	how many layouts
# LAYOUT_SEED=n		what the driver printed, to see the same again

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

gcc "${flags[@]}" "${sanitize[@]}" "$top/test/fuzz/layout.c" \
	"$top"/src/picture_{layout,flows}.c "$top/src/markup_escape.c" -o "$work/layout"
"$work/layout" "${LAYOUT_CASES:-8000}" ${LAYOUT_SEED:+"$LAYOUT_SEED"}
