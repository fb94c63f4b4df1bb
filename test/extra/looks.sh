#!/usr/bin/env bash
#
# What values and names look like, on damaged ones, under AddressSanitizer
# and UndefinedBehaviorSanitizer.
#
# LOOKS_CASES=300000	how many values
# LOOKS_SEED=n		what the driver printed, to see the same again

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

gcc "${flags[@]}" "${sanitize[@]}" \
	"$top/test/fuzz/looks.c" "$top"/src/discovery_{look,name,national}.c -o "$work/looks"
"$work/looks" "${LOOKS_CASES:-300000}" ${LOOKS_SEED:+"$LOOKS_SEED"}
