// The one interface to everything that executes a QNet: interpreter, CPU kernels, simulated RTL,
// boards. A device is opened by the name of its backend, loaded with one network, given batches
// asynchronously, waited for and closed. Integers in, integers out: what goes in was quantised
// before (runtime/session.h), heads are applied after. All devices give the same bytes for the same
// network and input.
#ifndef TF2_RUNTIME_DEVICE_H_
#define TF2_RUNTIME_DEVICE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::runtime {

// What the user chose about a device. A backend ignores the fields that do not concern it.
struct DeviceOptions {
  // Threads that compute; 0: as many as the machine has processors.
  int threads = 0;
  // Instruction set to force ("portable", "avx2", "avxvnni", "avx512vnni", "amx" for `cpu`); empty:
  // the best that the machine has. A backend refuses a name that it does not know and one that the
  // machine lacks.
  std::string isa;
  // Simulators: the shared object to load, as src/build made it.
  std::filesystem::path simulator;
  // Simulators: where to write a waveform; empty: none.
  std::filesystem::path trace_file;
};

// What a device is loaded with.
struct LoadedModel {
  // Must have passed qnet::Verify; shared, since a device may keep it as long as it is open.
  std::shared_ptr<const qnet::QNet> net;
  // The compiled program as the artifact's section holds it (src/program decodes it); empty where
  // the artifact has none. Backends that need one refuse to load without it; the others ignore it.
  std::vector<std::uint8_t> program;
};

// Inputs of `count` frames, one after the other: each the bytes of the QNet's inputs in
// order, [c, h, w].
struct Batch {
  std::int64_t count = 0;
  std::vector<std::int8_t> data;  // count * elements of the input
};

// Results of one frame: for each of QNet::outputs, in order, the bytes of its tensor, [c, h, w];
// int16 little endian.
using Frame = std::vector<std::vector<std::uint8_t>>;

// Names a submitted batch. Never reused by its device.
enum class Ticket : std::uint64_t {};

// Clock cycles of the last frame that completed, on hardware that counts them (simulated or real).
struct LayerStatistics {
  std::string layer;  // qnet::Op::name of the (last) operator that the program layer computes
  std::int64_t cycles = 0;
};
struct RunStatistics {
  std::int64_t cycles = 0;              // of the program's run: all layers, start to finish
  std::int64_t input_cycles = 0;        // loading the input through the host port
  std::int64_t output_cycles = 0;       // reading the outputs through the host port
  std::vector<LayerStatistics> layers;  // in execution order
};

// Receives a tensor of a traced run: its bytes as in Frame. Called in execution order, from the
// calling thread. The view is valid during the call.
using TraceSink = std::function<void(qnet::TensorId tensor, std::span<const std::uint8_t> bytes)>;

// What a traced run did: the outputs, and the tensors that this backend never materialises (fused
// into their consumer, for instance), ascending. Every other tensor of the QNet was given to the
// sink once, the input included.
struct TraceReport {
  Frame outputs;
  std::vector<qnet::TensorId> skipped;
};

// One opened device. Submit, Wait, Run, Close and Statistics may be called from any thread at any
// time; Load and RunTraced only while no batch is in flight. Destruction closes.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  virtual ~Device() = default;

  // The backend's name in the registry: "reference", "cpu", "verilator".
  virtual std::string_view name() const = 0;
  // What executes: "reference", "portable", "avx2", "avxvnni", "avx512vnni", "amx", "rtl".
  virtual std::string_view isa() const = 0;

  // Replaces the network. Plans memory, packs weights, programs the hardware. Refuses
  // (kUnsupported, kResourceExhausted) by layer what this device cannot do.
  virtual Status Load(const LoadedModel& model) = 0;

  // Queues a batch (any count >= 1; the size may differ from call to call) and returns at once.
  // Frames begin in the order of submission; those of a batch may run beside the last ones of the
  // batch before. Errors: kInvalidArgument when nothing is loaded, the
  // device is closed or the size of the data is not count times the input's.
  virtual Result<Ticket> Submit(Batch batch) = 0;

  // Blocks until the batch is done and gives its frames in order. Each ticket can be waited for
  // once, in any order. kCancelled when the user interrupted (base/interrupt.h) or the device was
  // closed before the batch began.
  virtual Result<std::vector<Frame>> Wait(Ticket ticket) = 0;

  // Submit and Wait. Backends may run the frames, and others that wait, on the calling thread.
  virtual Result<std::vector<Frame>> Run(Batch batch);

  // Runs one frame, showing every tensor that the backend materialises, as the untraced run
  // computes them.
  virtual Result<TraceReport> RunTraced(std::span<const std::int8_t> input,
                                        const TraceSink& sink) = 0;

  // Counters of the last frame; nullopt where the backend has none or nothing has run.
  virtual std::optional<RunStatistics> Statistics() const { return std::nullopt; }

  // Waits for the batches that have begun, cancels the queued ones, frees the network. Idempotent.
  virtual void Close() = 0;
};

// A backend that is linked into the program. Every backend folder declares one in its header:
// `BackendFactory ReferenceBackend();`.
struct BackendFactory {
  std::string_view name;
  std::string_view summary;  // one line for `tf2 --help`
  std::function<Result<std::unique_ptr<Device>>(const DeviceOptions&)> open;
};

// Opens the device of the backend called `name`. kNotFound, listing the backends there are.
Result<std::unique_ptr<Device>> OpenDevice(std::string_view name, const DeviceOptions& options,
                                           std::span<const BackendFactory> backends);

}  // namespace tf2::runtime

#endif  // TF2_RUNTIME_DEVICE_H_
