#!/usr/bin/env bash
#
# The steps of a journey against every chain there is, under AddressSanitizer
# and UndefinedBehaviorSanitizer.
#
# STEPS_CASES=300000	how many questions
# FUZZ_SEED=n		what the driver printed, to see the same again

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../fuzz/prepare.sh"

gcc "${flags[@]}" "${sanitize[@]}" \
	"$top/test/fuzz/steps.c" "$top"/src/journey_steps{,_any,_match,_plain}.c -o "$work/steps"
"$work/steps" "${STEPS_CASES:-300000}" ${FUZZ_SEED:+"$FUZZ_SEED"}
