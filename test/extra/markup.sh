#!/usr/bin/env bash
#
# Any bytes give well-formed text of XML and one line of Markdown, under
# AddressSanitizer and UndefinedBehaviorSanitizer.
#
# MARKUP_CASES=300000	how many texts
# MARKUP_SEED=n		what the driver printed, to see the same again

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

gcc "${flags[@]}" "${sanitize[@]}" \
	"$top/test/fuzz/markup.c" "$top/src/markup_escape.c" -o "$work/markup"
"$work/markup" "${MARKUP_CASES:-300000}" ${MARKUP_SEED:+"$MARKUP_SEED"}
