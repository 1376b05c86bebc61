#pragma once
#include "status.h"

namespace vedette {

// Order mirrored in native/index.ts (RAW_PIXEL_FORMATS of the contract).
enum class PixelFormat : int {
  rgb24 = 0,
  bgr24,
  gray8,
  nv12,
  i420,
  yuyv,
  // Only within the core: what a JPEG holds, full range, chroma whole or halved (PixelView).
  jpeg_planes = 100
};
// Those that come from outside.
constexpr int kPixelFormats = 6;
constexpr int kMaxPlanes = 3;
constexpr int kMaxSide = 65535;

const char* format_name(PixelFormat format);
int plane_count(PixelFormat format);

// Bytes that a row of a plane really uses, and how many rows the plane has.
size_t plane_row_bytes(PixelFormat format, int plane, int width);
size_t plane_rows(PixelFormat format, int plane, int height);

class JpegDecoder;

// Raw pixels somewhere in memory; never owns them.
struct PixelView {
  const uint8_t* planes[kMaxPlanes] = {nullptr, nullptr, nullptr};
  size_t strides[kMaxPlanes] = {0, 0, 0};
  int width = 0;
  int height = 0;
  PixelFormat format = PixelFormat::rgb24;
  // jpeg_planes: whether there is one chroma sample for two pixels of a row, for two rows.
  bool has_half_columns = false;
  bool has_half_rows = false;
  // jpeg_planes that are decoded while they are read, from above to below: ask `decoder` for a row
  // before looking at it. Rows of a plane that memory holds at a time (row r lies at r % kept_rows); 0:
  // all of them.
  JpegDecoder* decoder = nullptr;
  int kept_rows[kMaxPlanes] = {0, 0, 0};
};

inline const uint8_t* plane_row(const PixelView& view, int plane, int row) {
  const int kept = view.kept_rows[plane];
  return view.planes[plane] +
         static_cast<size_t>(kept == 0 ? row : row % kept) * view.strides[plane];
}

// Checks that the planes, back to back with these strides (none: packed rows), lie within `size`
// bytes. FRAME_INVALID names what does not fit.
Status make_pixel_view(const uint8_t* data, size_t size, int64_t width, int64_t height,
                       PixelFormat format, const int64_t* strides, int stride_count,
                       PixelView* out);

}  // namespace vedette
