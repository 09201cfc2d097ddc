#!/bin/sh
# Lints the engine in the configurations that exercise every optional unit's presence and absence.
# shellcheck disable=SC2086  # NONE and SMALL are lists of flags
set -e
cd "$(dirname "$0")/.."
lint() {
  echo "lint $*"
  verilator --lint-only -Wall "$@" --top-module tf2_engine -f rtl/sources.f
}
NONE="-GHasPadding=1'b0 -GHasResidual=1'b0 -GHasMaxPool=1'b0 -GHasRegions=1'b0 -GHasRepeat=1'b0"
SMALL="-GBeatBits=16 -GPortBits=1 -GFieldBits=16 -GAccBits=24 -GCountBits=6"
lint
lint -GFastPe="1'b1"
lint -GR=1 -GDualPort="1'b0" $NONE $SMALL -GUseSpram="1'b1"
lint -GR=1 -GDualPort="1'b0" $NONE $SMALL -GHasWide="1'b0"
lint -GR=8 -GHasWide="1'b0" -GHasResidual="1'b0"
lint -GN=16 -GC=8 -GR=16
lint -GN=16 -GC=8 -GR=8
lint -GN=32 -GC=8 -GR=4
lint -GN=16 -GC=16 -GR=16
lint -GN=4 -GC=4 -GR=2 -GBeatBits=32 -GPortBits=8
