#pragma once
#include "fused_pass.h"
#include "resampler.h"

namespace vedette {

// How a picture is looked at: a turn and a mirror that make it upright, then a region of that.
struct ViewSpec {
  Orientation orientation;
  bool has_region = false;
  int64_t region_x = 0, region_y = 0, region_width = 0, region_height = 0;
};

// Memory that one thread reuses from frame to frame.
struct Workspace {
  UprightRows rows;
  Resampler resampler;
  FusedPass fused;
  LevelTables levels;
  Buffer<uint8_t> picture;
};

// Pixels to tensor: colour, turn, region, resize, normalise, layout. `out` holds `out_bytes` bytes.
// FRAME_INVALID: the region does not lie in the upright picture. TENSOR_INVALID: see check_spec, or
// `out` is smaller than the tensor.
// `bars`, when given, is what the last call with the same `out` left there: bars that are in place are
// not written again. It says none while a call runs and when one fails.
Status raw_to_tensor(const PixelView& image, const ViewSpec& view, const TensorSpec& spec,
                     void* out, size_t out_bytes, Workspace& workspace, Transform* transform,
                     BarNote* bars = nullptr);

// What can be known before pixels are decoded, so that a bad request costs nothing.
Status check_request(int stored_width, int stored_height, const ViewSpec& view,
                     const TensorSpec& spec, size_t out_bytes, Region* region);

}  // namespace vedette
