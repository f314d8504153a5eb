# Sourced by every script here: where the repository and the cache are, and how a script talks.
# Data goes to stdout, talk to stderr; colours only on a terminal and never with NO_COLOR.
# shellcheck shell=bash

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${ETCD_MONITOR_CACHE:-$repo/.cache}
case $cache in /*) ;; *) cache=$PWD/$cache ;; esac
# shellcheck disable=SC2034 # read by the scripts that source this file
env_file=$cache/env
export ETCD_MONITOR_CACHE=$cache

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
  # shellcheck disable=SC2034 # read by the scripts that source this file
  bold='' red='' green='' yellow='' plain=''
fi

say() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
warn() { printf '%s==> %s%s\n' "$yellow" "$*" "$plain" >&2; }

# Ends the script with a message and an exit code: 1 failed, 2 wrong usage.
die() {
  local code=$1
  shift
  printf '%s%s: %s%s\n' "$red" "$(basename "$0")" "$*" "$plain" >&2
  exit "$code"
}

have() { command -v "$1" >/dev/null 2>&1; }

# True when the version $1 is at least $2 (numbers separated by dots).
version_at_least() {
  local IFS=. i
  local -a is=() wanted=()
  read -ra is <<<"$1"
  read -ra wanted <<<"$2"
  for ((i = 0; i < ${#wanted[@]}; i++)); do
    ((10#${is[i]:-0} == 10#${wanted[i]})) || { ((10#${is[i]:-0} > 10#${wanted[i]})); return; }
  done
}

# Prints the comment block at the top of the script $1: its help.
print_help() { awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$1"; }
