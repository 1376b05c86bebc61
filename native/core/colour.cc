#include "colour.h"

#include <cstring>

namespace vedette {
namespace {

// Walks pixels that share a chroma sample in pairs; `chroma_at(pair)` and `luma_at(x)` read the source.
template <typename LumaAt, typename ChromaAt>
inline void read_subsampled(int x, int count, uint8_t* out, LumaAt luma_at, ChromaAt chroma_at) {
  const int end = x + count;
  if ((x & 1) != 0 && x < end) {
    yuv::store(luma_at(x), chroma_at(x / 2), out);
    out += 3;
    x++;
  }
  for (; x + 1 < end; x += 2, out += 6) {
    const yuv::Chroma chroma = chroma_at(x / 2);
    yuv::store(luma_at(x), chroma, out);
    yuv::store(luma_at(x + 1), chroma, out + 3);
  }
  if (x < end) yuv::store(luma_at(x), chroma_at(x / 2), out);
}

}  // namespace

void read_rgb(const PixelView& view, int y, int x, int count, uint8_t* out) {
  const size_t row = static_cast<size_t>(y);
  const uint8_t* first = view.planes[0] + row * view.strides[0];
  switch (view.format) {
    case PixelFormat::rgb24:
      std::memcpy(out, first + static_cast<size_t>(x) * 3, static_cast<size_t>(count) * 3);
      return;
    case PixelFormat::bgr24: {
      const uint8_t* in = first + static_cast<size_t>(x) * 3;
      for (int i = 0; i < count; i++, in += 3, out += 3) {
        const uint8_t blue = in[0], green = in[1], red = in[2];
        out[0] = red;
        out[1] = green;
        out[2] = blue;
      }
      return;
    }
    case PixelFormat::gray8:
      for (int i = 0; i < count; i++, out += 3) out[0] = out[1] = out[2] = first[x + i];
      return;
    case PixelFormat::nv12: {
      const uint8_t* chroma = view.planes[1] + row / 2 * view.strides[1];
      read_subsampled(
          x, count, out, [first](int at) { return first[at]; },
          [chroma](int pair) { return yuv::chroma_of(chroma[pair * 2], chroma[pair * 2 + 1]); });
      return;
    }
    case PixelFormat::i420: {
      const uint8_t* cb = view.planes[1] + row / 2 * view.strides[1];
      const uint8_t* cr = view.planes[2] + row / 2 * view.strides[2];
      read_subsampled(
          x, count, out, [first](int at) { return first[at]; },
          [cb, cr](int pair) { return yuv::chroma_of(cb[pair], cr[pair]); });
      return;
    }
    case PixelFormat::yuyv:
      read_subsampled(
          x, count, out, [first](int at) { return first[at * 2]; },
          [first](int pair) { return yuv::chroma_of(first[pair * 4 + 1], first[pair * 4 + 3]); });
      return;
  }
}

void read_gray(const PixelView& view, int y, int x, int count, uint8_t* out) {
  if (view.format == PixelFormat::gray8) {
    std::memcpy(out, view.planes[0] + static_cast<size_t>(y) * view.strides[0] + x,
                static_cast<size_t>(count));
    return;
  }
  constexpr int kSpan = 64;
  uint8_t rgb[kSpan * 3];
  for (int done = 0; done < count; done += kSpan) {
    const int span = count - done < kSpan ? count - done : kSpan;
    read_rgb(view, y, x + done, span, rgb);
    for (int i = 0; i < span; i++)
      out[done + i] = gray_of(rgb[i * 3], rgb[i * 3 + 1], rgb[i * 3 + 2]);
  }
}

}  // namespace vedette
