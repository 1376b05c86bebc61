#pragma once
#include "level_tables.h"
#include "row_kernels.h"

// The loops over rows in plain C++. Each kernel file includes them below its
// own target, so that the compiler makes them once for each: without a name
// outside of that file, or the linker would keep only one. Integers give the
// same bits whatever the width, and floats are never contracted.

namespace vedette {
namespace {

constexpr int kMiddle = 128 << 6;

// `level` lies around 128 in units of 1/64, which keeps every sum within 16
// bits.
inline uint8_t settle_level(int16_t level) {
  const int16_t whole = static_cast<int16_t>(static_cast<int16_t>(level + 32) >> 6);
  const int16_t low = whole < -128 ? int16_t{-128} : whole;
  const int16_t both = low > 127 ? int16_t{127} : low;
  return static_cast<uint8_t>(both + 128);
}

void yuv_to_rgb(const uint8_t* __restrict luma, const uint8_t* __restrict cb,
                const uint8_t* __restrict cr, const YuvCoefficients& yuv, int count,
                uint8_t* __restrict rgb) {
  // A copy: stores of bytes might change what lies behind a reference.
  const YuvCoefficients by = yuv;
  for (int i = 0; i < count; i++) {
    const int16_t u = static_cast<int16_t>((cb[i] - 128) * 256);
    const int16_t v = static_cast<int16_t>((cr[i] - 128) * 256);
    const int16_t y = static_cast<int16_t>(
        rounded_product(static_cast<int16_t>((luma[i] - by.black) * 128), by.luma_gain) - kMiddle);
    rgb[i * 3] = settle_level(static_cast<int16_t>(y + rounded_product(v, by.cr_to_red)));
    rgb[i * 3 + 1] = settle_level(static_cast<int16_t>(y - rounded_product(u, by.cb_to_green) -
                                                       rounded_product(v, by.cr_to_green)));
    rgb[i * 3 + 2] = settle_level(static_cast<int16_t>(y + rounded_product(u, by.cb_to_blue)));
  }
}

inline uint8_t clamp_level(int level) {
  return static_cast<uint8_t>(level < 0 ? 0 : level > 255 ? 255 : level);
}

// The quotient rounds the right way although it is a float: below 256 its own rounding moves it by at
// most 2^-17, and a quotient that is no half is at least 1 / (2 * 65535) away from the next half.
void stretch_levels(const uint16_t* __restrict levels, int count, int black, int white,
                    uint8_t* __restrict gray) {
  const float span = static_cast<float>(white - black);
  for (int i = 0; i < count; i++) {
    const int low = levels[i] < black ? black : levels[i];
    const int level = (low > white ? white : low) - black;
    gray[i] = static_cast<uint8_t>(static_cast<int>(static_cast<float>(level * 255) / span + 0.5f));
  }
}

// `kOwn` is the row's own colour beside green, as a channel of RGB.
template <int kOwn>
inline void demosaic(const uint8_t* __restrict above, const uint8_t* __restrict row,
                     const uint8_t* __restrict below, int count, bool is_green_first,
                     uint8_t* __restrict rgb) {
  const int green = is_green_first ? 0 : 1;
  for (int i = 0; i < count; i++) {
    const int across = row[i - 1] + row[i + 1];
    const int upright = above[i] + below[i];
    const int corners = above[i - 1] + above[i + 1] + below[i - 1] + below[i + 1];
    const bool is_green = (i & 1) == green;
    rgb[i * 3 + kOwn] = static_cast<uint8_t>(is_green ? (across + 1) >> 1 : row[i]);
    rgb[i * 3 + 1] = static_cast<uint8_t>(is_green ? row[i] : (across + upright + 2) >> 2);
    rgb[i * 3 + 2 - kOwn] =
        static_cast<uint8_t>(is_green ? (upright + 1) >> 1 : (corners + 2) >> 2);
  }
}

void demosaic_row(const uint8_t* above, const uint8_t* row, const uint8_t* below, int count,
                  bool is_green_first, bool is_red_row, uint8_t* rgb) {
  if (is_red_row) {
    demosaic<0>(above, row, below, count, is_green_first, rgb);
  } else {
    demosaic<2>(above, row, below, count, is_green_first, rgb);
  }
}

void mix_rows(const uint8_t* __restrict near, const uint8_t* __restrict far, int count,
              int16_t* __restrict out) {
  for (int i = 0; i < count; i++) out[i] = static_cast<int16_t>(near[i] * 3 + far[i]);
}

// Both samples are stored as one of 16 bits, the left one below: no vector has
// to be taken apart.
void double_row(const int16_t* __restrict from, int shift, int count, uint16_t* __restrict pairs) {
  const uint16_t left = shift == 4 ? 8 : 1;
  const uint16_t right = shift == 4 ? 7 : 2;
  for (int i = 0; i < count; i++) {
    const uint16_t own = static_cast<uint16_t>(from[i] * 3);
    const uint16_t before = static_cast<uint16_t>(own + from[i - 1] + left);
    const uint16_t behind = static_cast<uint16_t>(own + from[i + 1] + right);
    pairs[i] = static_cast<uint16_t>((before >> shift) | (behind >> shift << 8));
  }
}

void rgb_to_gray(const uint8_t* __restrict rgb, int count, uint8_t* __restrict gray) {
  for (int i = 0; i < count; i++) {
    const int sum = rgb[i * 3] * 4899 + rgb[i * 3 + 1] * 9617 + rgb[i * 3 + 2] * 1868;
    gray[i] = static_cast<uint8_t>((sum + 8192) >> 14);
  }
}

void widen_row(const uint8_t* __restrict row, const int32_t* __restrict near,
               const int32_t* __restrict far, const int16_t* __restrict weight, int count,
               int channels, int16_t* __restrict out) {
  const auto between = [](uint8_t a, uint8_t b, int16_t share) {
    const int16_t start = static_cast<int16_t>(a << 7);
    return static_cast<int16_t>(start +
                                rounded_product(static_cast<int16_t>((b << 7) - start), share));
  };
  if (channels == 1) {
    for (int i = 0; i < count; i++) out[i] = between(row[near[i]], row[far[i]], weight[i]);
    return;
  }
  for (int i = 0; i < count; i++) {
    const uint8_t* const a = row + near[i] * 3;
    const uint8_t* const b = row + far[i] * 3;
    out[i * 3] = between(a[0], b[0], weight[i]);
    out[i * 3 + 1] = between(a[1], b[1], weight[i]);
    out[i * 3 + 2] = between(a[2], b[2], weight[i]);
  }
}

void blend_rows(const int16_t* __restrict near, const int16_t* __restrict far, int16_t weight,
                size_t samples, uint8_t* __restrict out) {
  for (size_t i = 0; i < samples; i++) {
    const int16_t step = rounded_product(static_cast<int16_t>(far[i] - near[i]), weight);
    out[i] = static_cast<uint8_t>(static_cast<int16_t>(near[i] + step + 64) >> 7);
  }
}

void add_share(const uint8_t* __restrict row, int32_t weight, bool is_first, size_t samples,
               int16_t* __restrict sums) {
  if (weight > INT16_MAX) {
    for (size_t i = 0; i < samples; i++) sums[i] = static_cast<int16_t>(row[i] << 7);
    return;
  }
  const int16_t share = static_cast<int16_t>(weight);
  if (is_first) {
    for (size_t i = 0; i < samples; i++) {
      sums[i] = rounded_product(static_cast<int16_t>(row[i] << 7), share);
    }
    return;
  }
  for (size_t i = 0; i < samples; i++) {
    sums[i] =
        static_cast<int16_t>(sums[i] + rounded_product(static_cast<int16_t>(row[i] << 7), share));
  }
}

void add_row(const uint8_t* __restrict row, int32_t weight, bool is_first, size_t samples,
             int32_t* __restrict sums) {
  if (is_first) {
    for (size_t i = 0; i < samples; i++) sums[i] = weight * row[i];
  } else {
    for (size_t i = 0; i < samples; i++) sums[i] += weight * row[i];
  }
}

void settle_sums(const int32_t* __restrict sums, int shift, size_t samples,
                 int16_t* __restrict out) {
  const int32_t half = 1 << (shift - 1);
  for (size_t i = 0; i < samples; i++) out[i] = static_cast<int16_t>((sums[i] + half) >> shift);
}

void filter_gray(const uint8_t* row, int, const FilterRow& filter, int count, uint8_t* out) {
  for (int x = 0; x < count; x++) {
    const int32_t* const weights = filter.weights + static_cast<size_t>(x) * filter.widest;
    const uint8_t* const from = row + filter.start[x];
    int32_t sum = 1 << (filter.bits - 1);
    for (int i = 0; i < filter.length[x]; i++) sum += weights[i] * from[i];
    out[x] = clamp_level(sum >> filter.bits);
  }
}

void filter_rgb(const uint8_t* row, int, const FilterRow& filter, int count, uint8_t* out) {
  const int32_t half = 1 << (filter.bits - 1);
  for (int x = 0; x < count; x++) {
    const int32_t* const weights = filter.weights + static_cast<size_t>(x) * filter.widest;
    const uint8_t* const from = row + static_cast<size_t>(filter.start[x]) * 3;
    int32_t sums[3] = {half, half, half};
    for (int i = 0; i < filter.length[x]; i++) {
      for (int c = 0; c < 3; c++) sums[c] += weights[i] * from[i * 3 + c];
    }
    for (int c = 0; c < 3; c++) out[x * 3 + c] = clamp_level(sums[c] >> filter.bits);
  }
}

void clamp_sums(const int32_t* __restrict sums, int bits, size_t samples, uint8_t* __restrict out) {
  for (size_t i = 0; i < samples; i++) {
    out[i] = clamp_level(sums[i] >> bits);
  }
}

void normalise_row(const uint8_t* __restrict levels, int step, int count, float factor,
                   float offset, float* __restrict out) {
  if (step == 1) {
    for (int i = 0; i < count; i++) out[i] = static_cast<float>(levels[i]) * factor + offset;
  } else {
    for (int i = 0; i < count; i++) out[i] = static_cast<float>(levels[i * 3]) * factor + offset;
  }
}

void pick_row(const uint8_t* __restrict levels, int step, int count, uint8_t* __restrict out) {
  if (step == 1) {
    for (int i = 0; i < count; i++) out[i] = levels[i];
  } else {
    for (int i = 0; i < count; i++) out[i] = levels[i * 3];
  }
}

void halve_row(const LevelTable& table, const uint8_t* __restrict levels, int step, int count,
               uint16_t* __restrict out) {
  for (int i = 0; i < count; i++) out[i] = table.halves[levels[i * step]];
}

void encode_row(const LevelTable& table, int count, uint8_t* row) {
  for (int i = 0; i < count; i++) row[i] = table.codes[row[i]];
}

RowKernels plain_row_kernels(const char* name) {
  RowKernels kernels;
  kernels.name = name;
  kernels.yuv_to_rgb = yuv_to_rgb;
  kernels.stretch_levels = stretch_levels;
  kernels.demosaic_row = demosaic_row;
  kernels.mix_rows = mix_rows;
  kernels.double_row = double_row;
  kernels.rgb_to_gray = rgb_to_gray;
  kernels.widen_row = widen_row;
  kernels.blend_rows = blend_rows;
  kernels.add_share = add_share;
  kernels.add_row = add_row;
  kernels.settle_sums = settle_sums;
  kernels.filter_columns[0] = filter_gray;
  kernels.filter_columns[1] = filter_rgb;
  kernels.clamp_sums = clamp_sums;
  kernels.normalise_row = normalise_row;
  kernels.pick_row = pick_row;
  kernels.halve_row = halve_row;
  kernels.encode_row = encode_row;
  return kernels;
}

}  // namespace
}  // namespace vedette
