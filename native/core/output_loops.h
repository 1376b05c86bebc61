#pragma once
#include <cstring>

#include "output_kernels.h"

// The loops over outputs in plain C++, compiled once for each target, as in row_loops.h.

namespace vedette {
namespace {

// Floats may be looked at as integers through this.
using FloatBits = int32_t __attribute__((may_alias));

inline int32_t without_sign(int32_t bits) { return bits & 0x7fffffff; }

inline int32_t greater(int32_t a, int32_t b) { return a > b ? a : b; }

uint32_t largest_bits(const float* values, size_t count) {
  const FloatBits* const bits = reinterpret_cast<const FloatBits*>(values);
  int32_t most = 0;
  for (size_t i = 0; i < count; i++) most = greater(most, without_sign(bits[i]));
  return static_cast<uint32_t>(most);
}

// Four rows at a step, so that `best` is loaded and stored once for them.
int32_t raise_by_four(const float* values, size_t pitch, size_t count, float* __restrict best) {
  const float* const rows[4] = {values, values + pitch, values + 2 * pitch, values + 3 * pitch};
  const float* const a = rows[0];
  const float* const b = rows[1];
  const float* const c = rows[2];
  const float* const d = rows[3];
  const FloatBits* const bits_a = reinterpret_cast<const FloatBits*>(a);
  const FloatBits* const bits_b = reinterpret_cast<const FloatBits*>(b);
  const FloatBits* const bits_c = reinterpret_cast<const FloatBits*>(c);
  const FloatBits* const bits_d = reinterpret_cast<const FloatBits*>(d);
  int32_t most = 0;
  for (size_t i = 0; i < count; i++) {
    const float ab = b[i] > a[i] ? b[i] : a[i];
    const float cd = d[i] > c[i] ? d[i] : c[i];
    const float four = cd > ab ? cd : ab;
    best[i] = four > best[i] ? four : best[i];
    const int32_t first = greater(without_sign(bits_a[i]), without_sign(bits_b[i]));
    const int32_t second = greater(without_sign(bits_c[i]), without_sign(bits_d[i]));
    most = greater(most, greater(first, second));
  }
  return most;
}

int32_t raise_by_one(const float* values, size_t count, float* __restrict best) {
  const FloatBits* const bits = reinterpret_cast<const FloatBits*>(values);
  int32_t most = 0;
  for (size_t i = 0; i < count; i++) {
    best[i] = values[i] > best[i] ? values[i] : best[i];
    most = greater(most, without_sign(bits[i]));
  }
  return most;
}

uint32_t best_of_columns(const float* values, size_t pitch, size_t rows, size_t count,
                         float* best) {
  std::memcpy(best, values, count * sizeof(float));
  int32_t most = static_cast<int32_t>(largest_bits(values, count));
  size_t row = 1;
  for (; row + 4 <= rows; row += 4) {
    most = greater(most, raise_by_four(values + row * pitch, pitch, count, best));
  }
  for (; row < rows; row++) most = greater(most, raise_by_one(values + row * pitch, count, best));
  return static_cast<uint32_t>(most);
}

// Integers in the order of the floats they stand for, and back.
inline int32_t in_order(int32_t bits) { return bits ^ ((bits >> 31) & 0x7fffffff); }

uint32_t best_of_rows(const float* values, size_t pitch, size_t first, size_t classes, size_t count,
                      float* best) {
  FloatBits* const best_bits = reinterpret_cast<FloatBits*>(best);
  int32_t most = 0;
  for (size_t row = 0; row < count; row++) {
    const FloatBits* const bits = reinterpret_cast<const FloatBits*>(values + row * pitch);
    int32_t top = in_order(bits[first]);
    for (size_t i = first; i < first + classes; i++) top = greater(top, in_order(bits[i]));
    for (size_t i = 0; i < pitch; i++) most = greater(most, without_sign(bits[i]));
    best_bits[row] = in_order(top);
  }
  return static_cast<uint32_t>(most);
}

void multiply(const float* __restrict factors, size_t step, size_t count,
              float* __restrict values) {
  if (step == 1) {
    for (size_t i = 0; i < count; i++) values[i] *= factors[i];
  } else {
    for (size_t i = 0; i < count; i++) values[i] *= factors[i * step];
  }
}

inline double less_of(double a, double b) { return b < a ? b : a; }
inline double greater_of(double a, double b) { return b > a ? b : a; }

void drop_overlaps(const BoxColumns& boxes, size_t place, size_t first, size_t count,
                   double threshold, bool is_agnostic, int64_t* __restrict dropped) {
  const double* const x1 = boxes.x1;
  const double* const y1 = boxes.y1;
  const double* const x2 = boxes.x2;
  const double* const y2 = boxes.y2;
  const double* const areas = boxes.area;
  const int64_t* const labels = boxes.label;
  const double left = x1[place], top = y1[place], right = x2[place], bottom = y2[place];
  const double area = areas[place];
  const int64_t label = labels[place];
  const int64_t all = is_agnostic ? -1 : 0;
  for (size_t i = first; i < count; i++) {
    const double width = less_of(right, x2[i]) - greater_of(left, x1[i]);
    const double height = less_of(bottom, y2[i]) - greater_of(top, y1[i]);
    const double common = width * height;
    const double limit = threshold * (area + areas[i] - common);
    const int64_t is_wide = width > 0 ? -1 : 0;
    const int64_t is_high = height > 0 ? -1 : 0;
    const int64_t is_over = common > limit ? -1 : 0;
    const int64_t is_same = labels[i] == label ? -1 : all;
    dropped[i] |= is_wide & is_high & is_over & is_same;
  }
}

void widen_halves(const uint16_t* __restrict halves, size_t count, float* __restrict out) {
  FloatBits* const bits = reinterpret_cast<FloatBits*>(out);
  for (size_t i = 0; i < count; i++) {
    const int32_t size = halves[i] & 0x7fff;
    // Exponent and fraction moved into place, then the bias corrected: exact, subnormals too.
    const int32_t moved = size << 13;
    float value;
    std::memcpy(&value, &moved, sizeof value);
    value *= 0x1p112f;
    int32_t scaled;
    std::memcpy(&scaled, &value, sizeof scaled);
    const int32_t special = size >= 0x7c00 ? static_cast<int32_t>(kNotFinite) : 0;
    const int32_t sign = static_cast<int32_t>(static_cast<uint32_t>(halves[i] & 0x8000) << 16);
    bits[i] = scaled | special | sign;
  }
}

uint32_t threshold(const float* values, float limit, size_t count, uint8_t* __restrict mask) {
  const FloatBits* const bits = reinterpret_cast<const FloatBits*>(values);
  int32_t most = 0;
  for (size_t i = 0; i < count; i++) most = greater(most, without_sign(bits[i]));
  for (size_t i = 0; i < count; i++) mask[i] = values[i] >= limit ? 1 : 0;
  return static_cast<uint32_t>(most);
}

uint32_t place_of_columns(const float* values, size_t pitch, size_t rows, size_t count,
                          float* __restrict best, int32_t* __restrict place) {
  std::memcpy(best, values, count * sizeof(float));
  std::memset(place, 0, count * sizeof(int32_t));
  int32_t most = static_cast<int32_t>(largest_bits(values, count));
  for (size_t row = 1; row < rows; row++) {
    const float* const line = values + row * pitch;
    const FloatBits* const bits = reinterpret_cast<const FloatBits*>(line);
    const int32_t own = static_cast<int32_t>(row);
    for (size_t i = 0; i < count; i++) {
      const bool is_greater = line[i] > best[i];
      best[i] = is_greater ? line[i] : best[i];
      place[i] = is_greater ? own : place[i];
      most = greater(most, without_sign(bits[i]));
    }
  }
  return static_cast<uint32_t>(most);
}

void sum_rows(const float* values, size_t pitch, const float* factors, size_t rows, size_t count,
              float* __restrict sums) {
  for (size_t i = 0; i < count; i++) sums[i] = 0;
  size_t row = 0;
  for (; row + 4 <= rows; row += 4) {
    const float* const a = values + row * pitch;
    const float* const b = a + pitch;
    const float* const c = b + pitch;
    const float* const d = c + pitch;
    const float to_a = factors[row], to_b = factors[row + 1];
    const float to_c = factors[row + 2], to_d = factors[row + 3];
    for (size_t i = 0; i < count; i++) {
      sums[i] = (((sums[i] + a[i] * to_a) + b[i] * to_b) + c[i] * to_c) + d[i] * to_d;
    }
  }
  for (; row < rows; row++) {
    const float* const a = values + row * pitch;
    for (size_t i = 0; i < count; i++) sums[i] += a[i] * factors[row];
  }
}

void stretch_line(const float* __restrict line, const int32_t* __restrict near,
                  const int32_t* __restrict far, const float* __restrict weight, size_t count,
                  float* __restrict out) {
  for (size_t i = 0; i < count; i++) {
    out[i] = line[near[i]] * (1 - weight[i]) + line[far[i]] * weight[i];
  }
}

void blend_to_mask(const float* __restrict near, const float* __restrict far, float weight,
                   size_t count, uint8_t* __restrict mask) {
  const float rest = 1 - weight;
  for (size_t i = 0; i < count; i++) mask[i] = near[i] * rest + far[i] * weight > 0 ? 1 : 0;
}

OutputKernels plain_output_kernels(const char* name) {
  OutputKernels kernels;
  kernels.name = name;
  kernels.largest_bits = largest_bits;
  kernels.best_of_columns = best_of_columns;
  kernels.best_of_rows = best_of_rows;
  kernels.multiply = multiply;
  kernels.drop_overlaps = drop_overlaps;
  kernels.threshold = threshold;
  kernels.place_of_columns = place_of_columns;
  kernels.sum_rows = sum_rows;
  kernels.stretch_line = stretch_line;
  kernels.blend_to_mask = blend_to_mask;
  kernels.widen_halves = widen_halves;
  return kernels;
}

}  // namespace
}  // namespace vedette
