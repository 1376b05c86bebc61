#include "colour.h"

#include <algorithm>
#include <cstring>

#include "row_kernels.h"
#include "sensor_rows.h"

namespace vedette {
namespace {

constexpr int kSpan = 512;

// Spreads subsampled pixels to one luma and one chroma pair each, a span at a
// time. `x` becomes even first, so that a span begins with a pair.
template <typename LumaAt, typename CbAt, typename CrAt>
inline void read_subsampled(const YuvCoefficients& yuv, int x, int count, uint8_t* out,
                            LumaAt luma_at, CbAt cb_at, CrAt cr_at) {
  uint8_t luma[kSpan], cb[kSpan], cr[kSpan];
  const int end = x + count;
  while (x < end) {
    const int span = (x & 1) != 0 ? 1 : std::min(kSpan, end - x);
    const int pair = x / 2;
    const int pairs = (span + 1) / 2;
    for (int i = 0; i < span; i++) luma[i] = luma_at(x + i);
    // An odd span writes one sample more, which fits because kSpan is even.
    for (int i = 0; i < pairs; i++) {
      cb[i * 2] = cb[i * 2 + 1] = cb_at(pair + i);
      cr[i * 2] = cr[i * 2 + 1] = cr_at(pair + i);
    }
    row_kernels().yuv_to_rgb(luma, cb, cr, yuv, span, out);
    x += span;
    out += span * 3;
  }
}

// A chroma row with its neighbour row mixed in where rows are halved: `count`
// samples from `first` on, as if the first and last one went on for ever.
void mix_chroma(const PixelView& view, int plane, int y, int first, int count, int16_t* out) {
  const int width = view.has_half_columns ? (view.width + 1) / 2 : view.width;
  const int height = view.has_half_rows ? (view.height + 1) / 2 : view.height;
  const int own = view.has_half_rows ? y / 2 : y;
  const int other = std::clamp((y & 1) != 0 ? own + 1 : own - 1, 0, height - 1);
  const uint8_t* const near = plane_row(view, plane, own);
  const uint8_t* const far = plane_row(view, plane, other);
  const int from = std::max(first, 0);
  const int end = std::min(first + count, width);
  int16_t* const inner = out + (from - first);
  if (view.has_half_rows) {
    row_kernels().mix_rows(near + from, far + from, end - from, inner);
  } else {
    for (int i = from; i < end; i++) inner[i - from] = near[i];
  }
  std::fill(out, inner, inner[0]);
  std::fill(inner + (end - from), out + count, inner[end - from - 1]);
}

// Pixels of kBytes bytes, whose red lies at kRed and whose blue at 2 - kRed.
template <int kBytes, int kRed>
void pick_channels(const uint8_t* __restrict in, int count, uint8_t* __restrict out) {
  for (int i = 0; i < count; i++) {
    out[i * 3] = in[i * kBytes + kRed];
    out[i * 3 + 1] = in[i * kBytes + 1];
    out[i * 3 + 2] = in[i * kBytes + 2 - kRed];
  }
}

void read_jpeg_planes(const PixelView& view, int y, int x, int count, uint8_t* out) {
  uint8_t cb[kSpan], cr[kSpan];
  const uint8_t* const luma = plane_row(view, 0, y);
  for (int done = 0; done < count; done += kSpan) {
    const int span = std::min(kSpan, count - done);
    read_chroma(view, 1, y, x + done, span, cb);
    read_chroma(view, 2, y, x + done, span, cr);
    row_kernels().yuv_to_rgb(luma + x + done, cb, cr, view.yuv(), span,
                             out + static_cast<size_t>(done) * 3);
  }
}

}  // namespace

void read_chroma(const PixelView& view, int plane, int y, int x, int count, uint8_t* out) {
  if (!view.has_half_columns) {
    std::memcpy(out, plane_row(view, plane, y) + x, static_cast<size_t>(count));
    return;
  }
  uint16_t pairs[kSpan / 2 + 1];
  for (const int end = x + count; x < end;) {
    const int span = std::min(kSpan, end - x);
    const int first = x / 2;
    read_chroma_pairs(view, plane, y, first, (x + span + 1) / 2 - first, pairs);
    std::memcpy(out, reinterpret_cast<const uint8_t*>(pairs) + (x & 1), static_cast<size_t>(span));
    x += span;
    out += span;
  }
}

void read_chroma_pairs(const PixelView& view, int plane, int y, int first, int count,
                       uint16_t* pairs) {
  constexpr int kPairs = 1024;
  const RowKernels& kernels = row_kernels();
  const int shift = view.has_half_rows ? 4 : 2;
  int16_t mixed[kPairs + 2];
  for (const int end = first + count; first < end; first += kPairs, pairs += kPairs) {
    const int span = std::min(kPairs, end - first);
    mix_chroma(view, plane, y, first - 1, span + 2, mixed);
    kernels.double_row(mixed + 1, shift, span, pairs);
  }
}

void read_rgb(const PixelView& view, int y, int x, int count, uint8_t* out) {
  const size_t row = static_cast<size_t>(y);
  const uint8_t* const first = view.planes[0] + row * view.strides[0];
  const YuvCoefficients& yuv = view.yuv();
  switch (view.format) {
    case PixelFormat::rgb24:
      std::memcpy(out, first + static_cast<size_t>(x) * 3, static_cast<size_t>(count) * 3);
      return;
    case PixelFormat::bgr24:
      return pick_channels<3, 2>(first + static_cast<size_t>(x) * 3, count, out);
    case PixelFormat::rgba:
      return pick_channels<4, 0>(first + static_cast<size_t>(x) * 4, count, out);
    case PixelFormat::bgra:
      return pick_channels<4, 2>(first + static_cast<size_t>(x) * 4, count, out);
    case PixelFormat::jpeg_planes: return read_jpeg_planes(view, y, x, count, out);
    case PixelFormat::nv12:
    case PixelFormat::nv21: {
      const uint8_t* const chroma = view.planes[1] + row / 2 * view.strides[1];
      const uint8_t* const cb = chroma + (view.format == PixelFormat::nv12 ? 0 : 1);
      const uint8_t* const cr = chroma + (view.format == PixelFormat::nv12 ? 1 : 0);
      return read_subsampled(
          yuv, x, count, out, [first](int at) { return first[at]; },
          [cb](int pair) { return cb[pair * 2]; }, [cr](int pair) { return cr[pair * 2]; });
    }
    case PixelFormat::i420: {
      const uint8_t* const cb = view.planes[1] + row / 2 * view.strides[1];
      const uint8_t* const cr = view.planes[2] + row / 2 * view.strides[2];
      return read_subsampled(
          yuv, x, count, out, [first](int at) { return first[at]; },
          [cb](int pair) { return cb[pair]; }, [cr](int pair) { return cr[pair]; });
    }
    case PixelFormat::yuyv:
    case PixelFormat::uyvy: {
      const uint8_t* const luma = first + (view.format == PixelFormat::yuyv ? 0 : 1);
      const uint8_t* const chroma = first + (view.format == PixelFormat::yuyv ? 1 : 0);
      return read_subsampled(
          yuv, x, count, out, [luma](int at) { return luma[at * 2]; },
          [chroma](int pair) { return chroma[pair * 4]; },
          [chroma](int pair) { return chroma[pair * 4 + 2]; });
    }
    case PixelFormat::bayer_rg8:
    case PixelFormat::bayer_gb8:
    case PixelFormat::bayer_gr8:
    case PixelFormat::bayer_bg8: return read_bayer(view, y, x, count, out);
    default: break;
  }
  uint8_t gray[kSpan];
  for (int done = 0; done < count; done += kSpan) {
    const int span = std::min(kSpan, count - done);
    read_gray(view, y, x + done, span, gray);
    for (int i = 0; i < span; i++, out += 3) out[0] = out[1] = out[2] = gray[i];
  }
}

void read_gray(const PixelView& view, int y, int x, int count, uint8_t* out) {
  if (view.format == PixelFormat::gray8) {
    std::memcpy(out, view.planes[0] + static_cast<size_t>(y) * view.strides[0] + x,
                static_cast<size_t>(count));
    return;
  }
  if (is_mono(view.format)) return read_mono(view, y, x, count, out);
  uint8_t rgb[kSpan * 3];
  for (int done = 0; done < count; done += kSpan) {
    const int span = std::min(kSpan, count - done);
    read_rgb(view, y, x + done, span, rgb);
    row_kernels().rgb_to_gray(rgb, span, out + done);
  }
}

}  // namespace vedette
