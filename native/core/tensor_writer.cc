#include "tensor_writer.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <type_traits>

namespace vedette {

TensorWriter::TensorWriter(const TensorSpec& spec, const Fit& fit, void* out)
    : spec_(spec), fit_(fit), out_(out), channels_(spec.channels()) {
  for (int c = 0; c < channels_; c++) {
    source_channel_[c] = spec.colour_order == ColourOrder::bgr ? 2 - c : c;
    factor_[c] = static_cast<float>(spec.scale / spec.std[c]);
    offset_[c] = static_cast<float>(-spec.mean[c] / spec.std[c]);
    bar_[c] = static_cast<float>((spec.pad_value * spec.scale - spec.mean[c]) / spec.std[c]);
  }
}

template <typename T>
inline T TensorWriter::value(uint8_t pixel, int channel) const {
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(pixel) * factor_[channel] + offset_[channel];
  } else {
    return pixel;
  }
}

template <typename T>
inline T TensorWriter::bar_value(int channel) const {
  return std::is_same_v<T, float> ? static_cast<T>(bar_[channel])
                                  : static_cast<T>(std::nearbyint(spec_.pad_value));
}

bool BarNote::operator==(const BarNote& other) const {
  return std::equal(numbers, numbers + kNumbers, other.numbers);
}

BarNote TensorWriter::bar_note() const {
  BarNote note;
  const int where[] = {1,
                       fit_.x.place,
                       fit_.x.count,
                       fit_.y.place,
                       fit_.y.count,
                       spec_.width,
                       spec_.height,
                       static_cast<int>(spec_.layout),
                       static_cast<int>(spec_.dtype),
                       channels_};
  double* const values = std::copy(std::begin(where), std::end(where), note.numbers);
  for (int c = 0; c < channels_; c++) {
    values[c] = spec_.dtype == Dtype::float32 ? static_cast<double>(bar_value<float>(c))
                                              : bar_value<uint8_t>(c);
  }
  return note;
}

template <typename T>
bool TensorWriter::holds(const T* out) const {
  const size_t pixels = static_cast<size_t>(spec_.width) * static_cast<size_t>(spec_.height);
  const bool is_planar = spec_.layout == Layout::nchw;
  const size_t step = is_planar ? 1 : static_cast<size_t>(channels_);
  const bool is_first_bar = fit_.x.place > 0 || fit_.y.place > 0;
  const bool is_last_bar =
      fit_.x.place + fit_.x.count < spec_.width || fit_.y.place + fit_.y.count < spec_.height;
  for (int c = 0; c < channels_; c++) {
    const T* const first = out + (is_planar ? pixels : 1) * static_cast<size_t>(c);
    if (is_first_bar && first[0] != bar_value<T>(c)) return false;
    if (is_last_bar && first[step * (pixels - 1)] != bar_value<T>(c)) return false;
  }
  return true;
}

bool TensorWriter::holds_outer_bars() const {
  return spec_.dtype == Dtype::float32 ? holds(static_cast<const float*>(out_))
                                       : holds(static_cast<const uint8_t*>(out_));
}

template <typename T>
void TensorWriter::fill(int y, int x, int count, T* out) {
  const size_t plane = static_cast<size_t>(spec_.width) * static_cast<size_t>(spec_.height);
  const size_t first =
      static_cast<size_t>(y) * static_cast<size_t>(spec_.width) + static_cast<size_t>(x);
  for (int c = 0; c < channels_; c++) {
    const T bar = bar_value<T>(c);
    if (spec_.layout == Layout::nchw) {
      T* to = out + plane * static_cast<size_t>(c) + first;
      std::fill(to, to + count, bar);
    } else {
      T* to = out + first * static_cast<size_t>(channels_) + c;
      for (int i = 0; i < count; i++) to[i * channels_] = bar;
    }
  }
}

void TensorWriter::write_bars() {
  const int left = fit_.x.place;
  const int right = left + fit_.x.count;
  for (int y = 0; y < spec_.height; y++) {
    const bool is_content = y >= fit_.y.place && y < fit_.y.place + fit_.y.count;
    const int from = is_content ? right : 0;
    if (spec_.dtype == Dtype::float32) {
      if (is_content) fill(y, 0, left, static_cast<float*>(out_));
      fill(y, from, spec_.width - from, static_cast<float*>(out_));
    } else {
      if (is_content) fill(y, 0, left, static_cast<uint8_t*>(out_));
      fill(y, from, spec_.width - from, static_cast<uint8_t*>(out_));
    }
  }
}

template <typename T>
void TensorWriter::write(int y, const uint8_t* pixels, int pixel_channels, T* out) {
  const size_t width = static_cast<size_t>(spec_.width);
  const size_t first =
      static_cast<size_t>(fit_.y.place + y) * width + static_cast<size_t>(fit_.x.place);
  const int count = fit_.x.count;
  if (spec_.layout == Layout::nchw) {
    const size_t plane = width * static_cast<size_t>(spec_.height);
    for (int c = 0; c < channels_; c++) {
      T* const to = out + plane * static_cast<size_t>(c) + first;
      const uint8_t* const from = pixels + (pixel_channels == 1 ? 0 : source_channel_[c]);
      if constexpr (std::is_same_v<T, float>) {
        row_kernels().normalise_row(from, pixel_channels, count, factor_[c], offset_[c], to);
      } else {
        row_kernels().pick_row(from, pixel_channels, count, to);
      }
    }
    return;
  }
  T* __restrict to = out + first * static_cast<size_t>(channels_);
  for (int i = 0; i < count; i++) {
    for (int c = 0; c < channels_; c++) {
      const uint8_t pixel = pixel_channels == 1 ? pixels[i] : pixels[i * 3 + source_channel_[c]];
      to[i * channels_ + c] = value<T>(pixel, c);
    }
  }
}

void TensorWriter::write_row(int y, const uint8_t* pixels, int pixel_channels) {
  if (spec_.dtype == Dtype::float32) {
    write(y, pixels, pixel_channels, static_cast<float*>(out_));
  } else {
    write(y, pixels, pixel_channels, static_cast<uint8_t*>(out_));
  }
}

template <typename T>
void TensorWriter::blend(int y, const int16_t* near, const int16_t* far, int16_t weight,
                         size_t pitch, const FusedKernels& kernels, T* scratch, T* out) {
  const size_t width = static_cast<size_t>(spec_.width);
  const size_t first =
      static_cast<size_t>(fit_.y.place + y) * width + static_cast<size_t>(fit_.x.place);
  const size_t plane = width * static_cast<size_t>(spec_.height);
  const bool is_planar = spec_.layout == Layout::nchw;
  const int count = fit_.x.count;
  for (int c = 0; c < 3; c++) {
    T* const to = is_planar ? out + plane * static_cast<size_t>(c) + first
                            : scratch + pitch * static_cast<size_t>(c);
    const size_t line = pitch * static_cast<size_t>(source_channel_[c]);
    if constexpr (std::is_same_v<T, float>) {
      kernels.blend_to_float(near + line, far + line, weight, count, factor_[c], offset_[c], to);
    } else {
      kernels.blend_to_bytes(near + line, far + line, weight, count, to);
    }
  }
  if (is_planar) return;
  T* __restrict to = out + first * 3;
  for (int x = 0; x < count; x++) {
    for (size_t c = 0; c < 3; c++) to[x * 3 + static_cast<int>(c)] = scratch[pitch * c + x];
  }
}

void TensorWriter::write_blended(int y, const int16_t* near, const int16_t* far, int16_t weight,
                                 size_t pitch, const FusedKernels& kernels, float* scratch) {
  if (spec_.dtype == Dtype::float32) {
    blend(y, near, far, weight, pitch, kernels, scratch, static_cast<float*>(out_));
  } else {
    blend(y, near, far, weight, pitch, kernels, reinterpret_cast<uint8_t*>(scratch),
          static_cast<uint8_t*>(out_));
  }
}

}  // namespace vedette
