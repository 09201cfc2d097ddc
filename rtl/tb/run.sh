#!/bin/sh
# Builds the test bench for a set of configurations and runs random programs on each.
# Usage: rtl/tb/run.sh [BUILD_DIR] [PROGRAMS]; prints one line a configuration, ends non-zero at the first failure.
# shellcheck disable=SC2086  # MEM, SIM, ICE, ALL and NONE are lists of parameters
set -e
cd "$(dirname "$0")/../.."
BUILD=${1:-build/rtl/tb}
PROGRAMS=${2:-200}
ROOT=$PWD

# bench NAME Parameter=value...: every parameter of the configuration table, bits as 0 or 1.
bench() {
  name=$1
  shift
  G="" D=""
  for p in "$@"; do
    k=${p%%=*} v=${p#*=}
    case $k in
      DualPort | Has* | UseSpram | FastPe) G="$G -G$k=1'b$v" ;;
      *) G="$G -G$k=$v" ;;
    esac
    macro=$(echo "$k" | sed 's/\([a-z]\)\([A-Z]\)/\1_\2/g' | tr '[:lower:]' '[:upper:]')
    D="$D -DTF2_$macro=$v"
  done
  mkdir -p "$BUILD/$name"
  # shellcheck disable=SC2086
  verilator --cc --exe --build -Wall -O3 --unroll-count 2 --x-assign fast --x-initial fast --assert \
    --top-module tf2_engine -MAKEFLAGS "OPT_FAST=-O2 OPT_SLOW=-O1 OPT_GLOBAL=-O1" $G -CFLAGS "-std=c++20 -I$ROOT/rtl/tb $D" --Mdir "$BUILD/$name" -o engine_tb \
    -f rtl/sources.f "$ROOT/rtl/tb/engine_tb.cc" "$ROOT/rtl/tb/sim_harness.cc" >"$BUILD/$name.log" 2>&1 ||
    { cat "$BUILD/$name.log"; exit 1; }
  printf '%s: ' "$name"
  "$BUILD/$name/engine_tb" "$PROGRAMS"
}

ALL="HasPadding=1 HasResidual=1 HasMaxPool=1 HasWide=1 HasRegions=1 HasRepeat=1"
MEM="FeatureWords=1024 WeightWords=128 ParamEntries=256 ProgramFields=256"
SIM="FieldBits=32 CountBits=16 AccBits=32"
ICE="FieldBits=16 CountBits=6 AccBits=24 BeatBits=16 PortBits=1"
NONE="HasPadding=0 HasResidual=0 HasMaxPool=0 HasWide=1 HasRegions=0 HasRepeat=0"

bench dual_8x8_r8 N=8 C=8 R=8 BeatBits=64 PortBits=64 DualPort=1 FastPe=1 $MEM $SIM $ALL
bench dual_8x8_r8_lanes N=8 C=8 R=8 BeatBits=64 PortBits=8 DualPort=1 FastPe=0 $MEM $SIM $ALL
bench single_8x8_r1_glyphs N=8 C=8 R=1 DualPort=0 FastPe=0 UseSpram=1 $MEM $ICE $NONE
bench dual_8x8_r1_glyphs N=8 C=8 R=1 DualPort=1 FastPe=1 $MEM $ICE $NONE
bench single_8x8_r2 N=8 C=8 R=2 BeatBits=32 PortBits=16 DualPort=0 FastPe=1 $MEM $SIM $ALL
bench dual_16x8_r8 N=16 C=8 R=8 BeatBits=64 PortBits=32 DualPort=1 FastPe=1 $MEM $SIM $ALL
bench dual_16x8_r16 N=16 C=8 R=16 BeatBits=64 PortBits=64 DualPort=1 FastPe=1 $MEM $SIM $ALL
bench single_16x4_r2 N=16 C=4 R=2 BeatBits=32 PortBits=8 DualPort=0 FastPe=1 $MEM $SIM $ALL
bench dual_16x16_r4 N=16 C=16 R=4 BeatBits=64 PortBits=64 DualPort=1 FastPe=1 $MEM $SIM $ALL
bench dual_4x4_r4 N=4 C=4 R=4 BeatBits=16 PortBits=8 DualPort=1 FastPe=1 FieldBits=16 CountBits=8 AccBits=24 $MEM $ALL
