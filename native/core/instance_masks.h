#pragma once
#include "mask_areas.h"

// Masks of instance segmentation: prototypes mixed by each detection's coefficients.

namespace vedette {

struct Prototypes {
  // [channels, height, width]
  const float* values = nullptr;
  size_t channels = 0;
  size_t width = 0;
  size_t height = 0;
};

struct MaskInput {
  // Of the model's input, over which the prototypes lie.
  size_t width = 0;
  size_t height = 0;
  // The part of it that shows the picture.
  CellBox within;
};

struct MaskWorkspace {
  AreaWorkspace areas;
  Buffer<float> lines;
  Buffer<int32_t> taps;
  Buffer<float> weights;
  Buffer<uint8_t> mask;
};

// The rule of Ultralytics' process_mask with upsampling, one detection at a time. The logit of a cell
// of the prototypes is the sum of coefficient * prototype; cells whose index does not lie within the
// box (x1, y1, x2, y2 in pixels of the input, scaled to cells: first <= index < end) are 0. The logits
// are enlarged to the input bilinearly by pixel centres (PyTorch's interpolate, align_corners false),
// and a pixel belongs to the mask when its value is greater than 0, a sigmoid of 0.5. The areas of the
// mask inside `input.within` are appended to `list` as list_areas has it, in pixels of the input.
// All arithmetic is in single precision, sums one prototype after the other.
Status list_mask_areas(const Prototypes& prototypes, const MaskInput& input, const float* box,
                       const float* coefficients, const AreaLimits& limits,
                       MaskWorkspace& workspace, NumberList* list);

// TENSOR_INVALID unless sizes fit together.
Status check_prototypes(const Prototypes& prototypes, size_t count, const MaskInput& input);

}  // namespace vedette
