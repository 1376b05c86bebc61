#pragma once
#include "raw_to_tensor.h"

namespace vedette {

// Refuses what no rectangle can be seen as: FRAME_INVALID unless the corners are finite, go clockwise,
// each side is a pixel long at least, each corner bends by a sine of 0.01 at least, and some of it lies
// in the upright picture of this size.
Status check_quad(const Quad& quad, int width, int height);

// The rectangle that a quad becomes: as wide as the longer of its upper and lower side, as high as the
// longer of the others, in whole pixels, halves to even, at least 1.
Region crop_of(const Quad& quad);

// The pixels of an upright picture of this size that samples of the quad can touch.
Region pixels_under(const Quad& quad, int width, int height);

// The homography of that rectangle onto the quad, row by row: X = (m0 x + m1 y + m2) / w, Y = (m3 x +
// m4 y + m5) / w, w = m6 x + m7 y + 1 (P. Heckbert 1989, square to quadrilateral).
void perspective_of(const Quad& quad, const Region& crop, double* matrix);

// Samples the quad for every pixel of the fitted crop in one pass: the pixel's centre is led to the
// picture, where the four nearest centres are mixed bilinearly in 64-bit floating point and rounded to
// a whole grey level, halves up. Beyond the picture its edge pixels go on. There is no other kernel:
// crops are small.
Status write_quad(const PixelView& image, Orientation orientation, const Quad& quad, const Fit& fit,
                  const Region& pixels, int channels, Workspace& workspace, TensorWriter& writer);

}  // namespace vedette
