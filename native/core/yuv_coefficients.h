#pragma once
#include <cstdint>

namespace vedette {

// From Y'CbCr to R'G'B' in fixed point. Luma is lifted from `black` and stretched by `luma_gain` / 2^14,
// chroma counts from 128 and has coefficients in 2^13; products keep 6 fractional bits, the sum is
// rounded to a whole grey level and clamped.
struct YuvCoefficients {
  int16_t black;
  int16_t luma_gain;
  int16_t cr_to_red;
  int16_t cb_to_green;
  int16_t cr_to_green;
  int16_t cb_to_blue;
};

enum class YuvMatrix : int { bt601 = 0, bt709 };
enum class YuvRange : int { limited = 0, full };
constexpr int kYuvMatrices = 2;
constexpr int kYuvRanges = 2;

// From a matrix' weights of red and blue in luma: R = Y + 2 (1 - kr) Cr, B = Y + 2 (1 - kb) Cb, and G
// from Y = kr R + kg G + kb B. Limited range has luma 16 to 235 and chroma 16 to 240, full range (as
// JPEG) 0 to 255 for both.
constexpr YuvCoefficients yuv_coefficients(double kr, double kb, YuvRange range) {
  const bool is_full = range == YuvRange::full;
  const double kg = 1 - kr - kb;
  const double luma = is_full ? 1 : 255.0 / 219;
  const double chroma = is_full ? 1 : 255.0 / 224;
  const double to_red = chroma * 2 * (1 - kr);
  const double to_blue = chroma * 2 * (1 - kb);
  constexpr double kHalf = 0.5;
  return {static_cast<int16_t>(is_full ? 0 : 16),
          static_cast<int16_t>(luma * (1 << 14) + kHalf),
          static_cast<int16_t>(to_red * (1 << 13) + kHalf),
          static_cast<int16_t>(to_blue * kb / kg * (1 << 13) + kHalf),
          static_cast<int16_t>(to_red * kr / kg * (1 << 13) + kHalf),
          static_cast<int16_t>(to_blue * (1 << 13) + kHalf)};
}

// [YuvMatrix][YuvRange], from ITU-R BT.601-7 (2.5.1) and BT.709-6 (3.2).
constexpr YuvCoefficients kYuvCoefficients[kYuvMatrices][kYuvRanges] = {
    {yuv_coefficients(0.299, 0.114, YuvRange::limited),
     yuv_coefficients(0.299, 0.114, YuvRange::full)},
    {yuv_coefficients(0.2126, 0.0722, YuvRange::limited),
     yuv_coefficients(0.2126, 0.0722, YuvRange::full)},
};

}  // namespace vedette
