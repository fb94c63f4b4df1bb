#!/usr/bin/env bash
#
# The steps of a journey against every chain there is, under AddressSanitizer
# and UndefinedBehaviorSanitizer.
#
# STEPS_CASES=300000	how many questions
# STEPS_SEED=n		what the driver printed, to see the same again

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
gcc -DJP_PURE -g -O1 -Wall -Wextra -Wshadow -Werror -Wno-sign-compare "${sanitize[@]}" \
	"$top/test/fuzz/steps.c" "$top"/src/journey_steps{,_any,_match,_plain}.c -o "$work/steps"
"$work/steps" "${STEPS_CASES:-300000}" ${STEPS_SEED:+"$STEPS_SEED"}
