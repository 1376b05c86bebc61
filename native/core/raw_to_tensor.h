#pragma once
#include "fused_pass.h"
#include "resampler.h"

namespace vedette {

// Four corners in pixels of the upright picture, clockwise from the one that becomes the top left.
struct Quad {
  double x[4] = {0, 0, 0, 0};
  double y[4] = {0, 0, 0, 0};
};

// How a picture is looked at: a turn and a mirror that make it upright, then a region or a quad of that.
struct ViewSpec {
  Orientation orientation;
  bool has_region = false;
  int64_t region_x = 0, region_y = 0, region_width = 0, region_height = 0;
  bool has_quad = false;
  Quad quad;
};

// Memory that one thread reuses from frame to frame.
struct Workspace {
  UprightRows rows;
  Resampler resampler;
  FusedPass fused;
  LevelTables levels;
  Buffer<uint8_t> picture;
  // The pixels under a quad, and a row of its crop.
  Buffer<uint8_t> crop;
  Buffer<uint8_t> crop_row;
};

// Pixels to tensor: colour, turn, region, resize, normalise, layout. `out` holds `out_bytes` bytes.
// FRAME_INVALID: the region does not lie in the upright picture, or see check_quad. TENSOR_INVALID: see check_spec, or
// `out` is smaller than the tensor.
// `bars`, when given, is what the last call with the same `out` left there: bars that are in place are
// not written again. It says none while a call runs and when one fails.
Status raw_to_tensor(const PixelView& image, const ViewSpec& view, const TensorSpec& spec,
                     void* out, size_t out_bytes, Workspace& workspace, Transform* transform,
                     BarNote* bars = nullptr);

// What can be known before pixels are decoded, so that a bad request costs nothing. `region` is what is
// looked at of the upright picture.
Status check_request(int stored_width, int stored_height, const ViewSpec& view,
                     const TensorSpec& spec, size_t out_bytes, Region* region);

}  // namespace vedette
