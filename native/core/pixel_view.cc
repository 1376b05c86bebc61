#include "pixel_view.h"

namespace vedette {

const char* format_name(PixelFormat format) {
  if (format == PixelFormat::jpeg_planes) return "JPEG";
  static const char* const names[kPixelFormats] = {
      "rgb24",   "bgr24",        "gray8",        "nv12",     "i420",     "yuyv",     "nv21",
      "uyvy",    "rgba",         "bgra",         "mono10",   "mono12",   "mono16",   "mono10p",
      "mono12p", "mono10packed", "mono12packed", "bayerrg8", "bayergb8", "bayergr8", "bayerbg8"};
  return names[static_cast<int>(format)];
}

int plane_count(PixelFormat format) {
  switch (format) {
    case PixelFormat::nv12:
    case PixelFormat::nv21: return 2;
    case PixelFormat::i420:
    case PixelFormat::jpeg_planes: return 3;
    default: return 1;
  }
}

int highest_level(PixelFormat format) {
  switch (format) {
    case PixelFormat::mono10:
    case PixelFormat::mono10p:
    case PixelFormat::mono10packed: return 1023;
    case PixelFormat::mono12:
    case PixelFormat::mono12p:
    case PixelFormat::mono12packed: return 4095;
    case PixelFormat::mono16: return 65535;
    default: return 255;
  }
}

namespace {

// Bytes of a run of pixels of packed mono.
size_t packed_bytes(PixelFormat format, size_t pixels) {
  switch (format) {
    case PixelFormat::mono10p: return pixels / 4 * 5 + (pixels % 4 * 10 + 7) / 8;
    // Two pixels in three bytes, a single one in two.
    default: return pixels / 2 * 3 + pixels % 2 * 2;
  }
}

}  // namespace

size_t plane_row_bytes(PixelFormat format, int plane, int width) {
  const size_t w = static_cast<size_t>(width);
  const size_t half = (w + 1) / 2;
  switch (format) {
    case PixelFormat::rgb24:
    case PixelFormat::bgr24: return w * 3;
    case PixelFormat::rgba:
    case PixelFormat::bgra: return w * 4;
    case PixelFormat::gray8:
    case PixelFormat::bayer_rg8:
    case PixelFormat::bayer_gb8:
    case PixelFormat::bayer_gr8:
    case PixelFormat::bayer_bg8:
    case PixelFormat::jpeg_planes: return w;
    case PixelFormat::nv12:
    case PixelFormat::nv21: return plane == 0 ? w : half * 2;
    case PixelFormat::i420: return plane == 0 ? w : half;
    case PixelFormat::yuyv:
    case PixelFormat::uyvy: return half * 4;
    case PixelFormat::mono10:
    case PixelFormat::mono12:
    case PixelFormat::mono16: return w * 2;
    case PixelFormat::mono10p:
    case PixelFormat::mono12p:
    case PixelFormat::mono10packed:
    case PixelFormat::mono12packed: return packed_bytes(format, w);
  }
  return 0;
}

size_t plane_rows(PixelFormat format, int plane, int height) {
  const size_t h = static_cast<size_t>(height);
  const bool is_halved =
      format == PixelFormat::nv12 || format == PixelFormat::nv21 || format == PixelFormat::i420;
  return plane > 0 && is_halved ? (h + 1) / 2 : h;
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
  if (is_bayer(format) && (width < 2 || height < 2)) {
    return fail(Code::frame_invalid, "a Bayer picture has at least 2x2 pixels, got %lldx%lld",
                static_cast<long long>(width), static_cast<long long>(height));
  }
  *out = {};
  out->format = format;
  out->width = static_cast<int>(width);
  out->height = static_cast<int>(height);
  out->white = highest_level(format);
  if (is_packed_mono(format) && stride_count == 0) {
    const size_t bytes =
        packed_bytes(format, static_cast<size_t>(width) * static_cast<size_t>(height));
    out->planes[0] = data;
    out->has_joined_rows = true;
    if (bytes <= size) return {};
    return fail(Code::frame_invalid, "%s %dx%d needs %zu bytes, got %zu", format_name(format),
                out->width, out->height, bytes, size);
  }
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

Status check_meaning(PixelFormat format, const SampleMeaning& meaning) {
  if (meaning.has_colour && !(is_yuv(format) && static_cast<int>(format) < kPixelFormats)) {
    return fail(Code::frame_invalid,
                "colour (matrix and range) is for nv12, nv21, i420, yuyv and uyvy; %s has none",
                format_name(format));
  }
  if (!meaning.has_levels) return {};
  if (!is_mono(format)) {
    return fail(Code::frame_invalid, "levels (black and white) are for mono formats; %s has none",
                format_name(format));
  }
  if (meaning.black < 0 || meaning.white <= meaning.black ||
      meaning.white > highest_level(format)) {
    return fail(Code::frame_invalid,
                "levels of %s must be 0 <= black < white <= %d, got black %lld and white %lld",
                format_name(format), highest_level(format), static_cast<long long>(meaning.black),
                static_cast<long long>(meaning.white));
  }
  return {};
}

Status set_meaning(const SampleMeaning& meaning, PixelView* view) {
  const Status status = check_meaning(view->format, meaning);
  if (!status.ok()) return status;
  if (meaning.has_colour) {
    view->matrix = meaning.matrix;
    view->range = meaning.range;
  }
  if (meaning.has_levels) {
    view->black = static_cast<int>(meaning.black);
    view->white = static_cast<int>(meaning.white);
  }
  return {};
}

}  // namespace vedette
