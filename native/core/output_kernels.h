#pragma once
#include <cstddef>
#include <cstdint>

// The inner loops over a model's outputs. The scalar ones say what is right; every other kernel gives
// the same bits.

namespace vedette {

// From these bits on, without the sign, a float is infinite or NaN.
constexpr uint32_t kNotFinite = 0x7f800000;

// Boxes side by side, so that a step compares one with several.
struct BoxColumns {
  const double* x1 = nullptr;
  const double* y1 = nullptr;
  const double* x2 = nullptr;
  const double* y2 = nullptr;
  const double* area = nullptr;
  const int64_t* label = nullptr;
};

struct OutputKernels {
  const char* name = "";

  // The greatest bits without sign among `count` floats.
  uint32_t (*largest_bits)(const float* values, size_t count) = nullptr;

  // best[i] = the greatest of `rows` floats, `pitch` apart, in column i; at least one row. Returns the
  // greatest bits without sign among them all.
  uint32_t (*best_of_columns)(const float* values, size_t pitch, size_t rows, size_t count,
                              float* best) = nullptr;

  // best[i] = the greatest of `classes` floats from `first` on in each of `count` rows, `pitch` apart.
  // Returns the greatest bits without sign in whole rows.
  uint32_t (*best_of_rows)(const float* values, size_t pitch, size_t first, size_t classes,
                           size_t count, float* best) = nullptr;

  // values[i] *= factors[i * step].
  void (*multiply)(const float* factors, size_t step, size_t count, float* values) = nullptr;

  // Marks (all bits set) the boxes from `first` on whose intersection over union with the box `place`
  // is greater than `threshold`; only those of its label, unless `is_agnostic`.
  void (*drop_overlaps)(const BoxColumns& boxes, size_t place, size_t first, size_t count,
                        double threshold, bool is_agnostic, int64_t* dropped) = nullptr;

  // mask[i] = values[i] >= limit. Returns the greatest bits without sign.
  uint32_t (*threshold)(const float* values, float limit, size_t count, uint8_t* mask) = nullptr;

  // best[i] = the greatest of `rows` (1 to 65,536) floats, `pitch` apart, in column i, and which row it
  // stands in: the first of equal ones. Returns the greatest bits without sign among them all.
  uint32_t (*place_of_columns)(const float* values, size_t pitch, size_t rows, size_t count,
                               float* best, int32_t* place) = nullptr;

  // sums[i] = the sum of rows[k][i] * factors[k] over `rows` rows, `pitch` apart, one after the other.
  void (*sum_rows)(const float* values, size_t pitch, const float* factors, size_t rows,
                   size_t count, float* sums) = nullptr;

  // out[i] = line[near[i]] * (1 - weight[i]) + line[far[i]] * weight[i].
  void (*stretch_line)(const float* line, const int32_t* near, const int32_t* far,
                       const float* weight, size_t count, float* out) = nullptr;

  // mask[i] = near[i] * (1 - weight) + far[i] * weight > 0.
  void (*blend_to_mask)(const float* near, const float* far, float weight, size_t count,
                        uint8_t* mask) = nullptr;

  // IEEE 754 halves to floats.
  void (*widen_halves)(const uint16_t* halves, size_t count, float* out) = nullptr;
};

// Those that belong to the row kernels in use.
const OutputKernels& output_kernels();

// Each in a file of its own; null where the compiler's target does not have it.
const OutputKernels* scalar_output_kernels();
const OutputKernels* avx2_output_kernels();
const OutputKernels* avx512_output_kernels();

}  // namespace vedette
