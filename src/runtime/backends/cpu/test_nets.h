// Random networks for the tests of the CPU backend: every operator with parameters anywhere in the
// range that qnet::Verify allows, extremes over-represented.
#ifndef TF2_RUNTIME_BACKENDS_CPU_TEST_NETS_H_
#define TF2_RUNTIME_BACKENDS_CPU_TEST_NETS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "qnet/qnet.h"

namespace tf2::runtime::cpu::testing {

class NetBuilder {
 public:
  // The input has `dims` and exponents within `spread` of 4.
  NetBuilder(std::uint64_t seed, std::vector<std::int32_t> dims, int spread = 2);

  struct ConvOptions {
    qnet::Window window;
    std::int32_t oc = 1;
    std::int32_t oh = 0, ow = 0;  // 0: what the window gives with equal padding on both sides
    std::int32_t groups = 1;
    qnet::WeightKind kind = qnet::WeightKind::kSac;
    int terms = 1;
    bool relu = false;
    bool wide = false;
    std::int8_t pad_value = 0;
    bool extreme = false;  // largest codes of one sign, any alpha and s
  };
  qnet::TensorId Conv(qnet::TensorId input, const ConvOptions& options);
  // With a residual; every t that results is valid.
  qnet::TensorId Conv(qnet::TensorId input, qnet::TensorId residual, const ConvOptions& options);
  qnet::TensorId MaxPool(qnet::TensorId input, const qnet::Window& window);
  qnet::TensorId AvgPool(qnet::TensorId input, const qnet::Window& window, bool wide, bool relu);
  // Output exponents anywhere in the range where `extreme`.
  qnet::TensorId Add(qnet::TensorId a, qnet::TensorId b, bool wide, bool relu, bool extreme);
  qnet::TensorId Concat(const std::vector<qnet::TensorId>& inputs);
  // The exponents of the output are those of the elements.
  qnet::TensorId Reshape(qnet::TensorId input, std::vector<std::int32_t> dims);

  qnet::TensorId input() const { return net_.inputs[0]; }
  const qnet::Tensor& tensor(qnet::TensorId id) const { return net_.tensor(id); }
  Rng& rng() { return rng_; }
  // The network with these outputs; checked with qnet::Verify.
  qnet::QNet Finish(const std::vector<qnet::TensorId>& outputs);

 private:
  qnet::TensorId AddTensor(std::vector<std::int32_t> dims, bool wide, int spread);
  qnet::TensorId MakeConv(std::vector<qnet::TensorId> inputs, const ConvOptions& options);
  std::int8_t Code(const ConvOptions& options, bool negative);

  Rng rng_;
  qnet::QNet net_;
};

// What a window of these parameters gives with equal padding on both sides, at least 1.
std::int32_t OutputSize(std::int32_t in, std::int32_t k, std::int32_t stride, std::int32_t pad,
                        std::int32_t dilation);

// A few random operators of every kind, one to three outputs.
qnet::QNet RandomOps(std::uint64_t seed);

// Across `size` channels; factors anywhere in their range that does not always saturate.
qnet::Lrn RandomLrn(Rng& rng, std::int32_t size);

// -128, 127 and 0 often.
std::vector<std::int8_t> RandomFrames(const qnet::QNet& net, int count, std::uint64_t seed);

}  // namespace tf2::runtime::cpu::testing

#endif  // TF2_RUNTIME_BACKENDS_CPU_TEST_NETS_H_
