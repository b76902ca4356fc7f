#!/bin/sh
# `make run`: a conversation through the library.
#   run-demo.sh CHAT LOOPBACK_API CLI_DIRECTORY   offline: the real CLI against the loopback API, with a HOME of its own
#   run-demo.sh --live CHAT                       the user's own claude, login and account
#   run-demo.sh --replay REPLAY_TEST RECORD       a recorded conversation, without any CLI
set -eu

say() { printf '== %s\n' "$*"; }

# On a terminal the user talks; otherwise this script does. Ctrl-C is for the program that talks, so this shell outlives
# it; a trap with a command, unlike `trap '' INT`, is not inherited.
talk() {
    trap : INT
    if [ -t 0 ]; then
        "$@"
    else
        say "stdin is no terminal, so this is a scripted conversation"
        printf '%s\n' 'What is the capital of France?' 'What is 2+2?' 'Tell me something slow.' '/cost' '/quit' | "$@"
    fi
}

if [ "$1" = --live ]; then
    if ! claude=$(command -v claude); then
        say "no claude on PATH: npm install -g @anthropic-ai/claude-code, then run \`claude\` once to log in" >&2
        exit 1
    fi
    say "live: $claude with your own settings, login and account; this may cost money"
    talk "$2"
    exit
fi

if [ "$1" = --replay ]; then
    say "playing $3: no CLI, no network, no account"
    exec "$2" "$3"
fi

chat=$1 loopback=$2 cli_directory=$3
pinned=$cli_directory/node_modules/.bin/claude
can_install() { command -v npm >/dev/null 2>&1 || [ -e "$pinned" ]; }
if can_install && testkit/install-cli.sh "$cli_directory"; then
    claude=$(cd "$cli_directory" && pwd)/node_modules/.bin/claude
    say "using the pinned CLI: $pinned"
elif claude=$(command -v claude); then
    say "npm is missing or could not install the pinned CLI, so the claude on PATH serves: $claude"
else
    say "neither npm nor claude gives a CLI: install Node.js with npm, or put claude on PATH" >&2
    exit 1
fi
say "offline: the API is a scripted stand-in on 127.0.0.1; no account is used, and HOME is a fresh directory"
say "for a real conversation with your own claude and login: make run LIVE=1; for a recorded one: make run REPLAY=1"
talk "$loopback" -- "$chat" "{\"cli_path\": \"$claude\"}"
