#include "base/file_kind.h"

#include <algorithm>
#include <cstddef>

namespace tf2 {
namespace {

using namespace std::string_view_literals;

struct Signature {
  std::size_t offset;
  std::string_view bytes;
  std::string_view description;
};

constexpr Signature kSignatures[] = {
    {0, "version https://git-lfs"sv, "a Git LFS pointer (fetch the file with `git lfs pull`)"},
    {0, "\x89PNG\r\n"sv, "a PNG picture"},
    {0, "\xFF\xD8\xFF"sv, "a JPEG picture"},
    {0, "GIF8"sv, "a GIF picture"},
    {0, "\x89HDF\r\n"sv, "an HDF5 file (a Keras model?)"},
    {0, "\x93NUMPY"sv, "a NumPy array"},
    {0, "PK\x03\x04"sv, "a zip archive (TorchScript, .npz or .keras?)"},
    {0, "\x1F\x8B"sv, "a gzip archive"},
    {0, "\xFD\x37zXZ"sv, "an xz archive"},
    {0, "BZh"sv, "a bzip2 archive"},
    {4, "TFL3"sv, "a TensorFlow Lite model"},
    {0, "\x80\x02"sv, "a Python pickle (a PyTorch state_dict?)"},
    {0,
     "\x7F"
     "ELF"sv,
     "a program"},
    {0, "%PDF"sv, "a PDF document"},
};

bool IsText(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 32 || c == '\n' || c == '\r' || c == '\t' || c == '\f';
  });
}

std::string_view TextKind(std::string_view text) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  const std::string_view body = start == std::string_view::npos ? ""sv : text.substr(start);
  if (body.starts_with("<!DOCTYPE") || body.starts_with("<html") || body.starts_with("<HTML"))
    return "an HTML page (a download that went wrong?)";
  for (std::string_view word :
       {"layer {"sv, "layers {"sv, "layer{"sv, "layers{"sv, "input_dim"sv}) {
    if (body.find(word) != std::string_view::npos) return "a Caffe prototxt";
  }
  return "text";
}

}  // namespace

FileKind GuessFileKind(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return {true, "an empty file"};
  const std::string_view head(reinterpret_cast<const char*>(bytes.data()),
                              std::min<std::size_t>(bytes.size(), 4096));
  for (const Signature& s : kSignatures) {
    if (head.size() >= s.offset && head.substr(s.offset).starts_with(s.bytes))
      return {true, s.description};
  }
  if (IsText(head)) return {true, TextKind(head)};
  return {false, "binary data"};
}

}  // namespace tf2
