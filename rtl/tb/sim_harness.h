/* C interface to a verilated tf2_engine, one per shared object: the simulated device behind the
 * host port of docs/isa.md.
 *
 * Compile sim_harness.cc with the verilated model. The model's class is Vtf2_engine unless
 * TF2_MODEL names another, its header is TF2_MODEL_HEADER then; TF2_BEAT_BITS and TF2_PORT_BITS
 * repeat the parameters BeatBits and PortBits. VM_TRACE_VCD or VM_TRACE_FST (defined by verilator
 * --trace, --trace-fst through its own flags) builds the trace writer in.
 *
 * Functions that return int give 0, or -1 with a text at tf2_sim_error(). A handle belongs to one
 * thread at a time. */
#ifndef TF2_RTL_TB_SIM_HARNESS_H_
#define TF2_RTL_TB_SIM_HARNESS_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tf2_sim tf2_sim;

enum { TF2_SIM_FEATURES = 0, TF2_SIM_WEIGHTS = 1, TF2_SIM_PARAMS = 2, TF2_SIM_PROGRAM = 3 };

/* A new engine after reset, its memories zero; NULL when memory is exhausted. */
tf2_sim* tf2_sim_create(void);
void tf2_sim_destroy(tf2_sim* sim);

/* Parameters of this model. A beat is beat_bits / 8 bytes, little endian, in all buffers below. */
uint32_t tf2_sim_beat_bits(const tf2_sim* sim);
uint32_t tf2_sim_port_bits(const tf2_sim* sim);

/* Writes `beats` beats to a memory from beat address `address` on. */
int tf2_sim_write(tf2_sim* sim, unsigned memory, uint64_t address, const uint8_t* data,
                  uint64_t beats);

/* Reads `beats` beats of the feature memory. */
int tf2_sim_read(tf2_sim* sim, uint64_t address, uint8_t* data, uint64_t beats);

/* Runs the program at field `field` and waits for its end; fails after max_cycles cycles (the
 * handle is then of no more use). The cycles the engine reports, low beat_bits bits, go to
 * *reported unless it is NULL. */
int tf2_sim_run(tf2_sim* sim, uint64_t field, uint64_t max_cycles, uint64_t* reported);

/* Layers of the last run, and the cycles of one of them (0 for a layer that was not run). */
uint64_t tf2_sim_layers(const tf2_sim* sim);
uint64_t tf2_sim_layer_cycles(const tf2_sim* sim, uint64_t layer);

/* Clock cycles since the reset: differences around calls give the cost of a frame, transfers
 * included. */
uint64_t tf2_sim_cycles(const tf2_sim* sim);

/* Starts a waveform (VCD or FST as built). Fails when the model was built without. The file is
 * complete after destroy. */
int tf2_sim_trace(tf2_sim* sim, const char* path);

/* Text of the last failure, "" if none; valid until the next call. */
const char* tf2_sim_error(const tf2_sim* sim);

#ifdef __cplusplus
}
#endif

#endif /* TF2_RTL_TB_SIM_HARNESS_H_ */
