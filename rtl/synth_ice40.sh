#!/bin/sh
# Synthesises and routes the engine in its small configuration on an iCE40 and prints resources and clock.
# Usage: rtl/synth_ice40.sh up5k|hx8k [OUT_DIR] [SEED...]; the commands are explained in rtl/README.md.
set -e
cd "$(dirname "$0")/.."
DEVICE=$1
OUT=${2:-build/rtl/$DEVICE}
if [ $# -lt 2 ]; then shift 1; else shift 2; fi
SEEDS=${*:-1 2 3}
mkdir -p "$OUT"

SET="-set N 8 -set C 8 -set P 1 -set AccBits 24 -set R 1 -set FieldBits 16 -set BeatBits 16 -set PortBits 1 -set CountBits 6
     -set WeightWords 256 -set ParamEntries 256 -set ProgramFields 256
     -set HasPadding 0 -set HasResidual 0 -set HasMaxPool 0 -set HasWide 1 -set HasRegions 0 -set HasRepeat 0"
case $DEVICE in
  up5k) SET="$SET -set FeatureWords 16384 -set DualPort 0 -set UseSpram 1" SYNTH="-device u -dsp" ROUTE="--up5k --package sg48 --freq 45" ;;
  hx8k) SET="$SET -set FeatureWords 512 -set DualPort 1 -set UseSpram 0" SYNTH="-device hx" ROUTE="--hx8k --package ct256 --freq 70" ;;
  *) echo "unknown device: $DEVICE" >&2; exit 2 ;;
esac

cat >"$OUT/synth.ys" <<END
read_verilog -sv $(tr '\n' ' ' <rtl/sources.f)
chparam $(printf '%s' "$SET" | tr '\n' ' ') tf2_engine
hierarchy -check -top tf2_engine
proc
opt_expr
opt_clean
wreduce *tf2_adder_tree*
alumacc *tf2_adder_tree*
synth_ice40 -top tf2_engine $SYNTH -run begin:map_ffs
dfflegalize -mince 8 -minsrst 8 -cell \$_DFF_?_ 0 -cell \$_DFFE_?P_ 0 -cell \$_DFF_?P?_ 0 -cell \$_DFFE_?P?P_ 0 -cell \$_SDFF_?P?_ 0 -cell \$_SDFFCE_?P?P_ 0
synth_ice40 -top tf2_engine $SYNTH -run map_ffs:
write_json $OUT/engine.json
END
yosys -q -l "$OUT/synth.log" "$OUT/synth.ys" >"$OUT/synth.out" 2>&1 || { tail -5 "$OUT/synth.out"; exit 1; }

for seed in $SEEDS; do
  # shellcheck disable=SC2086
  nextpnr-ice40 $ROUTE --json "$OUT/engine.json" --seed "$seed" --timing-allow-fail --pcf-allow-unconstrained \
    -q -l "$OUT/route$seed.log" --asc "$OUT/engine$seed.asc" >/dev/null 2>&1 || { tail -3 "$OUT/route$seed.log"; exit 1; }
  use=$(sed -n 's/.*ICESTORM_\(LC\|RAM\|DSP\|SPRAM\): *\([0-9]*\)\/ *\([0-9]*\).*/\1 \2\/\3/p' "$OUT/route$seed.log" | sort -u | tr '\n' ' ')
  echo "$DEVICE seed $seed: $use$(sed -n 's/.*Max frequency for clock.*: \([0-9.]* MHz\).*/\1/p' "$OUT/route$seed.log" | tail -1)"
done
