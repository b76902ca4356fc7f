#!/bin/sh
# minimise.sh [TARGET…]: makes the committed corpus of what `make fuzz` has found: the smallest set of inputs with the same
# coverage, short ones only. Inputs that once found a fault stay, under the names that say which.
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- stdout answers options pointer record transport calls
triple=$(rustc -vV | sed -n 's/^host: //p')
most=${MOST:-250}
for target; do
	corpus=fuzz/corpus/$target
	kept=build/fuzz/$target.kept
	rm -rf "$kept"
	mkdir -p "$kept"
	ASAN_OPTIONS=detect_leaks=0 "fuzz/target/none/$triple/release/$target" -merge=1 -max_len=700 \
		"$kept" "$corpus" "build/fuzz/$target" 2>/dev/null
	find "$corpus" -type f ! -name 'fault_*' -delete
	# The smallest first.
	find "$kept" -type f -printf '%s %p\n' | sort -n | head -n "$most" | while read -r _ input; do mv "$input" "$corpus/"; done
	rm -rf "$kept"
	echo "$target: $(find "$corpus" -type f | wc -l) inputs, $(du -sb "$corpus" | cut -f1) bytes"
done
