#include "sensor_rows.h"

#include <algorithm>
#include <cstring>

#include "row_kernels.h"

namespace vedette {
namespace {

constexpr int kSpan = 512;

// Two bytes, the lower first; a level beyond the depth counts as white.
void unpack_16(const uint8_t* __restrict from, int count, uint16_t* __restrict out) {
  for (int i = 0; i < count; i++) {
    out[i] = static_cast<uint16_t>(from[i * 2] | from[i * 2 + 1] << 8);
  }
}

// PFNC "p": pixels follow one another bit by bit, the lowest bits first.
void unpack_10p(const uint8_t* from, size_t pixel, int count, uint16_t* out) {
  for (int i = 0; i < count; i++, pixel++) {
    const uint8_t* const at = from + pixel / 4 * 5 + pixel % 4;
    const int shift = static_cast<int>(pixel % 4) * 2;
    out[i] = static_cast<uint16_t>((at[0] | at[1] << 8) >> shift & 0x3ff);
  }
}

void unpack_12p(const uint8_t* from, size_t pixel, int count, uint16_t* out) {
  for (int i = 0; i < count; i++, pixel++) {
    const uint8_t* const at = from + pixel / 2 * 3 + pixel % 2;
    const int shift = static_cast<int>(pixel % 2) * 4;
    out[i] = static_cast<uint16_t>((at[0] | at[1] << 8) >> shift & 0xfff);
  }
}

// GigE Vision "Packed": the upper eight bits of both pixels in the first and third byte, their lower
// bits in the second, those of the first pixel in its lower half.
template <int kLowBits>
void unpack_gige(const uint8_t* from, size_t pixel, int count, uint16_t* out) {
  constexpr int kMask = (1 << kLowBits) - 1;
  for (int i = 0; i < count; i++, pixel++) {
    const uint8_t* const pair = from + pixel / 2 * 3;
    const bool is_second = pixel % 2 != 0;
    const int high = is_second ? pair[2] : pair[0];
    const int low = (is_second ? pair[1] >> 4 : pair[1]) & kMask;
    out[i] = static_cast<uint16_t>(high << kLowBits | low);
  }
}

void unpack(const PixelView& view, int y, int x, int count, uint16_t* out) {
  const size_t row = static_cast<size_t>(y);
  const uint8_t* const from = view.planes[0] + (view.has_joined_rows ? 0 : row * view.strides[0]);
  const size_t pixel =
      static_cast<size_t>(x) + (view.has_joined_rows ? row * static_cast<size_t>(view.width) : 0);
  switch (view.format) {
    case PixelFormat::mono10p: return unpack_10p(from, pixel, count, out);
    case PixelFormat::mono12p: return unpack_12p(from, pixel, count, out);
    case PixelFormat::mono10packed: return unpack_gige<2>(from, pixel, count, out);
    case PixelFormat::mono12packed: return unpack_gige<4>(from, pixel, count, out);
    default: return unpack_16(from + pixel * 2, count, out);
  }
}

// Named by the sensor's first two pixels of its first row.
bool is_green(PixelFormat format, int x, int y) {
  const bool is_first = format == PixelFormat::bayer_gb8 || format == PixelFormat::bayer_gr8;
  return ((x + y) & 1) == (is_first ? 0 : 1);
}

bool has_red(PixelFormat format, int y) {
  const bool is_first = format == PixelFormat::bayer_rg8 || format == PixelFormat::bayer_gr8;
  return ((y & 1) == 0) == is_first;
}

// 0 to size - 1 for a position one beyond either end, so that colours still alternate.
int mirrored(int at, int size) { return at < 0 ? 1 : at >= size ? size - 2 : at; }

int inside(int at, int size) { return size < 3 ? at : std::clamp(at, 1, size - 2); }

}  // namespace

void read_mono(const PixelView& view, int y, int x, int count, uint8_t* out) {
  uint16_t levels[kSpan];
  for (int done = 0; done < count; done += kSpan) {
    const int span = std::min(kSpan, count - done);
    unpack(view, y, x + done, span, levels);
    row_kernels().stretch_levels(levels, span, view.black, view.white, out + done);
  }
}

void read_bayer(const PixelView& view, int y, int x, int count, uint8_t* out) {
  const int row = inside(y, view.height);
  const auto row_at = [&view](int at) {
    return view.planes[0] + static_cast<size_t>(mirrored(at, view.height)) * view.strides[0];
  };
  const uint8_t* const rows[3] = {row_at(row - 1), row_at(row), row_at(row + 1)};
  const bool is_red_row = has_red(view.format, row);
  // Columns whose neighbours all exist.
  const int from = std::max(x, 1);
  const int end = std::min(x + count, view.width - 1);
  if (from < end) {
    row_kernels().demosaic_row(rows[0] + from, rows[1] + from, rows[2] + from, end - from,
                               is_green(view.format, from, row), is_red_row,
                               out + static_cast<size_t>(from - x) * 3);
  }
  for (const int border : {0, view.width - 1}) {
    if (border < x || border >= x + count) continue;
    const int column = inside(border, view.width);
    uint8_t around[3][3];
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) around[i][j] = rows[i][mirrored(column + j - 1, view.width)];
    }
    row_kernels().demosaic_row(around[0] + 1, around[1] + 1, around[2] + 1, 1,
                               is_green(view.format, column, row), is_red_row,
                               out + static_cast<size_t>(border - x) * 3);
  }
}

}  // namespace vedette
