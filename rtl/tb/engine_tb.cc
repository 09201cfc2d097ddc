// Self-checking bench: random programs on one configuration of the engine, against a plain model of
// docs/isa.md.
//
// Usage: engine_tb [programs] [seed]. The configuration comes from the macros TF2_* that repeat the
// model's parameters. Per program it compares the whole feature memory and the cycles of every
// layer; it exits with 1 at the first difference. The model addresses tensors by plane, row and
// column; the descriptor's deltas are derived from that, so both are checked.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <vector>

#include "sim_harness.h"

namespace {

constexpr int kN = TF2_N, kC = TF2_C, kR = TF2_R, kAccBits = TF2_ACC_BITS;
constexpr int kFeatureWords = TF2_FEATURE_WORDS, kWeightWords = TF2_WEIGHT_WORDS,
              kParamEntries = TF2_PARAM_ENTRIES;
constexpr int kFieldBits = TF2_FIELD_BITS, kBeatBits = TF2_BEAT_BITS,
              kMaxCount = (1 << TF2_COUNT_BITS) - 1;
constexpr bool kDualPort = TF2_DUAL_PORT, kPadding = TF2_HAS_PADDING, kResidual = TF2_HAS_RESIDUAL;
constexpr bool kMaxPool = TF2_HAS_MAX_POOL, kWide = TF2_HAS_WIDE, kRegions = TF2_HAS_REGIONS,
               kRepeat = TF2_HAS_REPEAT;
constexpr int kPlanes = kN / kC;

std::mt19937 rng;
int Pick(int low, int high) {
  return low + static_cast<int>(rng() % static_cast<uint32_t>(high - low + 1));
}
bool Chance(int percent) { return Pick(0, 99) < percent; }

struct Param {
  int64_t beta;
  int alpha, s, t;
};

// One layer in terms of tensors. Loop order in n: ic, kx, ky, ox, oy, tile.
struct Layer {
  bool pool = false, relu = false, residual = false, wide = false, pad = false, repeat = false,
       low = false;
  int n[6] = {1, 1, 1, 1, 1, 1};
  int h = 1, w = 1, str_y = 1, str_x = 1, dil_y = 1, dil_x = 1, y0 = 0, x0 = 0, tile_planes = 0;
  int base = 0, out = 0, w_base = 0, p_base = 0, r_off = 0, o_row = 0, o_tile = 0, o_hi = 0,
      o_plane = 0;
  bool last = false;

  int Read(const int* i) const {  // address of the word of one step
    const int y = y0 + i[4] * str_y + i[2] * dil_y, x = x0 + i[3] * str_x + i[1] * dil_x;
    return base + (i[5] * tile_planes + i[0]) * h * w + y * w + x;
  }
};

struct Memory {
  std::vector<uint8_t> features;  // kFeatureWords * kC
  std::vector<uint8_t> weights;   // one nibble each, kWeightWords * kN * kC
  std::vector<Param> params;
};

int64_t SignExtend(int64_t v, int bits) {
  const uint64_t m = uint64_t{1} << (bits - 1);
  const uint64_t u = static_cast<uint64_t>(v) & ((m << 1) - 1);
  return static_cast<int64_t>((u ^ m) - m);
}

int Wrap(int address) { return ((address % kFeatureWords) + kFeatureWords) % kFeatureWords; }

// Executes a layer on the memory, as the page says it.
void Execute(const Layer& l, Memory& m) {
  int o = l.out;
  for (int tile = 0; tile < l.n[5]; ++tile) {
    for (int oy = 0; oy < l.n[4]; ++oy) {
      for (int ox = 0; ox < l.n[3]; ++ox) {
        std::vector<int64_t> acc(kN, 0);
        std::vector<int> best(kC, -128);
        int step = 0;
        for (int ky = 0; ky < l.n[2]; ++ky) {
          for (int kx = 0; kx < l.n[1]; ++kx) {
            for (int ic = 0; ic < l.n[0]; ++ic, ++step) {
              const int i[6] = {ic, kx, ky, ox, oy, tile};
              const int y = l.y0 + oy * l.str_y + ky * l.dil_y,
                        x = l.x0 + ox * l.str_x + kx * l.dil_x;
              const bool outside = l.pad && (y < 0 || y >= l.h || x < 0 || x >= l.w);
              const size_t word = static_cast<size_t>(Wrap(l.Read(i))) * kC;
              const int len = l.n[0] * l.n[1] * l.n[2];
              const int offset = l.repeat ? ic : tile * len + step;
              const auto wword = static_cast<size_t>((l.w_base + offset) % kWeightWords);
              for (int c = 0; c < kC; ++c) {
                const int v = static_cast<int8_t>(m.features[word + c]);
                best[c] = std::max(best[c], outside ? -128 : v);
                for (int n = 0; n < kN && !l.pool; ++n) {
                  const int code = m.weights[(wword * kN + n) * kC + c];
                  const int k = code & 7;
                  if (k == 7) continue;
                  const int magnitude = (!outside ? v : l.low ? -128 : 0) * (1 << k);
                  acc[n] += (code & 8) ? -magnitude - 1 : magnitude;
                }
              }
            }
          }
        }
        if (l.pool) {
          for (int c = 0; c < kC; ++c)
            m.features[static_cast<size_t>(Wrap(o)) * kC + c] = static_cast<uint8_t>(best[c]);
        }
        for (int n = 0; n < kN && !l.pool; ++n) {
          const Param& p =
              m.params[static_cast<size_t>((l.p_base + tile * kN + n) % kParamEntries)];
          const int plane = n / kC, lane = n % kC;
          const int address = o + plane * l.o_plane;
          int64_t z = SignExtend(acc[n] + p.beta, kAccBits) * p.alpha;
          if (l.residual) {
            const auto res = static_cast<int8_t>(
                m.features[static_cast<size_t>(Wrap(address + l.r_off)) * kC + lane]);
            z += static_cast<int64_t>(res) * (int64_t{1} << p.t);
          }
          z = (z + (int64_t{1} << (p.s - 1))) >> p.s;
          const int64_t top = l.wide ? 32767 : 127;
          z = std::clamp<int64_t>(z, -top - 1, top);
          if (l.relu) z = std::max<int64_t>(z, 0);
          m.features[static_cast<size_t>(Wrap(address)) * kC + lane] = static_cast<uint8_t>(z);
          if (l.wide)
            m.features[static_cast<size_t>(Wrap(address + l.o_hi)) * kC + lane] =
                static_cast<uint8_t>(z >> 8);
        }
        const bool row_ends = ox == l.n[3] - 1;
        o += 1 + (row_ends && oy == l.n[4] - 1 ? l.o_tile : row_ends ? l.o_row : 0);
      }
    }
  }
}

// Cycles of a layer, the page's recurrence.
int64_t Predict(const Layer& l) {
  const int64_t len = int64_t{1} * l.n[0] * l.n[1] * l.n[2],
                windows = int64_t{1} * l.n[3] * l.n[4] * l.n[5];
  const int64_t k = l.residual ? kPlanes : 0;
  const int64_t words = l.pool ? 1 : (l.wide ? 2 : 1) * kPlanes;
  const int64_t g = l.pool ? 1 : (l.wide ? 2 : 1) * std::max(kN / kR, kPlanes);
  auto write = [&](int64_t i) -> int64_t {
    if (l.pool) return 2;
    return kR <= kC ? 9 + (i + 1) * (kC / kR) : 10 + i;
  };
  std::deque<int64_t> writes;
  int64_t t = 0, before = 0;
  auto next = [&](int64_t from) {
    ++from;
    while (!writes.empty() && writes.front() < from) writes.pop_front();
    while (!writes.empty() && writes.front() == from) {
      writes.pop_front();
      ++from;
    }
    return from;
  };
  for (int64_t w = 0; w < windows; ++w) {
    for (int64_t i = 0; i < len - 1 + k; ++i) t = next(t);
    t = next(w == 0 ? t : std::max(t, before + g - 1));
    before = t;
    if (!kDualPort) {
      for (int64_t i = 0; i < words; ++i) writes.push_back(t + write(i));
    }
  }
  return 32 + t + write(words - 1);
}

std::vector<uint32_t> Encode(const Layer& l) {
  std::vector<uint32_t> f(32, 0);
  auto put = [&](int i, int v) { f[i] = static_cast<uint32_t>(v); };
  put(0, (l.pool ? 1 : 0) | l.relu << 4 | l.residual << 5 | l.wide << 6 | l.last << 7 | l.pad << 8 |
             l.repeat << 9 | l.low << 10);
  int zero[6] = {0, 0, 0, 0, 0, 0};
  put(1, l.Read(zero));
  put(2, l.out);
  put(3, l.w_base);
  put(4, l.p_base);
  for (int i = 0; i < 6; ++i) {
    put(5 + i, l.n[i] - 1);
    int from[6] = {0, 0, 0, 0, 0, 0}, to[6] = {0, 0, 0, 0, 0, 0};
    for (int j = 0; j < i; ++j) from[j] = l.n[j] - 1;
    to[i] = 1;
    put(11 + i, l.Read(to) - l.Read(from));
  }
  put(17, l.r_off);
  put(18, l.o_row);
  put(19, l.o_tile);
  put(20, l.o_hi);
  put(21, l.y0);
  put(22, l.x0);
  put(23, l.dil_y);
  put(24, l.dil_x);
  put(25, l.str_y);
  put(26, l.str_x);
  put(27, l.h);
  put(28, l.w);
  put(29, l.o_plane);
  return f;
}

// Words of the output region that starts at l.out, highest + 1; sets the output strides.
int PlaceOutput(Layer& l) {
  const int row = l.n[3] + (kRegions && Chance(30) ? Pick(0, 3) : 0);
  const int area = row * l.n[4] + (kRegions && Chance(30) ? Pick(0, 5) : 0);
  const int planes = l.pool ? 1 : kPlanes;
  l.o_plane = area;
  l.o_row = row - l.n[3];
  l.o_tile = area * planes - row * (l.n[4] - 1) - l.n[3];
  // Without regions a tile's planes follow each other only when there is one tile; more planes need
  // o_tile.
  const int total = area * planes * l.n[5];
  l.o_hi = total + Pick(0, 2);
  return l.wide ? l.o_hi + total : total;
}

bool Fits(const Layer& l) {
  for (int n : l.n) {
    if (n - 1 > kMaxCount) return false;
  }
  return kRegions || l.pool || kPlanes == 1 || l.n[5] == 1;
}

// A random layer that reads the half of the memory at `in` and writes the one at `out`.
Layer RandomLayer(int in, int out, bool last) {
  const int half = kFeatureWords / 2;
  for (;;) {
    Layer l;
    l.last = last;
    l.pool = kMaxPool && Chance(25);
    l.relu = Chance(50);
    l.wide = kWide && !l.pool && Chance(25);
    l.pad = kPadding && Chance(50);
    l.low = l.pad && !l.pool && Chance(50);
    l.residual = kResidual && !l.pool && Chance(35);
    l.repeat = kRepeat && !l.pool && Chance(20);
    l.n[0] = Chance(30) ? 1 : Pick(1, 4);
    l.n[1] = Chance(40) ? 1 : Pick(1, 3);
    l.n[2] = Chance(40) ? 1 : Pick(1, 3);
    l.n[3] = Pick(1, 7);
    l.n[4] = Pick(1, 5);
    l.n[5] = Chance(50) ? 1 : Pick(1, 4);
    if (l.pool) l.n[0] = 1;
    l.str_y = Pick(1, 2);
    l.str_x = Pick(1, 2);
    l.dil_y = Chance(80) ? 1 : 2;
    l.dil_x = Chance(80) ? 1 : 2;
    const int need_h = (l.n[4] - 1) * l.str_y + (l.n[2] - 1) * l.dil_y + 1;
    const int need_w = (l.n[3] - 1) * l.str_x + (l.n[1] - 1) * l.dil_x + 1;
    l.h = need_h;
    l.w = need_w;
    if (l.pad) {
      l.y0 = -Pick(0, 2);
      l.x0 = -Pick(0, 2);
      l.h = std::max(1, need_h + l.y0 - Pick(0, 2));
      l.w = std::max(1, need_w + l.x0 - Pick(0, 2));
    }
    l.tile_planes = l.pool || Chance(20) ? 1 : 0;
    const int planes = l.n[0] + (l.n[5] - 1) * l.tile_planes;
    const int used = PlaceOutput(l);
    if (!Fits(l) || planes * l.h * l.w > half || used > half) continue;
    l.base = in + Pick(0, half - planes * l.h * l.w);
    l.out = out + Pick(0, half - used);
    if (l.residual && Chance(70)) l.r_off = in + Pick(0, half - used) - l.out;
    const int steps = l.n[0] * l.n[1] * l.n[2] * l.n[5];
    if (steps > kWeightWords || l.n[5] * kN > kParamEntries) continue;
    l.w_base = Pick(0, kWeightWords - steps);
    l.p_base = Pick(0, kParamEntries / kN - l.n[5]) * kN;
    return l;
  }
}

// Cycles of the host port's commands, as the page says.
constexpr uint64_t kBeatCycles = kBeatBits / TF2_PORT_BITS, kCommandCycles = 64 / TF2_PORT_BITS;
constexpr uint64_t WriteCycles(uint64_t beats) {
  return kCommandCycles + (kBeatCycles == 1 ? 1 : 0) + beats * kBeatCycles;
}
constexpr uint64_t ReadCycles(uint64_t beats) {
  return kCommandCycles + 2 + beats * (kBeatCycles + 2);
}
constexpr uint64_t RunCycles(uint64_t run) { return kCommandCycles + 3 + run + kBeatCycles; }

struct Device {
  tf2_sim* sim = tf2_sim_create();
  uint64_t cycles = 0;

  // The cycles since the last call must be those.
  void Elapsed(const char* what, uint64_t expected) {
    const uint64_t now = tf2_sim_cycles(sim), took = now - cycles;
    cycles = now;
    if (took == expected) return;
    std::printf("engine_tb: %s took %llu cycles, predicted %llu\n", what,
                static_cast<unsigned long long>(took), static_cast<unsigned long long>(expected));
    std::exit(1);
  }
  Memory image;

  void Check(int rc) const {
    if (rc == 0) return;
    std::printf("engine_tb: %s\n", tf2_sim_error(sim));
    std::exit(1);
  }

  void Write(unsigned memory, uint64_t address, const std::vector<uint8_t>& bytes) {
    const uint64_t beats = bytes.size() / (kBeatBits / 8);
    Check(tf2_sim_write(sim, memory, address, bytes.data(), beats));
    Elapsed("a write", WriteCycles(beats));
  }

  void WriteAll() {
    Write(TF2_SIM_FEATURES, 0, image.features);
    std::vector<uint8_t> bytes(image.weights.size() / 2);
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<uint8_t>(image.weights[2 * i] | image.weights[2 * i + 1] << 4);
    }
    Write(TF2_SIM_WEIGHTS, 0, bytes);
    bytes.clear();
    for (const Param& p : image.params) {
      const uint64_t e = static_cast<uint32_t>(p.beta) | static_cast<uint64_t>(p.alpha) << 32 |
                         static_cast<uint64_t>(p.s) << 48 | static_cast<uint64_t>(p.t) << 56;
      for (int b = 0; b < 8; ++b) bytes.push_back(static_cast<uint8_t>(e >> (8 * b)));
    }
    Write(TF2_SIM_PARAMS, 0, bytes);
  }

  void WriteProgram(const std::vector<Layer>& layers, uint64_t field) {
    std::vector<uint8_t> bytes;
    for (const Layer& l : layers) {
      for (uint32_t f : Encode(l)) {
        const uint64_t v = kFieldBits == 32 ? f : f & ((1u << kFieldBits) - 1);
        for (int b = 0; b < kBeatBits / 8; ++b) bytes.push_back(static_cast<uint8_t>(v >> (8 * b)));
      }
    }
    Write(TF2_SIM_PROGRAM, field, bytes);
  }
};

void Randomise(Memory& m) {
  m.features.resize(static_cast<size_t>(kFeatureWords) * kC);
  for (auto& v : m.features) v = static_cast<uint8_t>(rng());
  m.weights.resize(static_cast<size_t>(kWeightWords) * kN * kC);
  for (auto& v : m.weights) v = static_cast<uint8_t>(rng() % 15);
  m.params.resize(kParamEntries);
  const bool small = Chance(70);
  for (auto& p : m.params) {
    p.beta = SignExtend(rng(), small ? 12 : kAccBits - 1);
    p.alpha = Chance(10) ? Pick(0, 32767) : Pick(16384, 32767);
    p.s = small ? Pick(18, 26) : Pick(1, 47);
    p.t = small ? Pick(14, 24) : Pick(0, 40);
  }
}

void Print(const Layer& l, size_t index) {
  std::printf(
      "  layer %zu: %s%s%s%s%s%s n_ic %d kx %d ky %d ox %d oy %d tile %d h %d w %d str %d,%d dil "
      "%d,%d y0 %d x0 %d\n",
      index, l.pool ? "pool" : "conv", l.relu ? " relu" : "", l.residual ? " residual" : "",
      l.wide ? " wide" : "", l.pad ? " pad" : "", l.low ? " low" : "", l.n[0], l.n[1], l.n[2],
      l.n[3], l.n[4], l.n[5], l.h, l.w, l.str_y, l.str_x, l.dil_y, l.dil_x, l.y0, l.x0);
  std::printf("    base %d out %d w %d p %d r_off %d o_row %d o_tile %d o_hi %d o_plane %d\n",
              l.base, l.out, l.w_base, l.p_base, l.r_off, l.o_row, l.o_tile, l.o_hi, l.o_plane);
}

}  // namespace

int main(int argc, char** argv) {
  const int programs = argc > 1 ? std::atoi(argv[1]) : 100;
  rng.seed(argc > 2 ? static_cast<uint32_t>(std::atoi(argv[2])) : 1);
  Device device;
  int64_t layers_run = 0, cycles_run = 0;
  for (int program = 0; program < programs; ++program) {
    if (program % 10 == 0) {
      Randomise(device.image);
      device.WriteAll();
    }
    const int count = Pick(1, TF2_PROGRAM_FIELDS / 32 - 1 < 5 ? TF2_PROGRAM_FIELDS / 32 - 1 : 5);
    std::vector<Layer> layers;
    for (int i = 0; i < count; ++i) {
      const int half = kFeatureWords / 2;
      layers.push_back(RandomLayer(i % 2 == 0 ? 0 : half, i % 2 == 0 ? half : 0, i == count - 1));
    }
    const uint64_t field = static_cast<uint64_t>(Pick(0, TF2_PROGRAM_FIELDS / 32 - count)) * 32;
    device.WriteProgram(layers, field);
    uint64_t reported = 0;
    device.Check(tf2_sim_run(device.sim, field, 1 << 20, &reported));
    uint64_t total = 0;
    bool good = tf2_sim_layers(device.sim) == layers.size();
    for (size_t i = 0; i < layers.size(); ++i) {
      const auto cycles = tf2_sim_layer_cycles(device.sim, i);
      const auto predicted = static_cast<uint64_t>(Predict(layers[i]));
      if (cycles != predicted) {
        std::printf("program %d layer %zu: %llu cycles, predicted %llu\n", program, i,
                    static_cast<unsigned long long>(cycles),
                    static_cast<unsigned long long>(predicted));
        good = false;
      }
      total += cycles;
      Execute(layers[i], device.image);
    }
    const uint64_t mask = kBeatBits == 64 ? ~uint64_t{0} : (uint64_t{1} << (kBeatBits % 64)) - 1;
    device.Elapsed("a run", RunCycles(total));
    if (reported != (total & mask)) {
      std::printf("program %d: reported %llu cycles, layers sum to %llu\n", program,
                  static_cast<unsigned long long>(reported),
                  static_cast<unsigned long long>(total));
      good = false;
    }
    std::vector<uint8_t> got(device.image.features.size());
    device.Check(tf2_sim_read(device.sim, 0, got.data(), got.size() / (kBeatBits / 8)));
    device.Elapsed("a read", ReadCycles(got.size() / (kBeatBits / 8)));
    if (got != device.image.features) {
      const auto at =
          std::mismatch(got.begin(), got.end(), device.image.features.begin()).first - got.begin();
      std::printf("program %d: word %lld lane %lld is %d, expected %d\n", program,
                  static_cast<long long>(at / kC), static_cast<long long>(at % kC),
                  static_cast<int8_t>(got[at]), static_cast<int8_t>(device.image.features[at]));
      good = false;
    }
    if (!good) {
      for (size_t i = 0; i < layers.size(); ++i) Print(layers[i], i);
      return 1;
    }
    layers_run += count;
    cycles_run += static_cast<int64_t>(total);
  }
  tf2_sim_destroy(device.sim);
  std::printf("PASS N %d C %d R %d: %d programs, %lld layers, %lld cycles\n", kN, kC, kR, programs,
              static_cast<long long>(layers_run), static_cast<long long>(cycles_run));
  return 0;
}
