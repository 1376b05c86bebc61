#include "fused_pass.h"

#include "colour.h"

namespace vedette {
namespace {

Colour colour_of(PixelFormat format) {
  if (format == PixelFormat::rgb24 || format == PixelFormat::bgr24) return Colour::rgb;
  return format == PixelFormat::jpeg_planes ? Colour::full_yuv : Colour::limited_yuv;
}

}  // namespace

bool FusedPass::Key::operator==(const Key& other) const {
  return kernels == other.kernels && format == other.format && width == other.width &&
         x == other.x && direction == other.direction && interpolation == other.interpolation &&
         same_axis(fit.x, other.fit.x) && same_axis(fit.y, other.fit.y);
}

Status FusedPass::prepare(const PixelView& image, Orientation orientation, const Region& region,
                          const Fit& fit, Interpolation interpolation, bool* is_ready) {
  *is_ready = false;
  const FusedKernels* const kernels = row_kernels().fused;
  if (kernels == nullptr || orientation.is_transposed() || image.format == PixelFormat::gray8) {
    return {};
  }
  const PixelMap map = upright_to_stored(orientation, image.width, image.height);
  const Key key{kernels, image.format,  image.width, map.x0 + region.x * map.xu,
                map.xu,  interpolation, fit};
  if (!(key == key_)) {
    key_ = {};
    const Status status = build(key, region, map);
    if (!status.ok()) return status;
    key_ = key;
  }
  first_row_ = map.y0 + region.y * map.yv;
  row_direction_ = map.yv;
  *is_ready = is_possible_;
  return {};
}

Status FusedPass::build(const Key& key, const Region& region, const PixelMap& map) {
  is_possible_ = false;
  LinearRule rule;
  if (!two_neighbours(key.fit, key.interpolation, &rule)) return {};
  Status status = linear_taps(key.fit.x, rule, &taps_x_);
  if (status.ok()) status = linear_taps(key.fit.y, rule, &taps_y_);
  if (!status.ok()) return status;
  for (int i = 0; i < key.fit.x.count; i++) {
    taps_x_.near[i] = map.x0 + (region.x + taps_x_.near[i]) * map.xu;
    taps_x_.far[i] = map.x0 + (region.x + taps_x_.far[i]) * map.xu;
  }
  status = plan_.build(*key.kernels, key.format, key.width, taps_x_.near.data(), taps_x_.far.data(),
                       taps_x_.weight.data(), key.fit.x.count, &is_possible_);
  if (!status.ok() || !is_possible_) return status;
  const size_t samples = plan_.pitch() * 3;
  const size_t chroma = static_cast<size_t>(key.width) * 2;
  if (!lines_.reserve(samples * 2) || !scratch_.reserve(samples) || !chroma_.reserve(chroma)) {
    return out_of_memory(samples * 8 + chroma);
  }
  return {};
}

void FusedPass::widen(const PixelView& image, int source_row, int16_t* lines) {
  const int y = first_row_ + source_row * row_direction_;
  const uint8_t* rows[3];
  for (int c = 0; c < 3; c++) {
    const int plane = plan_.plane(c);
    if (image.format == PixelFormat::jpeg_planes && plane > 0) {
      uint8_t* const chroma = chroma_.data() + (plane - 1) * image.width;
      read_chroma(image, plane, y, 0, image.width, chroma);
      rows[c] = chroma;
      continue;
    }
    const size_t row = static_cast<size_t>(plane == 0 ? y : y / 2);
    rows[c] = image.planes[plane] + row * image.strides[plane];
  }
  const int colour = static_cast<int>(colour_of(image.format));
  key_.kernels->widen[colour][plan_.has_far() ? 1 : 0](plan_.tables(), rows, lines, plan_.pitch());
}

void FusedPass::run(const PixelView& image, TensorWriter& writer) {
  const size_t pitch = plan_.pitch();
  int16_t* lines[2] = {lines_.data(), lines_.data() + pitch * 3};
  int held[2] = {-1, -1};
  // The line that holds a source row; `keep` is the one that must stay.
  const auto line_of = [&](int source_row, int keep) {
    for (int i = 0; i < 2; i++) {
      if (held[i] == source_row) return i;
    }
    const int slot = keep == 0 ? 1 : 0;
    widen(image, source_row, lines[slot]);
    held[slot] = source_row;
    return slot;
  };
  for (int y = 0; y < key_.fit.y.count; y++) {
    const int16_t weight = taps_y_.weight[y];
    const int near = line_of(taps_y_.near[y], held[0] == taps_y_.far[y] ? 0 : 1);
    const int far = weight == 0 ? near : line_of(taps_y_.far[y], near);
    writer.write_blended(y, lines[near], lines[far], weight, pitch, *key_.kernels, scratch_.data());
  }
}

}  // namespace vedette
