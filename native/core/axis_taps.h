#pragma once
#include "buffer.h"
#include "geometry.h"

namespace vedette {

// Two neighbours and a weight in 2^15 for each output position of an axis; weight 0 is the first
// neighbour alone. Also serves `nearest`, which has only first neighbours.
struct LinearTaps {
  Buffer<int32_t> near;
  Buffer<int32_t> far;
  Buffer<int16_t> weight;
};

// Weights of `area` have so many bits unless an axis shrinks very much.
constexpr int kNarrowAreaBits = 15;

// Of up to so many rows `area` rounds each one's share by itself.
constexpr int kMostShares = 16;

// Any number of neighbours with weights that sum up to 2^bits.
struct FilterTaps {
  Buffer<int32_t> start;
  Buffer<int32_t> length;
  Buffer<int32_t> weights;  // `widest` for each output position
  int widest = 0;
  int longest = 0;
  int bits = 0;

  const int32_t* weights_at(int position) const {
    return weights.data() + static_cast<size_t>(position) * static_cast<size_t>(widest);
  }
};

enum class LinearRule {
  pixel_centres,  // OpenCV INTER_LINEAR
  area_enlarged,  // what OpenCV INTER_AREA does when either axis is enlarged
  nearest,        // the pixel under the centre of the output pixel
};

enum class FilterRule {
  area,      // OpenCV INTER_AREA, the axis being reduced
  triangle,  // Pillow BILINEAR
  cubic,     // Pillow BICUBIC, a = -0.5
};

// Whether every output pixel comes of at most two neighbours on each axis, and by which rule.
bool two_neighbours(const Fit& fit, Interpolation interpolation, LinearRule* rule);

bool same_axis(const AxisFit& a, const AxisFit& b);

Status linear_taps(const AxisFit& fit, LinearRule rule, LinearTaps* out);
Status filter_taps(const AxisFit& fit, FilterRule rule, FilterTaps* out);

}  // namespace vedette
