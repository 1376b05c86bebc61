#pragma once
#include "raw_to_tensor.h"

namespace vedette {

// A JPEG to a tensor as raw_to_tensor does it; `view` counts from the picture that its EXIF orientation
// makes upright. Rows are decoded as the tensor asks for them, unless it asks from below to above or for
// a quarter turn. Nothing of the region's surroundings is transformed back from frequencies.
// IMAGE_TOO_LARGE when it has more than `max_pixels` pixels and FRAME_INVALID, TENSOR_INVALID: nothing
// was decoded, no memory taken. IMAGE_CORRUPT when data is missing or damaged, with what was decoded up
// to there; `out` may hold rows of the picture then.
Status jpeg_to_tensor(const uint8_t* data, size_t size, uint64_t max_pixels, const ViewSpec& view,
                      const TensorSpec& spec, void* out, size_t out_bytes, Workspace& workspace,
                      Transform* transform, BarNote* bars = nullptr);

}  // namespace vedette
