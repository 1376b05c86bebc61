#pragma once
#include "axis_taps.h"
#include "gather_tables.h"
#include "orientation.h"
#include "tensor_writer.h"

namespace vedette {

// The short way from colour pixels to a tensor, for resizes with two neighbours
// on each axis, for `area`, and for pictures that need no quarter turn: only
// the source pixels that the tensor needs are looked at, and no row of packed
// pixels exists in between. Its results are those of Resampler to the bit.
// Keeps its tables for the next frame of the same geometry.
class FusedPass {
 public:
  // *is_ready is false when this picture has to take the long way.
  Status prepare(const PixelView& image, Orientation orientation, const Region& region,
                 const Fit& fit, Interpolation interpolation, bool* is_ready);

  // The picture that was prepared, or one of the same format and size.
  // IMAGE_CORRUPT when it is decoded on the way and its data is damaged.
  Status run(const PixelView& image, TensorWriter& writer);

 private:
  struct Key {
    const FusedKernels* kernels = nullptr;
    PixelFormat format = PixelFormat::gray8;
    int width = 0;
    int x = 0;
    int direction = 0;
    Interpolation interpolation = Interpolation::nearest;
    Fit fit{};

    bool operator==(const Key& other) const;
  };

  Status build(const Key& key, const Region& region, const PixelMap& map);
  Status build_columns(const Key& key, const AxisFit& columns, LinearRule rule,
                       const Region& region, const PixelMap& map);
  bool find_pairs(const Key& key);
  Status build_area(const Key& key);
  Status reserve(const Key& key);
  Status run_linear(const PixelView& image, TensorWriter& writer);
  Status run_area(const PixelView& image, TensorWriter& writer);
  const uint8_t* chroma_row(const PixelView& image, int plane, int y);
  void sum_pairs(const PixelView& image, int y, int16_t* sum);
  bool sum_lines(const PixelView& image, int y, int16_t* sum);
  bool widen(const PixelView& image, int source_row, int16_t* lines);

  Key key_;
  bool is_possible_ = false;
  int first_row_ = 0;
  int row_direction_ = 1;
  GatherPlan plan_;
  LinearTaps taps_x_, taps_y_;
  // For `area`, whose rows and columns are sums of many; `plan_` then takes
  // every column.
  bool is_area_ = false;
  FilterTaps area_x_, area_y_;
  bool has_pairs_ = false;
  // The even stored column with which a row of pairs begins, and samples of a line.
  int pair_column_ = 0;
  size_t line_pitch_ = 0;
  int widened_end_ = 0;
  Buffer<PairRow> pair_rows_;
  NarrowTables narrow_;
  GatherBuffer pairs_[NarrowTables::kMostPairs];
  Buffer<int16_t> pair_weights_, row_weights_;
  Buffer<int32_t> positions_;
  Buffer<const int16_t*> row_lines_;
  Buffer<int16_t> lines_;
  Buffer<float> scratch_;
  // Two rows of chroma, a sample for each pixel, as pairs.
  Buffer<uint16_t> chroma_;
  // The pairs [first, end) of a row that the tensor needs.
  int first_pair_ = 0;
  int end_pair_ = 0;
};

}  // namespace vedette
