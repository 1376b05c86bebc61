#include "pixel_view.h"

namespace vedette {

const char* format_name(PixelFormat format) {
  if (format == PixelFormat::jpeg_planes) return "JPEG";
  static const char* const names[] = {"rgb24", "bgr24", "gray8", "nv12", "i420", "yuyv"};
  return names[static_cast<int>(format)];
}

int plane_count(PixelFormat format) {
  switch (format) {
    case PixelFormat::nv12: return 2;
    case PixelFormat::i420:
    case PixelFormat::jpeg_planes: return 3;
    default: return 1;
  }
}

size_t plane_row_bytes(PixelFormat format, int plane, int width) {
  const size_t w = static_cast<size_t>(width);
  const size_t half = (w + 1) / 2;
  switch (format) {
    case PixelFormat::rgb24:
    case PixelFormat::bgr24: return w * 3;
    case PixelFormat::gray8:
    case PixelFormat::jpeg_planes: return w;
    case PixelFormat::nv12: return plane == 0 ? w : half * 2;
    case PixelFormat::i420: return plane == 0 ? w : half;
    case PixelFormat::yuyv: return half * 4;
  }
  return 0;
}

size_t plane_rows(PixelFormat format, int plane, int height) {
  const size_t h = static_cast<size_t>(height);
  const bool is_chroma = plane > 0 && (format == PixelFormat::nv12 || format == PixelFormat::i420);
  return is_chroma ? (h + 1) / 2 : h;
}

Status make_pixel_view(const uint8_t* data, size_t size, int64_t width, int64_t height,
                       PixelFormat format, const int64_t* strides, int stride_count,
                       PixelView* out) {
  if (width < 1 || width > kMaxSide || height < 1 || height > kMaxSide) {
    return fail(Code::frame_invalid, "width and height must be 1 to %d, got %lld x %lld", kMaxSide,
                static_cast<long long>(width), static_cast<long long>(height));
  }
  const int planes = plane_count(format);
  if (stride_count != 0 && stride_count != planes) {
    return fail(Code::frame_invalid, "%s has %d planes, got %d strides", format_name(format),
                planes, stride_count);
  }
  out->format = format;
  out->width = static_cast<int>(width);
  out->height = static_cast<int>(height);
  size_t offset = 0;
  for (int plane = 0; plane < planes; plane++) {
    const size_t row_bytes = plane_row_bytes(format, plane, out->width);
    const size_t rows = plane_rows(format, plane, out->height);
    size_t stride = row_bytes;
    if (stride_count != 0) {
      if (strides[plane] < 0 || static_cast<uint64_t>(strides[plane]) < row_bytes) {
        return fail(Code::frame_invalid,
                    "stride of plane %d must be at least %zu bytes (%s, width %d), got %lld", plane,
                    row_bytes, format_name(format), out->width,
                    static_cast<long long>(strides[plane]));
      }
      stride = static_cast<size_t>(strides[plane]);
    }
    size_t used, end, next;
    if (!multiply(stride, rows - 1, &used) || !add(used, row_bytes, &used) ||
        !add(offset, used, &end) || !multiply(stride, rows, &next) || !add(offset, next, &next)) {
      return fail(Code::frame_invalid, "stride %zu of plane %d is too large", stride, plane);
    }
    if (end > size) {
      return fail(Code::frame_invalid, "%s %dx%d needs %zu bytes up to plane %d, got %zu",
                  format_name(format), out->width, out->height, end, plane, size);
    }
    out->planes[plane] = data + offset;
    out->strides[plane] = stride;
    offset = next;
  }
  return {};
}

}  // namespace vedette
