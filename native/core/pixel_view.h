#pragma once
#include "status.h"
#include "yuv_coefficients.h"

namespace vedette {

// Order mirrored in native/index.ts (RAW_PIXEL_FORMATS of the contract), which says what each holds.
enum class PixelFormat : int {
  rgb24 = 0,
  bgr24,
  gray8,
  nv12,
  i420,
  yuyv,
  nv21,
  uyvy,
  rgba,
  bgra,
  mono10,
  mono12,
  mono16,
  mono10p,
  mono12p,
  mono10packed,
  mono12packed,
  bayer_rg8,
  bayer_gb8,
  bayer_gr8,
  bayer_bg8,
  // Only within the core: what a JPEG holds, full range, chroma whole or halved (PixelView).
  jpeg_planes = 100
};
// Those that come from outside.
constexpr int kPixelFormats = 21;
constexpr int kMaxPlanes = 3;
constexpr int kMaxSide = 65535;

const char* format_name(PixelFormat format);
int plane_count(PixelFormat format);

inline bool is_yuv(PixelFormat format) {
  return (format >= PixelFormat::nv12 && format <= PixelFormat::uyvy) ||
         format == PixelFormat::jpeg_planes;
}
// Grey levels of more than 8 bits.
inline bool is_mono(PixelFormat format) {
  return format >= PixelFormat::mono10 && format <= PixelFormat::mono12packed;
}
// Those whose pixels do not end with a byte.
inline bool is_packed_mono(PixelFormat format) {
  return format >= PixelFormat::mono10p && format <= PixelFormat::mono12packed;
}
inline bool is_gray(PixelFormat format) { return format == PixelFormat::gray8 || is_mono(format); }
inline bool is_bayer(PixelFormat format) {
  return format >= PixelFormat::bayer_rg8 && format <= PixelFormat::bayer_bg8;
}

// The highest grey level that a format holds.
int highest_level(PixelFormat format);

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
  // Packed mono without strides: the pixels of a row follow those of the row before, also within a byte.
  bool has_joined_rows = false;
  // YUV.
  YuvMatrix matrix = YuvMatrix::bt601;
  YuvRange range = YuvRange::limited;
  // Mono: the levels that become 0 and 255.
  int black = 0;
  int white = 255;
  // jpeg_planes: whether there is one chroma sample for two pixels of a row, for two rows.
  bool has_half_columns = false;
  bool has_half_rows = false;
  // jpeg_planes that are decoded while they are read, from above to below: ask `decoder` for a row
  // before looking at it. Rows of a plane that memory holds at a time (row r lies at r % kept_rows); 0:
  // all of them.
  JpegDecoder* decoder = nullptr;
  int kept_rows[kMaxPlanes] = {0, 0, 0};

  const YuvCoefficients& yuv() const {
    if (format == PixelFormat::jpeg_planes) return kYuvCoefficients[0][1];
    return kYuvCoefficients[static_cast<int>(matrix)][static_cast<int>(range)];
  }
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

// What a frame may say of its samples beside where they lie.
struct SampleMeaning {
  bool has_colour = false;
  YuvMatrix matrix = YuvMatrix::bt601;
  YuvRange range = YuvRange::limited;
  bool has_levels = false;
  int64_t black = 0;
  int64_t white = 0;
};

// FRAME_INVALID when the format has no such thing, or 0 <= black < white <= highest_level is not so.
Status check_meaning(PixelFormat format, const SampleMeaning& meaning);
// The same, and gives it to the view.
Status set_meaning(const SampleMeaning& meaning, PixelView* view);

}  // namespace vedette
