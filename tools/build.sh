# shellcheck shell=bash
# Building for ./run and ./test, which source this file. ROOT is the source tree.

# Runs a command quietly: its output goes to build/LOG.log and to the terminal only when it fails.
quietly() { # LOG COMMAND...
  local log=$ROOT/build/$1.log
  shift
  mkdir -p "$ROOT/build"
  "$@" >"$log" 2>&1 || {
    local status=$?
    grep -E -A12 'error|Error|FAILED|fatal' "$log" | head -60 >&2 || true
    echo "failed with status $status: $*" >&2
    echo "everything it printed: $log" >&2
    return "$status"
  }
}

# Configures preset $1 unless it is, with the further cmake flags. Sources are compiled eight at a time, in half the
# time that they take one by one; `cmake --preset` alone suits those who edit them.
configure() { # PRESET FLAGS...
  local preset=$1
  shift
  # Presets are looked up in the current folder.
  (cd "$ROOT" && quietly "configure-$preset" cmake --preset "$preset" -DCMAKE_UNITY_BUILD=ON "$@") || return
  # Where the path of the compiler is another one than before, cmake starts anew and forgets what it was given.
  if grep -q 'require your cache to be deleted' "$ROOT/build/configure-$preset.log"; then
    (cd "$ROOT" && quietly "configure-$preset" cmake --preset "$preset" -DCMAKE_UNITY_BUILD=ON "$@")
  fi
}

# Builds targets of a preset: with ninja's progress on a terminal, quietly elsewhere.
build() { # PRESET TARGETS...
  local preset=$1
  shift
  if [[ -t 1 ]]; then
    ninja -C "$ROOT/build/$preset" "$@"
  else
    # A compiler that hangs is a failure, not a wait without end.
    quietly "build-$preset" timeout 1800 ninja -C "$ROOT/build/$preset" "$@"
  fi
}
