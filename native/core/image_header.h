#pragma once
#include "orientation.h"
#include "status.h"

namespace vedette {

// Order mirrored in native/index.ts (ENCODED_FORMATS of the contract).
enum class EncodedFormat : int { jpeg = 0, png, webp, tiff };

struct ImageHeader {
  EncodedFormat format = EncodedFormat::jpeg;
  int64_t width = 0;
  int64_t height = 0;
  Orientation orientation;
};

// Reads format, size and EXIF orientation from the first bytes that tell them; decodes nothing. Only
// the bytes decide, never a file name. IMAGE_FORMAT_UNSUPPORTED when no known signature is there,
// IMAGE_CORRUPT when the header is cut short or contradicts itself.
Status read_image_header(const uint8_t* data, size_t size, ImageHeader* out);

// Orientation tag of a TIFF structure (the payload of EXIF); 1 when absent or damaged.
int exif_orientation(const uint8_t* tiff, size_t size);

}  // namespace vedette
