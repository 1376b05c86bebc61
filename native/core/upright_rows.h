#pragma once
#include "buffer.h"
#include "geometry.h"
#include "pixel_view.h"

namespace vedette {

// Rows of a region of the upright picture, one at a time, as packed RGB or grey bytes. Stored pixels
// are read in bands so that a quarter turn does not walk down a column for every row.
class UprightRows {
 public:
  // `channels` is 3 (RGB) or 1 (grey). The region must lie within the upright picture.
  Status open(const PixelView& view, Orientation orientation, const Region& region, int channels);

  // Row `v` of the region: width * channels bytes, valid until the next call. Black when the picture
  // is decoded on the way and its data is damaged, which fault() tells from then on.
  const uint8_t* row(int v);
  const Status& fault() const { return fault_; }

 private:
  void read_straight(int v, uint8_t* out);
  void read_band(int first);

  static constexpr int kBandRows = 64;
  PixelView view_;
  PixelMap map_{};
  Region region_{};
  int channels_ = 3;
  int band_first_ = -1;
  int band_rows_ = 0;
  bool is_transposed_ = false;
  bool is_direct_ = false;
  Buffer<uint8_t> band_;
  Status fault_;
};

}  // namespace vedette
