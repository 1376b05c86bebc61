#pragma once
#include <random>

#include "../core/raw_to_tensor.h"
#include "exact_memory.h"

// Frames, views and tensors by chance, in memory of exactly their size.
namespace random_frame {

using namespace vedette;

class Random {
 public:
  explicit Random(unsigned seed) : source_(seed) {}
  // 0 to limit - 1
  int below(int limit) { return static_cast<int>(source_() % static_cast<unsigned>(limit)); }

 private:
  std::mt19937 source_;
};

inline size_t frame_bytes(PixelFormat format, int width, int height, int extra, int64_t* strides) {
  size_t total = 0;
  for (int plane = 0; plane < plane_count(format); plane++) {
    strides[plane] = static_cast<int64_t>(plane_row_bytes(format, plane, width)) + extra;
    const size_t rows = plane_rows(format, plane, height);
    const bool is_last = plane == plane_count(format) - 1;
    // The last row needs no padding behind it.
    total += static_cast<size_t>(strides[plane]) * (rows - (is_last ? 1 : 0));
    if (is_last) total += plane_row_bytes(format, plane, width);
  }
  return total;
}

inline ViewSpec view_of(Random& random, int width, int height) {
  ViewSpec view;
  view.orientation = {random.below(4), random.below(2) == 1};
  const bool is_turned = view.orientation.is_transposed();
  const int upright_width = is_turned ? height : width;
  const int upright_height = is_turned ? width : height;
  view.has_region = random.below(2) == 1;
  view.region_x = random.below(upright_width);
  view.region_y = random.below(upright_height);
  view.region_width = 1 + random.below(upright_width - static_cast<int>(view.region_x));
  view.region_height = 1 + random.below(upright_height - static_cast<int>(view.region_y));
  return view;
}

inline TensorSpec tensor_of(Random& random, int largest_side) {
  TensorSpec spec;
  spec.width = 1 + random.below(largest_side);
  spec.height = 1 + random.below(50);
  spec.layout = static_cast<Layout>(random.below(2));
  spec.dtype = static_cast<Dtype>(random.below(2));
  spec.colour_order = static_cast<ColourOrder>(random.below(3));
  spec.resize = static_cast<Resize>(random.below(3));
  spec.interpolation = static_cast<Interpolation>(random.below(5));
  return spec;
}

inline size_t tensor_bytes(const TensorSpec& spec) {
  const size_t elements = static_cast<size_t>(spec.width * spec.height * spec.channels());
  return elements * (spec.dtype == Dtype::float32 ? sizeof(float) : 1);
}

}  // namespace random_frame
