#pragma once
#include "pixel_view.h"

namespace vedette {

// Limited range BT.601 (Y 16-235, Cb and Cr 16-240) in fixed point: coefficients with 13 and 14
// fractional bits, products rounded to 6, the sum rounded to a whole grey level. Within one grey
// level of the real formula; written so that 16-bit SIMD lanes (mulhrs, vqrdmulh) give the same bits.
namespace yuv {
constexpr int kLuma = 19077;      // 255/219 in 2^14
constexpr int kCrToRed = 13075;   // 1.596027 in 2^13
constexpr int kCbToGreen = 3209;  // 0.391762
constexpr int kCrToGreen = 6660;  // 0.812968
constexpr int kCbToBlue = 16525;  // 2.017232

inline int rounded_product(int a, int b) { return (a * b + 0x4000) >> 15; }
inline uint8_t clamp_level(int sixths) {
  const int level = (sixths + 32) >> 6;
  return static_cast<uint8_t>(level < 0 ? 0 : level > 255 ? 255 : level);
}

struct Chroma {
  int red, green, blue;
};
inline Chroma chroma_of(int cb, int cr) {
  const int u = (cb - 128) * 256;
  const int v = (cr - 128) * 256;
  return {rounded_product(v, kCrToRed),
          -rounded_product(u, kCbToGreen) - rounded_product(v, kCrToGreen),
          rounded_product(u, kCbToBlue)};
}
inline void store(int luma, const Chroma& chroma, uint8_t* rgb) {
  const int y = rounded_product((luma - 16) * 128, kLuma);
  rgb[0] = clamp_level(y + chroma.red);
  rgb[1] = clamp_level(y + chroma.green);
  rgb[2] = clamp_level(y + chroma.blue);
}
}  // namespace yuv

// Rec. 601 luma of full-range RGB with 14 fractional bits, as OpenCV's COLOR_RGB2GRAY.
inline uint8_t gray_of(int red, int green, int blue) {
  return static_cast<uint8_t>((red * 4899 + green * 9617 + blue * 1868 + 8192) >> 14);
}

// Pixels [x, x + count) of stored row y as packed RGB, three bytes each.
void read_rgb(const PixelView& view, int y, int x, int count, uint8_t* out);
// The same as grey levels, one byte each; colour goes through `gray_of`.
void read_gray(const PixelView& view, int y, int x, int count, uint8_t* out);

}  // namespace vedette
