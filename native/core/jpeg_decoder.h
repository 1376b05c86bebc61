#pragma once
#include "buffer.h"
#include "orientation.h"
#include "pixel_view.h"

namespace vedette {

struct JpegPicture {
  // jpeg_planes where the JPEG holds YCbCr as nearly all do, gray8 for a grayscale one, else rgb24;
  // lies in the caller's buffer.
  PixelView view;
  Orientation orientation;
};

struct JpegInfo {
  int width = 0;
  int height = 0;
  Orientation orientation;
};

// Called when the header is read and no memory for pixels has been taken yet.
using JpegGate = Status (*)(const JpegInfo& info, void* context);

// Baseline and progressive, grayscale, YCbCr, RGB, CMYK and YCCK (Adobe's inverted kind too; plain
// arithmetic, ICC profiles are not applied).
// IMAGE_TOO_LARGE before anything is decoded when width * height > max_pixels. IMAGE_CORRUPT when
// data is missing or damaged; the message says how much was decoded.
Status decode_jpeg(const uint8_t* data, size_t size, uint64_t max_pixels, JpegGate gate,
                   void* gate_context, Buffer<uint8_t>& pixels, JpegPicture* out);

}  // namespace vedette
