#pragma once
#include <cstddef>
#include <cstdint>

#include "status.h"
#include "yuv_coefficients.h"

// The inner loops over rows of samples. They hold all arithmetic of the pixel path and nothing else.
// The scalar ones say what is right; every other kernel gives the same bits.

namespace vedette {

// a * b / 2^15, rounded to nearest, halves up: one instruction on x86 (pmulhrsw) and Arm (sqrdmulh).
inline int16_t rounded_product(int16_t a, int16_t b) {
  return static_cast<int16_t>((((int32_t{a} * b) >> 14) + 1) >> 1);
}

// What a row holds. Full range needs no gain of luma.
enum class Colour : int { rgb = 0, limited_yuv, full_yuv };
constexpr int kColours = 3;

// A row of YUV pixels from an even column on, and its weight in 2^15. Where chroma is
// interleaved (nv12), cb and cr are neighbours and `cr` is not looked at.
struct PairRow {
  const uint8_t* luma;
  const uint8_t* cb;
  const uint8_t* cr;
  int16_t weight;
};

// What FilterTaps holds for an axis.
struct FilterRow {
  const int32_t* start;
  const int32_t* length;
  const int32_t* weights;
  int widest;
  int bits;
};

struct GatherTables;
struct LevelTable;
struct NarrowTables;

// Only for processors with byte shuffles: a row of the source is read only where the tensor needs it,
// and never becomes a row of pixels.
struct FusedKernels {
  enum class Reach { shuffle_16, permute_128, look_up_240 } reach = Reach::shuffle_16;
  // Output positions of one step; lines have room for a whole number of steps.
  int lanes = 0;
  // From one source row, one line for each of R, G and B, `pitch` samples apart, with 7 fractional
  // bits: what yuv_to_rgb and widen_row together make. `rows` are those of the three components; `yuv`
  // counts for YUV alone. [Colour][has a far neighbour]
  void (*widen[kColours][2])(const GatherTables& tables, const YuvCoefficients& yuv,
                             const uint8_t* const* rows, int16_t* lines, size_t pitch) = {};
  // Sums of `count` such lines by weights / 2^15, as add_share makes them.
  void (*sum_lines)(const int16_t* const* lines, const int16_t* weights, int count, size_t samples,
                    int16_t* out) = nullptr;
  // The same from rows of pixels that share chroma in pairs, without a line for each: `columns` of
  // them (even, at least two for each lane) to three lines `columns` apart. [chroma is interleaved]
  void (*sum_pairs[2])(const PairRow* rows, const YuvCoefficients& yuv, int count, int columns,
                       int16_t* out) = {};
  // Sums of neighbours along a line, rounded to whole grey levels, with 7 fractional bits.
  void (*narrow_line)(const NarrowTables& tables, const int16_t* line, int16_t* out) = nullptr;
  // blend_rows and normalise_row (or the levels themselves) in one.
  void (*blend_to_float)(const int16_t* near, const int16_t* far, int16_t weight, int count,
                         float factor, float offset, float* out) = nullptr;
  void (*blend_to_bytes)(const int16_t* near, const int16_t* far, int16_t weight, int count,
                         uint8_t* out) = nullptr;
};

struct RowKernels {
  const char* name = "";

  // One luma and one chroma pair for each pixel, to packed RGB. At most one level from the real
  // formula.
  void (*yuv_to_rgb)(const uint8_t* luma, const uint8_t* cb, const uint8_t* cr,
                     const YuvCoefficients& yuv, int count, uint8_t* rgb) = nullptr;

  // Levels of up to 16 bits to 8: `black` and below 0, `white` and above 255, linear in between,
  // rounded, halves up.
  void (*stretch_levels)(const uint16_t* levels, int count, int black, int white,
                         uint8_t* gray) = nullptr;

  // A row of a Bayer mosaic to packed RGB from it and its two neighbour rows, each readable from -1 to
  // `count`: two neighbours (a + b + 1) / 2, four (a + b + c + d + 2) / 4, as OpenCV's
  // COLOR_Bayer*2RGB. Whether sample 0 is green, and whether the row's other colour is red.
  void (*demosaic_row)(const uint8_t* above, const uint8_t* row, const uint8_t* below, int count,
                       bool is_green_first, bool is_red_row, uint8_t* rgb) = nullptr;

  // near * 3 + far.
  void (*mix_rows)(const uint8_t* near, const uint8_t* far, int count, int16_t* out) = nullptr;

  // libjpeg's triangle filter: two samples for each of `count`, (3 * from[i] + from[i -+ 1]) /
  // 2^shift with its biases: 8 and 7 for a shift of 4, 1 and 2 for a shift of 2. from[-1] and
  // from[count] exist. A pair is one number, its left sample in the lower byte.
  void (*double_row)(const int16_t* from, int shift, int count, uint16_t* pairs) = nullptr;

  // Rec. 601 luma of full-range packed RGB with 14 fractional bits, as OpenCV's COLOR_RGB2GRAY.
  void (*rgb_to_gray)(const uint8_t* rgb, int count, uint8_t* gray) = nullptr;

  // A row resized: between pixel near[i] and far[i] by weight[i] / 2^15, with 7 fractional bits.
  void (*widen_row)(const uint8_t* row, const int32_t* near, const int32_t* far,
                    const int16_t* weight, int count, int channels, int16_t* out) = nullptr;

  // Between two such rows by weight / 2^15, rounded to whole grey levels.
  void (*blend_rows)(const int16_t* near, const int16_t* far, int16_t weight, size_t samples,
                     uint8_t* out) = nullptr;

  // sums (+)= row * weight / 2^15, rounded to 7 fractional bits; a weight of 2^15 stands alone.
  void (*add_share)(const uint8_t* row, int32_t weight, bool is_first, size_t samples,
                    int16_t* sums) = nullptr;

  // sums (+)= row * weight.
  void (*add_row)(const uint8_t* row, int32_t weight, bool is_first, size_t samples,
                  int32_t* sums) = nullptr;

  // sums / 2^shift, rounded, as 7 fractional bits.
  void (*settle_sums)(const int32_t* sums, int shift, size_t samples, int16_t* out) = nullptr;

  // Sums of neighbours along a row of `source` pixels, clamped to grey levels. [packed RGB]
  void (*filter_columns[2])(const uint8_t* row, int source, const FilterRow& filter, int count,
                            uint8_t* out) = {};

  // sums / 2^bits (the rounding is in the sums already), clamped to grey levels.
  void (*clamp_sums)(const int32_t* sums, int bits, size_t samples, uint8_t* out) = nullptr;

  // level * factor + offset for every `step`-th sample.
  void (*normalise_row)(const uint8_t* levels, int step, int count, float factor, float offset,
                        float* out) = nullptr;
  void (*pick_row)(const uint8_t* levels, int step, int count, uint8_t* out) = nullptr;
  // table.halves of every `step`-th sample.
  void (*halve_row)(const LevelTable& table, const uint8_t* levels, int step, int count,
                    uint16_t* out) = nullptr;
  // table.codes in place of the levels.
  void (*encode_row)(const LevelTable& table, int count, uint8_t* row) = nullptr;

  // Null: rows become pixels first.
  const FusedKernels* fused = nullptr;
};

// The kernels in use: the fastest ones this processor has, unless chosen.
const RowKernels& row_kernels();

// "scalar", "avx2", "avx512" or "neon" for the whole process; null or empty: the fastest. INTERNAL when there
// is no such kernel or this processor cannot run it.
Status choose_row_kernels(const char* name);

// What this processor can run, the scalar ones first; null behind the last.
const RowKernels* available_row_kernels(int index);

// Each in a file of its own; null where the compiler's target does not have it.
const RowKernels* scalar_row_kernels();
const RowKernels* avx2_row_kernels();
const RowKernels* avx512_row_kernels();
const RowKernels* neon_row_kernels();

}  // namespace vedette
