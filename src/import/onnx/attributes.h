// The attributes of one ONNX node. Each importer asks for those it understands; what nobody asked
// for is refused at the end, so that no meaning is lost.
#ifndef TF2_IMPORT_ONNX_ATTRIBUTES_H_
#define TF2_IMPORT_ONNX_ATTRIBUTES_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "onnxproto/onnx.pb.h"

namespace tf2::import::onnx {

class Attributes {
 public:
  // Keeps pointers into `node`. Errors: an attribute that is there twice, or that refers to a
  // function's.
  static Result<Attributes> Of(const onnx_pb::Node& node);

  bool Has(std::string_view name) const { return attributes_.contains(name); }
  // The value, or `fallback` where absent. Errors: another type than asked for.
  Result<std::int64_t> Int(std::string_view name, std::int64_t fallback);
  Result<float> Float(std::string_view name, float fallback);
  Result<std::string> String(std::string_view name, std::string_view fallback);
  // Absent: none.
  Result<std::optional<std::vector<std::int64_t>>> Ints(std::string_view name);
  Result<std::optional<std::vector<float>>> Floats(std::string_view name);
  // Absent: null.
  Result<const onnx_pb::Tensor*> Tensor(std::string_view name);
  // A sub-graph. Errors: absent.
  Result<const onnx_pb::Graph*> Graph(std::string_view name);
  // Known, and without effect on inference.
  void Ignore(std::string_view name) { used_.insert(std::string(name)); }

  // An error that names the first attribute that was not asked for.
  Status CheckAllUsed() const;

 private:
  Result<const onnx_pb::Attribute*> Find(std::string_view name, onnx_pb::Attribute::Type type);

  std::map<std::string, const onnx_pb::Attribute*, std::less<>> attributes_;
  std::set<std::string, std::less<>> used_;
};

}  // namespace tf2::import::onnx

#endif  // TF2_IMPORT_ONNX_ATTRIBUTES_H_
