#pragma once
#include <algorithm>

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

// The coefficients in every lane.
struct Gains {
  explicit Gains(const YuvCoefficients& yuv)
      : black(Lanes::all(yuv.black)),
        luma(Lanes::all(yuv.luma_gain)),
        cr_to_red(Lanes::all(yuv.cr_to_red)),
        cb_to_green(Lanes::all(yuv.cb_to_green)),
        cr_to_green(Lanes::all(yuv.cr_to_green)),
        cb_to_blue(Lanes::all(yuv.cb_to_blue)) {}

  Vector black, luma, cr_to_red, cb_to_green, cr_to_green, cb_to_blue;
};

template <Colour From>
inline Vector luma_fraction(Vector luma, const Gains& by) {
  if constexpr (From == Colour::full_yuv) return Lanes::shift_left<6>(luma);
  const Vector lifted = Lanes::shift_left<7>(Lanes::subtract(luma, by.black));
  return Lanes::rounded_product(lifted, by.luma);
}

// `luma` is 0 to 255, `cb` and `cr` are (sample - 128) * 256. The middle is added before the shift
// instead of behind it; what then saturates is white either way.
template <Colour From>
inline Rgb to_rgb(Vector luma, Vector cb, Vector cr, const Gains& by) {
  const Vector y = Lanes::add(luma_fraction<From>(luma, by), Lanes::all(32));
  const Vector red = Lanes::rounded_product(cr, by.cr_to_red);
  const Vector green = Lanes::add(Lanes::rounded_product(cb, by.cb_to_green),
                                  Lanes::rounded_product(cr, by.cr_to_green));
  const Vector blue = Lanes::rounded_product(cb, by.cb_to_blue);
  return {{settle_fraction(Lanes::add_saturated(y, red)),
           settle_fraction(Lanes::subtract(y, green)),
           settle_fraction(Lanes::add_saturated(y, blue))}};
}

inline Vector between(Vector near, Vector far, Vector weight) {
  return Lanes::add(near, Lanes::rounded_product(Lanes::subtract(far, near), weight));
}

template <Colour From>
inline Rgb near_pixels(const Vector* samples, const Gains& by) {
  const Vector low = Lanes::all(0xff);
  if constexpr (From != Colour::rgb) {
    const Vector middle = Lanes::all(-32768);
    return to_rgb<From>(Lanes::bit_and(samples[0], low),
                        Lanes::bit_xor(Lanes::shift_left<8>(samples[1]), middle),
                        Lanes::bit_xor(Lanes::shift_left<8>(samples[2]), middle), by);
  } else {
    Rgb pixels;
    for (int c = 0; c < 3; c++) {
      pixels.level[c] = Lanes::shift_left<7>(Lanes::bit_and(samples[c], low));
    }
    return pixels;
  }
}

template <Colour From>
inline Rgb far_pixels(const Vector* samples, const Gains& by) {
  const Vector high = Lanes::all(-256);
  if constexpr (From != Colour::rgb) {
    const Vector middle = Lanes::all(-32768);
    return to_rgb<From>(Lanes::shift_right<8>(samples[0]),
                        Lanes::bit_xor(Lanes::bit_and(samples[1], high), middle),
                        Lanes::bit_xor(Lanes::bit_and(samples[2], high), middle), by);
  } else {
    Rgb pixels;
    for (int c = 0; c < 3; c++) {
      pixels.level[c] = Lanes::shift_right<1>(Lanes::bit_and(samples[c], high));
    }
    return pixels;
  }
}

template <Colour From, bool HasFar>
void widen_gathered(const GatherTables& tables, const YuvCoefficients& yuv,
                    const uint8_t* const* rows, int16_t* lines, size_t pitch) {
  const Gains by(yuv);
  for (int step = 0; step < tables.steps; step++) {
    const Vector samples[3] = {Lanes::gather(tables.component[0], rows[0], step),
                               Lanes::gather(tables.component[1], rows[1], step),
                               Lanes::gather(tables.component[2], rows[2], step)};
    const Rgb near = near_pixels<From>(samples, by);
    int16_t* const out = lines + step * Lanes::kCount;
    if constexpr (HasFar) {
      const Rgb far = far_pixels<From>(samples, by);
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
  for (size_t x = 0; x < samples; x += Lanes::kCount) {
    Vector sum = Lanes::rounded_product(Lanes::load(lines[0] + x), Lanes::all(weights[0]));
    for (int i = 1; i < count; i++) {
      sum = Lanes::add(sum,
                       Lanes::rounded_product(Lanes::load(lines[i] + x), Lanes::all(weights[i])));
    }
    Lanes::store(out + x, sum);
  }
}

// Levels of sum_pairs lie so far up that adding saturates at white: 16383 / 64 and no more. Luma carries
// kLumaLift of it, or chroma alone would saturate; black is where bit 14 begins.
constexpr int kBlack = 1 << 14;
constexpr int kLumaLift = 1024;

// What chroma adds to the luma of two pixels, the middle of the rounding with it.
template <bool IsInterleaved>
inline Rgb chroma_shift(const PairRow& row, int pair, const Gains& by) {
  const Vector middle = Lanes::all(-32768);
  Vector cb, cr;
  if constexpr (IsInterleaved) {
    const Vector both = Lanes::load_pairs(row.cb + pair * 2);
    cb = Lanes::bit_xor(Lanes::shift_left<8>(both), middle);
    cr = Lanes::bit_xor(Lanes::bit_and(both, Lanes::all(-256)), middle);
  } else {
    cb = Lanes::bit_xor(Lanes::shift_left<8>(Lanes::load_bytes(row.cb + pair)), middle);
    cr = Lanes::bit_xor(Lanes::shift_left<8>(Lanes::load_bytes(row.cr + pair)), middle);
  }
  const Vector half = Lanes::all(32 + kBlack - kLumaLift);
  const Vector red = Lanes::rounded_product(cr, by.cr_to_red);
  const Vector green = Lanes::add(Lanes::rounded_product(cb, by.cb_to_green),
                                  Lanes::rounded_product(cr, by.cr_to_green));
  const Vector blue = Lanes::rounded_product(cb, by.cb_to_blue);
  return {{Lanes::add(red, half), Lanes::subtract(half, green), Lanes::add(blue, half)}};
}

// `luma` in units of 1/128, `weight` in 2^15 or, when all are small, in 2^16, which spares a shift. The
// levels are those of to_rgb.
template <bool IsDoubled>
inline void add_shares(Vector luma, const Rgb& shift, Vector weight, const Gains& by, Rgb& sums) {
  const Vector lifted = Lanes::subtract(luma, Lanes::shift_left<7>(by.black));
  const Vector y = Lanes::add(Lanes::rounded_product(lifted, by.luma), Lanes::all(kLumaLift));
  for (int c = 0; c < 3; c++) {
    const Vector clamped = Lanes::max(Lanes::add_saturated(y, shift.level[c]), Lanes::all(kBlack));
    Vector level = Lanes::bit_and(clamped, Lanes::all(255 * 64));
    if constexpr (!IsDoubled) level = Lanes::shift_left<1>(level);
    sums.level[c] = Lanes::add(sums.level[c], Lanes::rounded_product(level, weight));
  }
}

template <bool IsInterleaved, bool IsDoubled>
inline void sum_pairs_by(const PairRow* rows, const YuvCoefficients& yuv, int count, int columns,
                         int16_t* out) {
  const Gains by(yuv);
  const Vector bytes = Lanes::all(255 * 128);
  const Vector zero = Lanes::all(0);
  for (int done = 0; done < columns; done += Lanes::kCount * 2) {
    // The last step begins early enough to end with the row; what it makes again is the same.
    const int x = std::min(done, columns - Lanes::kCount * 2);
    Rgb left{{zero, zero, zero}}, right{{zero, zero, zero}}, shift{{zero, zero, zero}};
    for (int i = 0; i < count; i++) {
      if (i == 0 || rows[i].cb != rows[i - 1].cb) {
        shift = chroma_shift<IsInterleaved>(rows[i], x / 2, by);
      }
      const Vector luma = Lanes::load_pairs(rows[i].luma + x);
      const Vector weight = Lanes::all(IsDoubled ? rows[i].weight * 2 : rows[i].weight);
      add_shares<IsDoubled>(Lanes::bit_and(Lanes::shift_left<7>(luma), bytes), shift, weight, by,
                            left);
      add_shares<IsDoubled>(Lanes::bit_and(Lanes::shift_right<1>(luma), bytes), shift, weight, by,
                            right);
    }
    for (int c = 0; c < 3; c++) {
      Lanes::store_pairs(out + c * columns + x, left.level[c], right.level[c]);
    }
  }
}

template <bool IsInterleaved>
void sum_pairs(const PairRow* rows, const YuvCoefficients& yuv, int count, int columns,
               int16_t* out) {
  bool is_doubled = true;
  for (int i = 0; i < count; i++) is_doubled = is_doubled && rows[i].weight <= INT16_MAX / 2;
  is_doubled ? sum_pairs_by<IsInterleaved, true>(rows, yuv, count, columns, out)
             : sum_pairs_by<IsInterleaved, false>(rows, yuv, count, columns, out);
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
  kernels.sum_pairs[0] = sum_pairs<false>;
  kernels.sum_pairs[1] = sum_pairs<true>;
  kernels.narrow_line = narrow_line;
  kernels.blend_to_float = blend_to_float;
  kernels.blend_to_bytes = blend_to_bytes;
  return kernels;
}

}  // namespace
}  // namespace vedette
