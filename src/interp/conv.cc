#include <algorithm>
#include <vector>

#include "interp/kernels.h"
#include "ir/shape_math.h"

namespace tf2::interp {
namespace {

struct Dims {
  std::int64_t n, ic, ih, iw, oc, oh, ow;
};

// One sample with its padding around it. The columns of a row are sorted by their remainder modulo
// the stride ("phase"), so that what one tap reads for neighbouring outputs lies side by side:
// column x is at [x % sw][x / sw].
struct PaddedInput {
  std::int64_t rows = 0;
  std::int64_t phases = 0;
  std::int64_t pitch = 0;  // floats of one phase of one row
  std::vector<float> data;

  PaddedInput(const Dims& d, const ir::ConvAttrs& a)
      : rows(std::max((d.oh - 1) * a.sh + a.dh * (a.kh - 1) + 1, d.ih + a.pt)),
        phases(a.sw),
        pitch((std::max((d.ow - 1) * a.sw + a.dw * (a.kw - 1) + 1, d.iw + a.pl) + a.sw - 1) /
              a.sw) {}

  // Elements, or more than kMaxElements without overflow.
  std::int64_t Size(std::int64_t ic) const {
    const std::int64_t row = phases * pitch;
    return row > ir::kMaxElements / (ic * rows) ? ir::kMaxElements + 1 : ic * rows * row;
  }

  void Fill(const float* x, const Dims& d, const ir::ConvAttrs& a) {
    data.assign(static_cast<std::size_t>(Size(d.ic)), a.pad_value);
    for (std::int64_t c = 0; c < d.ic; ++c) {
      for (std::int64_t y = 0; y < d.ih; ++y) {
        float* row = data.data() + (c * rows + y + a.pt) * phases * pitch;
        const float* from = x + (c * d.ih + y) * d.iw;
        for (std::int64_t i = 0; i < d.iw; ++i)
          row[(i + a.pl) % phases * pitch + (i + a.pl) / phases] = from[i];
      }
    }
  }

  const float* At(std::int64_t c, std::int64_t y, std::int64_t x) const {
    return data.data() + ((c * rows + y) * phases + x % phases) * pitch + x / phases;
  }
};

// acc[j][i] += w[j] * x[i] for four output channels, so that each x is loaded once.
void Accumulate4(float* acc, std::int64_t plane, const float* __restrict x, const float* w,
                 std::int64_t w_stride, std::int64_t count) {
  float* __restrict a0 = acc;
  float* __restrict a1 = acc + plane;
  float* __restrict a2 = acc + 2 * plane;
  float* __restrict a3 = acc + 3 * plane;
  const float w0 = w[0];
  const float w1 = w[w_stride];
  const float w2 = w[2 * w_stride];
  const float w3 = w[3 * w_stride];
  for (std::int64_t i = 0; i < count; ++i) {
    a0[i] += w0 * x[i];
    a1[i] += w1 * x[i];
    a2[i] += w2 * x[i];
    a3[i] += w3 * x[i];
  }
}

void Accumulate1(float* __restrict acc, const float* __restrict x, float w, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) acc[i] += w * x[i];
}

// Up to four output channels from `o` of the same group, output rows [y0, y1).
struct Tile {
  std::int64_t o, channels, y0, y1;
};

// The convolution of one sample, tile by tile through an accumulator that stays in the first-level
// cache.
class ConvRun {
 public:
  ConvRun(const Call& call, const Dims& d, const ir::ConvAttrs& a)
      : d_(d),
        a_(a),
        input_(d, a),
        merged_(a.sh == 1 && a.sw == 1),
        row_(merged_ ? input_.pitch : d.ow),
        rows_per_tile_(std::clamp<std::int64_t>(kTileFloats / row_, 1, d.oh)),
        w_(call.x(1).f32.data()),
        bias_(call.Data(2)) {}

  // Floats of the padded input; Sample needs them to be at most kMaxElements.
  std::int64_t PaddedSize() const { return input_.Size(d_.ic); }

  void Sample(const float* x, const float* residual, float* y) {
    input_.Fill(x, d_, a_);
    acc_.resize(static_cast<std::size_t>(kChannels * row_ * rows_per_tile_));
    const std::int64_t oc_group = d_.oc / a_.groups;
    for (std::int64_t g = 0; g < a_.groups; ++g) {
      for (std::int64_t j = 0; j < oc_group;) {
        const std::int64_t channels = oc_group - j >= kChannels ? kChannels : 1;
        for (std::int64_t y0 = 0; y0 < d_.oh; y0 += rows_per_tile_) {
          const Tile t = {g * oc_group + j, channels, y0, std::min(y0 + rows_per_tile_, d_.oh)};
          Sum(t, g);
          Store(t, residual, y);
        }
        j += channels;
      }
    }
  }

 private:
  static constexpr std::int64_t kChannels = 4;
  static constexpr std::int64_t kTileFloats = 1024;

  void Sum(const Tile& t, std::int64_t g) {
    const std::int64_t plane = row_ * rows_per_tile_;
    for (std::int64_t j = 0; j < t.channels; ++j) {
      std::fill_n(acc_.begin() + j * plane, plane, bias_ != nullptr ? bias_[t.o + j] : 0.0F);
    }
    const std::int64_t ic_group = d_.ic / a_.groups;
    const std::int64_t w_stride = ic_group * a_.kh * a_.kw;
    const float* w = w_ + t.o * w_stride;
    for (std::int64_t c = 0; c < ic_group; ++c) {
      for (std::int64_t ky = 0; ky < a_.kh; ++ky) {
        for (std::int64_t kx = 0; kx < a_.kw; ++kx, ++w)
          Tap(t, g * ic_group + c, ky, kx, w, w_stride);
      }
    }
  }

  // With stride 1 the rows of a tile follow each other as the rows of the padded input do, at the
  // price of the columns between them, which are not stored.
  void Tap(const Tile& t, std::int64_t c, std::int64_t ky, std::int64_t kx, const float* w,
           std::int64_t w_stride) {
    const std::int64_t rows = t.y1 - t.y0;
    const std::int64_t runs = merged_ ? 1 : rows;
    const std::int64_t count = merged_ ? (rows - 1) * row_ + d_.ow : d_.ow;
    for (std::int64_t r = 0; r < runs; ++r) {
      const float* x = input_.At(c, (t.y0 + r) * a_.sh + ky * a_.dh, kx * a_.dw);
      float* acc = acc_.data() + r * row_;
      if (t.channels == kChannels) {
        Accumulate4(acc, row_ * rows_per_tile_, x, w, w_stride, count);
      } else {
        Accumulate1(acc, x, *w, count);
      }
    }
  }

  void Store(const Tile& t, const float* residual, float* y) const {
    for (std::int64_t j = 0; j < t.channels; ++j) {
      for (std::int64_t r = t.y0; r < t.y1; ++r) {
        const float* acc = acc_.data() + (j * rows_per_tile_ + r - t.y0) * row_;
        const std::int64_t at = ((t.o + j) * d_.oh + r) * d_.ow;
        for (std::int64_t i = 0; i < d_.ow; ++i) {
          const float v = residual != nullptr ? acc[i] + residual[at + i] : acc[i];
          y[at + i] = a_.relu ? std::max(v, 0.0F) : v;
        }
      }
    }
  }

  Dims d_;
  ir::ConvAttrs a_;
  PaddedInput input_;
  bool merged_;
  std::int64_t row_;  // floats between rows of the accumulator
  std::int64_t rows_per_tile_;
  const float* w_;
  const float* bias_;
  std::vector<float> acc_;
};

}  // namespace

Status RunConv(const Call& call, ir::Tensor& y) {
  const ir::Shape& in = call.x().shape;
  const Dims d = {in[0], in[1], in[2], in[3], y.shape[1], y.shape[2], y.shape[3]};
  ConvRun run(call, d, ir::ConvAttrsOf(call.graph, call.node));
  if (run.PaddedSize() > ir::kMaxElements)
    return ResourceExhausted("the padded input is too large");
  const float* residual = call.Data(3);
  for (std::int64_t n = 0; n < d.n; ++n) {
    const std::int64_t out = n * d.oc * d.oh * d.ow;
    run.Sample(call.x().f32.data() + n * d.ic * d.ih * d.iw,
               residual != nullptr ? residual + out : nullptr, y.f32.data() + out);
  }
  return {};
}

}  // namespace tf2::interp
