#include "gather_tables.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <cstring>

#include "row_loops.h"

namespace vedette {
namespace {

// Every 64-bit Arm processor has these instructions, so that no target needs naming.
struct Lanes {
  using Vector = int16x8_t;
  static constexpr int kCount = 8;

  static Vector all(int value) { return vdupq_n_s16(static_cast<int16_t>(value)); }
  static Vector load(const int16_t* from) { return vld1q_s16(from); }
  static void store(int16_t* to, Vector v) { vst1q_s16(to, v); }
  // Two bytes for each lane, and one.
  static Vector load_pairs(const uint8_t* from) { return vreinterpretq_s16_u8(vld1q_u8(from)); }
  static Vector load_bytes(const uint8_t* from) {
    return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(from)));
  }
  // Lanes of both in turns.
  static void store_pairs(int16_t* to, Vector left, Vector right) {
    vst2q_s16(to, int16x8x2_t{{left, right}});
  }
  static Vector add(Vector a, Vector b) { return vaddq_s16(a, b); }
  static Vector add_saturated(Vector a, Vector b) { return vqaddq_s16(a, b); }
  static Vector subtract(Vector a, Vector b) { return vsubq_s16(a, b); }
  static Vector min(Vector a, Vector b) { return vminq_s16(a, b); }
  static Vector max(Vector a, Vector b) { return vmaxq_s16(a, b); }
  static Vector bit_and(Vector a, Vector b) { return vandq_s16(a, b); }
  static Vector bit_xor(Vector a, Vector b) { return veorq_s16(a, b); }
  // -32768 times itself saturates here and turns over elsewhere: `b`, a weight or a coefficient, is
  // never negative.
  static Vector rounded_product(Vector a, Vector b) { return vqrdmulhq_s16(a, b); }
  template <int Bits>
  static Vector shift_left(Vector v) {
    return vshlq_n_s16(v, Bits);
  }
  // Zeros come in.
  template <int Bits>
  static Vector shift_right(Vector v) {
    return vreinterpretq_s16_u16(vshrq_n_u16(vreinterpretq_u16_s16(v), Bits));
  }

  static Vector all_32(int value) { return from_32(vdupq_n_s32(value)); }
  static Vector add_32(Vector a, Vector b) { return from_32(vaddq_s32(to_32(a), to_32(b))); }
  template <int Bits>
  static Vector shift_right_32(Vector v) {
    return vreinterpretq_s16_u32(vshrq_n_u32(vreinterpretq_u32_s16(v), Bits));
  }
  // a * b of each two neighbours, added up.
  static Vector multiply_pairs(Vector a, Vector b) {
    const int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(b));
    return from_32(vpaddq_s32(low, vmull_high_s16(a, b)));
  }
  // Lanes of 32 bits, cut to 16.
  static void store_half(int16_t* to, Vector v) { vst1_s16(to, vmovn_s32(to_32(v))); }

  static Vector gather(const GatherComponent& component, const uint8_t* row, int step) {
    const uint8_t* const from = row + component.start[step];
    const uint8x16_t positions = vld1q_u8(component.masks + static_cast<size_t>(step) * 16);
    switch (component.pieces) {
      case 1: return vreinterpretq_s16_u8(vqtbl1q_u8(vld1q_u8(from), positions));
      case 2: return vreinterpretq_s16_u8(vqtbl2q_u8(vld1q_u8_x2(from), positions));
      case 3: return vreinterpretq_s16_u8(vqtbl3q_u8(vld1q_u8_x3(from), positions));
      case 4: return vreinterpretq_s16_u8(vqtbl4q_u8(vld1q_u8_x4(from), positions));
      default: return gather_far(from, positions, component.pieces);
    }
  }

  static void store_bytes(uint8_t* to, Vector levels) { vst1_u8(to, vqmovun_s16(levels)); }

  class Normalise {
   public:
    Normalise(float factor, float offset)
        : factor_(vdupq_n_f32(factor)), offset_(vdupq_n_f32(offset)) {}

    void operator()(float* to, Vector levels) const {
      store_half(to, vget_low_s16(levels));
      store_half(to + 4, vget_high_s16(levels));
    }

   private:
    // A fused multiply-add would round once where the scalar kernel rounds twice.
    void store_half(float* to, int16x4_t levels) const {
      const float32x4_t level = vcvtq_f32_s32(vmovl_s16(levels));
      vst1q_f32(to, vaddq_f32(vmulq_f32(level, factor_), offset_));
    }

    float32x4_t factor_;
    float32x4_t offset_;
  };

 private:
  // A look-up extended leaves alone what lies beyond its table.
  static Vector gather_far(const uint8_t* from, uint8x16_t positions, int pieces) {
    uint8x16_t found = vdupq_n_u8(0);
    for (int left = pieces; left > 0; left -= 4, from += 64) {
      switch (left) {
        case 1: found = vqtbx1q_u8(found, vld1q_u8(from), positions); break;
        case 2: found = vqtbx2q_u8(found, vld1q_u8_x2(from), positions); break;
        case 3: found = vqtbx3q_u8(found, vld1q_u8_x3(from), positions); break;
        default: found = vqtbx4q_u8(found, vld1q_u8_x4(from), positions); break;
      }
      positions = vsubq_u8(positions, vdupq_n_u8(64));
    }
    return vreinterpretq_s16_u8(found);
  }

  static int32x4_t to_32(Vector v) { return vreinterpretq_s32_s16(v); }
  static Vector from_32(int32x4_t v) { return vreinterpretq_s16_s32(v); }
};

void halve_row_8(const LevelTable& table, const uint8_t* levels, int step, int count,
                 uint16_t* out) {
  int i = 0;
  const float32x4_t factor = vdupq_n_f32(table.factor);
  const float32x4_t offset = vdupq_n_f32(table.offset);
  const auto halves = [&](uint16x4_t level) {
    const float32x4_t value = vcvtq_f32_u32(vmovl_u16(level));
    return vcvt_f16_f32(vaddq_f32(vmulq_f32(value, factor), offset));
  };
  for (; step == 1 && i + 8 <= count; i += 8) {
    const uint16x8_t eight = vmovl_u8(vld1_u8(levels + i));
    vst1_u16(out + i, vreinterpret_u16_f16(halves(vget_low_u16(eight))));
    vst1_u16(out + i + 4, vreinterpret_u16_f16(halves(vget_high_u16(eight))));
  }
  halve_row(table, levels + i * step, step, count - i, out + i);
}

void encode_row_16(const LevelTable& table, int count, uint8_t* row) {
  const uint8x16x4_t codes[4] = {vld1q_u8_x4(table.codes), vld1q_u8_x4(table.codes + 64),
                                 vld1q_u8_x4(table.codes + 128), vld1q_u8_x4(table.codes + 192)};
  int i = 0;
  for (; i + 16 <= count; i += 16) {
    const uint8x16_t levels = vld1q_u8(row + i);
    uint8x16_t code = vqtbl4q_u8(codes[0], levels);
    code = vqtbx4q_u8(code, codes[1], vsubq_u8(levels, vdupq_n_u8(64)));
    code = vqtbx4q_u8(code, codes[2], vsubq_u8(levels, vdupq_n_u8(128)));
    code = vqtbx4q_u8(code, codes[3], vsubq_u8(levels, vdupq_n_u8(192)));
    vst1q_u8(row + i, code);
  }
  encode_row(table, count - i, row + i);
}

// A pixel's three samples side by side, by one weight; 16 bytes hold five pixels.
void filter_rgb_wide(const uint8_t* row, int source, const FilterRow& filter, int count,
                     uint8_t* out) {
  constexpr uint8_t kNone = 255;
  uint8_t positions[5][16];
  std::memset(positions, kNone, sizeof positions);
  for (int i = 0; i < 15; i++) positions[i / 3][i % 3 * 4] = static_cast<uint8_t>(i);
  uint8x16_t spread[5];
  for (int i = 0; i < 5; i++) spread[i] = vld1q_u8(positions[i]);
  const int32x4_t half = vdupq_n_s32(1 << (filter.bits - 1));
  const int32x4_t down = vdupq_n_s32(-filter.bits);
  const uint8_t* const end = row + static_cast<size_t>(source) * 3;
  for (int x = 0; x < count; x++) {
    const int32_t* const weights = filter.weights + static_cast<size_t>(x) * filter.widest;
    const uint8_t* from = row + static_cast<size_t>(filter.start[x]) * 3;
    int32x4_t sum = half;
    int i = 0;
    for (; i + 5 <= filter.length[x] && end - from >= 16; i += 5, from += 15) {
      const uint8x16_t pixels = vld1q_u8(from);
      for (int k = 0; k < 5; k++) {
        const int32x4_t pixel = vreinterpretq_s32_u8(vqtbl1q_u8(pixels, spread[k]));
        sum = vmlaq_n_s32(sum, pixel, weights[i + k]);
      }
    }
    for (; i < filter.length[x]; i++, from += 3) {
      uint32_t bytes = 0;
      std::memcpy(&bytes, from, 3);
      const uint8x16_t pixels = vreinterpretq_u8_u32(vdupq_n_u32(bytes));
      const int32x4_t pixel = vreinterpretq_s32_u8(vqtbl1q_u8(pixels, spread[0]));
      sum = vmlaq_n_s32(sum, pixel, weights[i]);
    }
    const uint16x4_t levels = vqmovun_s32(vshlq_s32(sum, down));
    const uint8x8_t pixel = vqmovn_u16(vcombine_u16(levels, levels));
    const uint32_t bytes = vget_lane_u32(vreinterpret_u32_u8(pixel), 0);
    std::memcpy(out + static_cast<size_t>(x) * 3, &bytes, 3);
  }
}

}  // namespace
}  // namespace vedette

#include "fused_rows.h"

namespace vedette {

const RowKernels* neon_row_kernels() {
  static const FusedKernels fused = fused_kernels(FusedKernels::Reach::look_up_240);
  static const RowKernels kernels = [] {
    RowKernels all = plain_row_kernels("neon");
    all.halve_row = halve_row_8;
    all.encode_row = encode_row_16;
    all.filter_columns[1] = filter_rgb_wide;
    all.fused = &fused;
    return all;
  }();
  return &kernels;
}

}  // namespace vedette

#else

namespace vedette {

const RowKernels* neon_row_kernels() { return nullptr; }

}  // namespace vedette
#endif
