// The contents of the artifact's own sections: QNet to bytes and back. Internal to src/qnet.
#ifndef TF2_QNET_ARTIFACT_CODEC_H_
#define TF2_QNET_ARTIFACT_CODEC_H_

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "qnet/qnet.h"

namespace tf2::qnet {

// In file order. structure: names, dims, exponents, windows, outputs. graphs: the text of each
// host operator's float graph, then that of the head. weights: the codes of each
// convolution, term by term: nibbles, low first, or int8; every term starts on a byte. parameters:
// beta, alpha, s, t and what the activation needs of each convolution, alpha and s of each average
// pool, tables. preprocessing: that, and
// the labels.
inline constexpr std::array<std::string_view, 5> kNetSections = {
    "structure", "weights", "parameters", "preprocessing", "graphs"};
using NetSections = std::array<std::span<const std::uint8_t>, kNetSections.size()>;

// `net` has passed Verify.
std::array<std::vector<std::uint8_t>, kNetSections.size()> EncodeNet(const QNet& net);
// Errors: kDataLoss. Bounded: allocates no more than a small multiple of the bytes given. The
// result is not verified yet.
Result<QNet> DecodeNet(const NetSections& sections);

}  // namespace tf2::qnet

#endif  // TF2_QNET_ARTIFACT_CODEC_H_
