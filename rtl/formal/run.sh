#!/bin/sh
# Proves the properties of this folder with yosys' SAT solver; prints one line a proof, ends non-zero at the first failure.
# Usage: rtl/formal/run.sh [LOG_DIR]
cd "$(dirname "$0")/../.." || exit 1
LOG=${1:-build/rtl/formal}
mkdir -p "$LOG"

# prove NAME TEXT TOP SOURCES PARAMETERS SAT_OPTIONS [AFTER_FLATTEN]
prove() {
  start=$(date +%s)
  if timeout 300 yosys -q -l "$LOG/$1.log" -p "
      read_verilog -sv -formal $4
      $5
      hierarchy -check -top $3
      proc; flatten; $7
      opt; memory_map; async2sync; dffunmap; opt; opt -full
      sat -prove-asserts -set-assumes -verify $6" >"$LOG/$1.out" 2>&1; then
    echo "PASS $1: $2 ($(($(date +%s) - start)) s)"
  else
    tail -5 "$LOG/$1.out"
    echo "FAIL $1: $2, see $LOG/$1.log"
    exit 1
  fi
}

A=rtl/accel
F=rtl/formal
prove sac_term "the term is its definition, all 4,096 inputs but the reserved nibble" sac_term_proof \
  "$A/tf2_sac_term.sv $F/sac_term_proof.sv" "" ""
prove shifts "the narrowing shifts are exact and flag overflow exactly, 50 bits, shift 0..47" shift_proof \
  "$A/tf2_coarse_shift.sv $A/tf2_fine_shift.sv $F/shift_proof.sv" "" ""
REQUANT="$A/tf2_coarse_shift.sv $A/tf2_fine_shift.sv $A/tf2_requant.sv $F/requant_proof.sv"
WIRES="techmap -map $F/ff_to_wire.v"
prove requant_shift "requantisation = its expression, full width, alpha a power of two" requant_proof \
  "$REQUANT" "" "" "$WIRES"
prove requant_alpha "requantisation = its expression, any alpha below 64, acc + beta of 10 bits" requant_proof \
  "$REQUANT" "chparam -set OneHot 0 -set AccBits 18 -set SumBits 10 -set AlphaBits 6 requant_proof" "" "$WIRES"
prove requant_residual "the same with residual, acc + beta of 4 bits, alpha below 4" requant_proof \
  "$REQUANT" "chparam -set HasResidual 1 -set OneHot 0 -set AccBits 18 -set SumBits 4 -set AlphaBits 2 requant_proof" "" "$WIRES"
prove pe_array "structural lanes = fast lanes, N = C = 2, any length (induction)" pe_array_proof \
  "$A/tf2_sac_term.sv $A/tf2_adder_tree.sv $A/tf2_pe_array.sv $A/tf2_pe_array_fast.sv $F/pe_array_proof.sv" "" \
  "-tempinduct -maxsteps 8"
SEQUENCER="$A/tf2_loops.sv $A/tf2_padding.sv $A/tf2_sequencer.sv $F/sequencer_proof.sv"
prove sequencer_strides "addresses, tags, pace = nested loops; counts 1..2, any strides, no stalls, 17 cycles of execution" sequencer_proof \
  "$SEQUENCER" "chparam -set AnyStall 0 sequencer_proof" "-tempinduct-baseonly -tempinduct -maxsteps 28"
prove sequencer_stalls "the same with fixed strides and any stalls, 13 cycles of execution" sequencer_proof \
  "$SEQUENCER" "chparam -set AnyStride 0 sequencer_proof" "-tempinduct-baseonly -tempinduct -maxsteps 24"
echo "all proofs passed"
