#!/usr/bin/env bash
#
# JSON text without some of its pairs (minimize's keep_keys and drop_keys on
# type json): random and damaged documents, with sanitizers where there are.
#
# JSON_CASES=10000000 test/extra/json.sh tries more; JSON_SEED changes them.

set -euo pipefail
top=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sanitize=()
if echo 'int main(void) { return 0; }' >"$work/empty.c" &&
	gcc -fsanitize=address,undefined "$work/empty.c" -o "$work/empty" 2>/dev/null &&
	"$work/empty"; then
	sanitize=(-fsanitize=address,undefined -fno-sanitize-recover=all)
fi
gcc -DJP_PURE -I "$top/src" -g -O1 -Wall -Wextra -Werror "${sanitize[@]}" \
	"$top/test/fuzz/json.c" "$top/src/collection_json.c" -o "$work/json"
"$work/json" "${JSON_CASES:-50000}" ${JSON_SEED:+"$JSON_SEED"}
