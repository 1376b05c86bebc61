#pragma once
#include <cstddef>
#include <cstdint>

// The inner loops over rows of samples. They hold all arithmetic of the pixel path and nothing else,
// so that a faster one for a processor can take the place of any of them; its bits must be the same.

namespace vedette {

// a * b / 2^15, rounded to nearest, halves up: one instruction on x86 (pmulhrsw) and Arm (sqrdmulh).
inline int16_t rounded_product(int16_t a, int16_t b) {
  return static_cast<int16_t>((((int32_t{a} * b) >> 14) + 1) >> 1);
}

// Limited range BT.601 (Y 16-235, Cb and Cr 16-240), one luma and one chroma pair for each pixel, to
// packed RGB. Coefficients have 14 (luma) and 13 (chroma) fractional bits, products 6; the sum is
// rounded to a whole grey level and clamped. At most one level from the real formula.
void yuv_to_rgb(const uint8_t* luma, const uint8_t* cb, const uint8_t* cr, int count, uint8_t* rgb);

// Rec. 601 luma of full-range packed RGB with 14 fractional bits, as OpenCV's COLOR_RGB2GRAY.
void rgb_to_gray(const uint8_t* rgb, int count, uint8_t* gray);

// A row resized: between pixel near[i] and far[i] by weight[i] / 2^15, with 7 fractional bits.
void widen_row(const uint8_t* row, const int32_t* near, const int32_t* far, const int16_t* weight,
               int count, int channels, int16_t* out);

// Between two such rows by weight / 2^15, rounded to whole grey levels.
void blend_rows(const int16_t* near, const int16_t* far, int16_t weight, size_t samples,
                uint8_t* out);

// sums (+)= row * weight.
void add_row(const uint8_t* row, int32_t weight, bool is_first, size_t samples, int32_t* sums);

// sums / 2^shift, rounded, as 7 fractional bits.
void settle_sums(const int32_t* sums, int shift, size_t samples, int16_t* out);

// sums / 2^bits (the rounding is in the sums already), clamped to grey levels.
void clamp_sums(const int32_t* sums, int bits, size_t samples, uint8_t* out);

// level * factor + offset for every `step`-th sample.
void normalise_row(const uint8_t* levels, int step, int count, float factor, float offset,
                   float* out);
void pick_row(const uint8_t* levels, int step, int count, uint8_t* out);

}  // namespace vedette
