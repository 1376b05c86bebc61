#pragma once
#include "pixel_view.h"

// Rows as industrial cameras send them (GenICam's Pixel Format Naming Convention and GigE Vision).

namespace vedette {

// Pixels [x, x + count) of stored row y of a mono format as grey levels: `black` and below 0, `white`
// and above 255, linear in between, rounded.
void read_mono(const PixelView& view, int y, int x, int count, uint8_t* out);

// The same of a Bayer format as packed RGB. A pixel on the border takes the colour of the nearest one
// that is not, as OpenCV does; where a side has two pixels, and so none that is not, the neighbours
// beyond the border are those on the other side of the pixel.
void read_bayer(const PixelView& view, int y, int x, int count, uint8_t* out);

}  // namespace vedette
