# What `.ci/run` makes of a log of `cargo test`. Functions only: `.ci/run` reads them in, and so does tests/tree/verdict.rs, which
# feeds them made-up logs.

DAYS=14     # so long may a test stand in tests/unsteady.txt
ROUNDS=10   # so often is a test that failed tried again
LONGEST=300 # for so many seconds
MOST=5      # more failures than these are no matter of chance, and are not tried again

# `CARGO ARGUMENTS<tab>TEST` for each test that failed; `-` for a test program that ended without its result, or was not built,
# and for the examples in the documentation, which cannot be run one by one.
failed_tests() { # LOG
    awk -F'`' '/^ +(Running|Doc-tests) / { count = 0; ended = 0 }
               /^test .* \.\.\. FAILED$/ { names[++count] = $0; sub(/^test /, "", names[count]); sub(/ \.\.\. FAILED$/, "", names[count]) }
               /^test result:/ { ended = 1 }
               /^error: could not compile/ { print "build\t-" }
               /^error: (test|doctest) failed, to rerun pass/ {
                   if (!ended || !count || /doctest/) print $2 "\t-"
                   else for (i = 1; i <= count; i++) print $2 "\t" names[i] }' "$1"
}

# What the `test result:` lines add up to: `PASSED FAILED SKIPPED`. What ended without such a line counts as one that failed.
counts() { # LOG
    awk '/^ +(Running|Doc-tests) / { ended = 0 }
         /^test result:/ { ended = 1
             for (i = 1; i < NF; i++) {
                 if ($(i + 1) ~ /^passed/) passed += $i
                 if ($(i + 1) ~ /^failed/) failed += $i
                 if ($(i + 1) ~ /^ignored/) skipped += $i } }
         /^error: could not compile/ || /^error: (test|doctest) failed, to rerun pass/ && !ended { failed++ }
         /^SKIPPED/ { skipped++ }
         END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# The last line: tests that failed and are excused count as passed, other steps of the check that failed as tests that did.
last_line() { # LOG EXCUSED FAILED_STEPS
    local passed failed skipped
    read -r passed failed skipped < <(counts "$1")
    echo "$((passed + $2)) passed, $((failed - $2 + $3)) failed, $skipped skipped"
}

# What is wrong with a list of unsteady tests, whose lines are `DATE TEST CAUSE`.
faults_of() { # LIST TODAY
    local number=0 day name cause age seen=" "
    while read -r day name cause; do
        number=$((number + 1))
        case $day in '' | '#'*) continue ;; esac
        if [ -z "$cause" ] || ! [[ $day =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] || ! age=$(days_between "$day" "$2"); then
            echo "$1:$number: not a date, a test and a cause"
        elif [ "$age" -lt 0 ]; then
            echo "$1:$number: $name: its date is to come"
        elif [ "$age" -gt "$DAYS" ]; then
            echo "$1:$number: $name: unsteady for $age days, $DAYS at most: mend it"
        fi
        case $seen in *" $name "*) echo "$1:$number: $name is there twice" ;; esac
        seen="$seen$name "
    done <"$1"
}

days_between() { # DATE DATE
    local from to
    from=$(date -ud "$1" +%s 2>/dev/null) && to=$(date -ud "$2" +%s 2>/dev/null) && echo $(((to - from) / 86400))
}

is_listed() { # LIST TEST
    awk -v name="$2" '!/^#/ && $2 == name && $3 != "" { found = 1 } END { exit !found }' "$1"
}

# Tries a test again and again until it fails, within `ROUNDS` and `LONGEST`. How often it passed is in `passes` then.
# `one_test ARGUMENTS TEST` is to run it, beside something that keeps all processors busy.
until_it_fails() { # ARGUMENTS TEST
    local start=$SECONDS
    passes=0
    while one_test "$1" "$2"; do
        passes=$((passes + 1))
        [ "$passes" -lt "$ROUNDS" ] && [ $((SECONDS - start)) -lt "$LONGEST" ] || break
    done
}

# Looks at each test that failed. One that failed and passed is unsteady, which excuses it if it is listed as such; one that fails
# each time is broken, listed or not. Says what it found, and leaves the number of excused tests in `excused`.
judge() { # LOG LIST
    local failures arguments name
    excused=0
    failures=$(failed_tests "$1")
    [ -n "$failures" ] || return 0
    if [ "$(wc -l <<<"$failures")" -gt "$MOST" ]; then
        echo "more than $MOST tests failed: none is tried again"
        return 0
    fi
    while IFS=$'\t' read -r arguments name; do
        if [ "$name" = - ]; then
            echo "FAILED: $arguments"
            continue
        fi
        until_it_fails "$arguments" "$name" </dev/null
        if [ "$passes" = 0 ]; then
            echo "FAILED: $name fails again"
        elif is_listed "$2" "$name"; then
            excused=$((excused + 1))
            echo "UNSTEADY, as tests/unsteady.txt says: $name passed $passes times under load"
        else
            echo "FAILED: $name is unsteady, it passed $passes times under load: mend it"
        fi
    done <<<"$failures"
}
