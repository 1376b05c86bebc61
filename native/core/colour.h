#pragma once
#include "pixel_view.h"

namespace vedette {

// Pixels [x, x + count) of stored row y as packed RGB, three bytes each. Chroma
// samples are repeated for every pixel that shares them, as OpenCV's cvtColor
// does.
void read_rgb(const PixelView& view, int y, int x, int count, uint8_t* out);
// The same as grey levels, one byte each; colour becomes RGB first.
void read_gray(const PixelView& view, int y, int x, int count, uint8_t* out);

// One chroma sample for each of the pixels [x, x + count) of row y of
// jpeg_planes, with libjpeg's triangle filter ("fancy upsampling") where chroma
// is halved.
void read_chroma(const PixelView& view, int plane, int y, int x, int count, uint8_t* out);

// The same for pixels 2 * first to 2 * (first + count) - 1 of a picture whose
// columns are halved; a pair of pixels is one number, the left one in its lower
// byte.
void read_chroma_pairs(const PixelView& view, int plane, int y, int first, int count,
                       uint16_t* pairs);

}  // namespace vedette
