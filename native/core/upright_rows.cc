#include "upright_rows.h"

#include <algorithm>
#include <cstring>

#include "colour.h"
#include "jpeg_decoder.h"

namespace vedette {

Status UprightRows::open(const PixelView& view, Orientation orientation, const Region& region,
                         int channels) {
  view_ = view;
  region_ = region;
  channels_ = channels;
  map_ = upright_to_stored(orientation, view.width, view.height);
  is_transposed_ = orientation.is_transposed();
  is_direct_ = !is_transposed_ && map_.xu == 1 &&
               view.format == (channels == 3 ? PixelFormat::rgb24 : PixelFormat::gray8);
  band_first_ = -1;
  fault_ = {};
  band_rows_ = is_transposed_ ? std::min(kBandRows, region.height) : 1;
  const size_t bytes =
      static_cast<size_t>(region.width) * static_cast<size_t>(channels * band_rows_);
  if (!is_direct_ && !band_.reserve(bytes)) return out_of_memory(bytes);
  return {};
}

const uint8_t* UprightRows::row(int v) {
  const size_t row_bytes = static_cast<size_t>(region_.width) * static_cast<size_t>(channels_);
  if (is_direct_) {
    const size_t y = static_cast<size_t>(map_.y0 + (region_.y + v) * map_.yv);
    return view_.planes[0] + y * view_.strides[0] + static_cast<size_t>(region_.x * channels_);
  }
  const bool is_cached = band_first_ >= 0 && v >= band_first_ && v < band_first_ + band_rows_;
  if (!is_cached) {
    // A band never reaches past the region, so that every row of it exists.
    band_first_ = std::min(v, region_.height - band_rows_);
    if (is_transposed_) {
      read_band(band_first_);
    } else {
      read_straight(v, band_.data());
    }
  }
  return band_.data() + row_bytes * static_cast<size_t>(v - band_first_);
}

void UprightRows::read_straight(int v, uint8_t* out) {
  const int y = map_.y0 + (region_.y + v) * map_.yv;
  if (view_.decoder != nullptr && !view_.decoder->reach(y)) {
    if (fault_.ok()) fault_ = view_.decoder->fault();
    std::memset(out, 0, static_cast<size_t>(region_.width) * static_cast<size_t>(channels_));
    return;
  }
  const bool is_reversed = map_.xu < 0;
  const int x = is_reversed ? map_.x0 - (region_.x + region_.width - 1) : region_.x;
  if (channels_ == 1) {
    read_gray(view_, y, x, region_.width, out);
    if (is_reversed) std::reverse(out, out + region_.width);
    return;
  }
  read_rgb(view_, y, x, region_.width, out);
  if (!is_reversed) return;
  uint8_t* left = out;
  uint8_t* right = out + static_cast<size_t>(region_.width - 1) * 3;
  for (; left < right; left += 3, right -= 3) std::swap_ranges(left, left + 3, right);
}

// Upright rows of a turned picture are stored columns: each stored row gives one pixel of every row
// of the band.
void UprightRows::read_band(int first) {
  const size_t row_bytes = static_cast<size_t>(region_.width) * static_cast<size_t>(channels_);
  const int column_a = map_.x0 + (region_.y + first) * map_.xv;
  const int column_b = map_.x0 + (region_.y + first + band_rows_ - 1) * map_.xv;
  const int x = std::min(column_a, column_b);
  uint8_t span[kBandRows * 3];
  for (int u = 0; u < region_.width; u++) {
    const int y = map_.y0 + (region_.x + u) * map_.yu;
    uint8_t* out = band_.data() + static_cast<size_t>(u * channels_);
    if (channels_ == 1) {
      read_gray(view_, y, x, band_rows_, span);
    } else {
      read_rgb(view_, y, x, band_rows_, span);
    }
    for (int i = 0; i < band_rows_; i++) {
      const uint8_t* pixel = span + (map_.xv > 0 ? i : band_rows_ - 1 - i) * channels_;
      uint8_t* to = out + row_bytes * static_cast<size_t>(i);
      for (int c = 0; c < channels_; c++) to[c] = pixel[c];
    }
  }
}

}  // namespace vedette
