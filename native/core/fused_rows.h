#pragma once
#include "gather_tables.h"

// The fused kernels, written once over vectors of 16-bit lanes. A kernel file defines `Lanes` below
// its own target and includes this file behind it. The arithmetic is that of row_loops.h, sample by
// sample; where a step differs, the comment says why its bits are the same.

namespace vedette {
namespace {

using Vector = Lanes::Vector;

struct Rgb {
  Vector level[3];
};

// A level in units of 1/64 with its rounding added, clamped and with 7 fractional bits.
inline Vector settle_fraction(Vector level) {
  const Vector clamped = Lanes::min(Lanes::max(level, Lanes::all(0)), Lanes::all(255 * 64 + 63));
  return Lanes::shift_left<1>(Lanes::bit_and(clamped, Lanes::all(~63)));
}

template <Colour From>
struct Coefficients {
  static constexpr bool is_limited = From == Colour::limited_yuv;
  static constexpr int cr_to_red = is_limited ? kCrToRed : kJpegCrToRed;
  static constexpr int cb_to_green = is_limited ? kCbToGreen : kJpegCbToGreen;
  static constexpr int cr_to_green = is_limited ? kCrToGreen : kJpegCrToGreen;
  static constexpr int cb_to_blue = is_limited ? kCbToBlue : kJpegCbToBlue;
};

template <Colour From>
inline Vector luma_fraction(Vector luma) {
  if constexpr (From == Colour::full_yuv) return Lanes::shift_left<6>(luma);
  const Vector lifted = Lanes::shift_left<7>(Lanes::subtract(luma, Lanes::all(16)));
  return Lanes::rounded_product(lifted, Lanes::all(kLumaGain));
}

// `luma` is 0 to 255, `cb` and `cr` are (sample - 128) * 256. The middle is added before the shift
// instead of behind it; what then saturates is white either way.
template <Colour From>
inline Rgb to_rgb(Vector luma, Vector cb, Vector cr) {
  using Gain = Coefficients<From>;
  const Vector y = Lanes::add(luma_fraction<From>(luma), Lanes::all(32));
  const Vector red = Lanes::rounded_product(cr, Lanes::all(Gain::cr_to_red));
  const Vector green = Lanes::add(Lanes::rounded_product(cb, Lanes::all(Gain::cb_to_green)),
                                  Lanes::rounded_product(cr, Lanes::all(Gain::cr_to_green)));
  const Vector blue = Lanes::rounded_product(cb, Lanes::all(Gain::cb_to_blue));
  return {{settle_fraction(Lanes::add_saturated(y, red)),
           settle_fraction(Lanes::subtract(y, green)),
           settle_fraction(Lanes::add_saturated(y, blue))}};
}

inline Vector between(Vector near, Vector far, Vector weight) {
  return Lanes::add(near, Lanes::rounded_product(Lanes::subtract(far, near), weight));
}

template <Colour From>
inline Rgb near_pixels(const Vector* samples) {
  const Vector low = Lanes::all(0xff);
  if constexpr (From != Colour::rgb) {
    const Vector middle = Lanes::all(-32768);
    return to_rgb<From>(Lanes::bit_and(samples[0], low),
                        Lanes::bit_xor(Lanes::shift_left<8>(samples[1]), middle),
                        Lanes::bit_xor(Lanes::shift_left<8>(samples[2]), middle));
  } else {
    Rgb pixels;
    for (int c = 0; c < 3; c++) {
      pixels.level[c] = Lanes::shift_left<7>(Lanes::bit_and(samples[c], low));
    }
    return pixels;
  }
}

template <Colour From>
inline Rgb far_pixels(const Vector* samples) {
  const Vector high = Lanes::all(-256);
  if constexpr (From != Colour::rgb) {
    const Vector middle = Lanes::all(-32768);
    return to_rgb<From>(Lanes::shift_right<8>(samples[0]),
                        Lanes::bit_xor(Lanes::bit_and(samples[1], high), middle),
                        Lanes::bit_xor(Lanes::bit_and(samples[2], high), middle));
  } else {
    Rgb pixels;
    for (int c = 0; c < 3; c++) {
      pixels.level[c] = Lanes::shift_right<1>(Lanes::bit_and(samples[c], high));
    }
    return pixels;
  }
}

template <Colour From, bool HasFar>
void widen_gathered(const GatherTables& tables, const uint8_t* const* rows, int16_t* lines,
                    size_t pitch) {
  for (int step = 0; step < tables.steps; step++) {
    const Vector samples[3] = {Lanes::gather(tables.component[0], rows[0], step),
                               Lanes::gather(tables.component[1], rows[1], step),
                               Lanes::gather(tables.component[2], rows[2], step)};
    const Rgb near = near_pixels<From>(samples);
    int16_t* const out = lines + step * Lanes::kCount;
    if constexpr (HasFar) {
      const Rgb far = far_pixels<From>(samples);
      const Vector weight = Lanes::load(tables.weight + step * Lanes::kCount);
      for (int c = 0; c < 3; c++) {
        Lanes::store(out + pitch * static_cast<size_t>(c),
                     between(near.level[c], far.level[c], weight));
      }
    } else {
      for (int c = 0; c < 3; c++) Lanes::store(out + pitch * static_cast<size_t>(c), near.level[c]);
    }
  }
}

void sum_lines(const int16_t* const* lines, const int16_t* weights, int count, size_t samples,
               int16_t* out) {
  // Lines have 7 fractional bits and weights 15; the sum is rounded to 7.
  const Vector half = Lanes::all_32(1 << 14);
  for (size_t x = 0; x < samples; x += Lanes::kCount) {
    Vector low = half;
    Vector high = half;
    for (int i = 0; i < count; i += 2) {
      const Vector weight = Lanes::all_32(
          static_cast<int>(static_cast<uint32_t>(static_cast<uint16_t>(weights[i])) |
                           static_cast<uint32_t>(static_cast<uint16_t>(weights[i + 1])) << 16));
      const Vector a = Lanes::load(lines[i] + x);
      const Vector b = Lanes::load(lines[i + 1] + x);
      low = Lanes::add_32(low, Lanes::multiply_pairs(Lanes::interleave_low(a, b), weight));
      high = Lanes::add_32(high, Lanes::multiply_pairs(Lanes::interleave_high(a, b), weight));
    }
    Lanes::store(out + x,
                 Lanes::pack_32(Lanes::shift_right_32<15>(low), Lanes::shift_right_32<15>(high)));
  }
}

void narrow_line(const NarrowTables& tables, const int16_t* line, int16_t* out) {
  const uint8_t* const bytes = reinterpret_cast<const uint8_t*>(line);
  const Vector half = Lanes::all_32(1 << 21);
  for (int step = 0; step < tables.steps; step++) {
    Vector sum = half;
    for (int pair = 0; pair < tables.pairs; pair++) {
      const Vector weight =
          Lanes::load(tables.weights + (pair * tables.steps + step) * Lanes::kCount);
      const Vector samples = Lanes::gather(tables.pair[pair], bytes, step);
      sum = Lanes::add_32(sum, Lanes::multiply_pairs(samples, weight));
    }
    Lanes::store_half(out + step * (Lanes::kCount / 2),
                      Lanes::shift_left<7>(Lanes::shift_right_32<22>(sum)));
  }
}

template <bool HasFar>
inline Vector blended(const int16_t* near, const int16_t* far, Vector weight) {
  Vector level = Lanes::load(near);
  if constexpr (HasFar) level = between(level, Lanes::load(far), weight);
  return Lanes::shift_right<7>(Lanes::add(level, Lanes::all(64)));
}

template <bool HasFar, typename T, typename Store>
inline void blend(const int16_t* near, const int16_t* far, int16_t weight, int count, T* out,
                  const Store& store) {
  const Vector share = Lanes::all(weight);
  int x = 0;
  for (; x + Lanes::kCount <= count; x += Lanes::kCount) {
    store(out + x, blended<HasFar>(near + x, far + x, share));
  }
  if (x == count) return;
  T rest[Lanes::kCount];
  store(rest, blended<HasFar>(near + x, far + x, share));
  for (int i = 0; x + i < count; i++) out[x + i] = rest[i];
}

void blend_to_float(const int16_t* near, const int16_t* far, int16_t weight, int count,
                    float factor, float offset, float* out) {
  const Lanes::Normalise store(factor, offset);
  if (weight == 0) {
    blend<false>(near, far, weight, count, out, store);
  } else {
    blend<true>(near, far, weight, count, out, store);
  }
}

struct StoreBytes {
  void operator()(uint8_t* out, Vector levels) const { Lanes::store_bytes(out, levels); }
};

void blend_to_bytes(const int16_t* near, const int16_t* far, int16_t weight, int count,
                    uint8_t* out) {
  if (weight == 0) {
    blend<false>(near, far, weight, count, out, StoreBytes());
  } else {
    blend<true>(near, far, weight, count, out, StoreBytes());
  }
}

FusedKernels fused_kernels(FusedKernels::Reach reach) {
  FusedKernels kernels;
  kernels.reach = reach;
  kernels.lanes = Lanes::kCount;
  kernels.widen[0][0] = widen_gathered<Colour::rgb, false>;
  kernels.widen[0][1] = widen_gathered<Colour::rgb, true>;
  kernels.widen[1][0] = widen_gathered<Colour::limited_yuv, false>;
  kernels.widen[1][1] = widen_gathered<Colour::limited_yuv, true>;
  kernels.widen[2][0] = widen_gathered<Colour::full_yuv, false>;
  kernels.widen[2][1] = widen_gathered<Colour::full_yuv, true>;
  kernels.sum_lines = sum_lines;
  kernels.narrow_line = narrow_line;
  kernels.blend_to_float = blend_to_float;
  kernels.blend_to_bytes = blend_to_bytes;
  return kernels;
}

}  // namespace
}  // namespace vedette
