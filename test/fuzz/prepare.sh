# What the scripts of test/extra that compile a pure core have in common; they
# read it with "source".  Afterwards there are
#
#	top, work	the tree, and a directory that goes at the end
#	seconds		how long a fuzzer runs: FUZZ_SECONDS, 5 by default
#	flags		for a compiler of pure cores
#	sanitize	AddressSanitizer and UndefinedBehaviorSanitizer, where there are any
#	libfuzzer	builds with them and libFuzzer; false where there is none

top=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
seconds=${FUZZ_SECONDS:-5}
flags=(-DJP_PURE -I "$top/src" -g -O1 -Wall -Wextra -Wshadow -Werror
	-Wno-sign-compare -Wno-unused-parameter)
sanitize=(-fsanitize=address,undefined -fno-sanitize-recover=all)

# Sanitizers are a package of their own on some systems.
echo 'int main(void) { return 0; }' >"$work/empty.c"
gcc "${sanitize[@]}" "$work/empty.c" -o "$work/empty" 2>/dev/null && "$work/empty" || sanitize=()

# Only where clang has no libFuzzer may it be left out: what it does not compile is an error.
libfuzzer()
{
	local with=(clang -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)

	echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' >"$work/none.c"
	"${with[@]}" "$work/none.c" -o "$work/none" &>/dev/null || return 1
	"${with[@]}" "${flags[@]}" "$@" -o "$work/fuzz" || exit 1
	mkdir "$work/corpus"
}

# Runs it on the corpus, with further arguments.
run_libfuzzer()
{
	(cd "$work" && ./fuzz -max_total_time="$seconds" ${FUZZ_SEED:+"-seed=$FUZZ_SEED"} -print_final_stats=1 -verbosity=0 "$@" corpus)
}
