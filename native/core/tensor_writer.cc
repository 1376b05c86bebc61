#include "tensor_writer.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <type_traits>

namespace vedette {

TensorWriter::TensorWriter(const TensorSpec& spec, const Fit& fit, const LevelTables& levels,
                           void* out)
    : spec_(spec), fit_(fit), levels_(levels), out_(out), channels_(spec.channels()) {
  for (int c = 0; c < channels_; c++) {
    source_channel_[c] = spec.colour_order == ColourOrder::bgr ? 2 - c : c;
  }
}

template <typename Action>
inline auto TensorWriter::with_elements(const Action& action) const {
  switch (spec_.dtype) {
    case Dtype::float32: return action(static_cast<float*>(out_));
    case Dtype::float16: return action(static_cast<uint16_t*>(out_));
    default: return action(static_cast<uint8_t*>(out_));
  }
}

template <typename T>
inline T TensorWriter::value(uint8_t pixel, int channel) const {
  const LevelTable& table = levels_.channel(channel);
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(pixel) * table.factor + table.offset;
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    return table.halves[pixel];
  } else {
    return spec_.is_quantised ? table.codes[pixel] : pixel;
  }
}

// The padding level need not be a whole one.
template <typename T>
inline T TensorWriter::bar_value(int channel) const {
  const LevelTable& table = levels_.channel(channel);
  const float value = static_cast<float>(spec_.pad_value) * table.factor + table.offset;
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    return half_of(value);
  } else if (spec_.is_quantised) {
    return quantised(value, spec_.quantisation, spec_.dtype);
  } else {
    return static_cast<uint8_t>(std::nearbyint(spec_.pad_value));
  }
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
  with_elements([&](auto* out) {
    using Element = std::remove_pointer_t<decltype(out)>;
    for (int c = 0; c < channels_; c++) values[c] = bar_value<Element>(c);
  });
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
  return with_elements([&](auto* out) { return holds(out); });
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
    with_elements([&](auto* out) {
      if (is_content) fill(y, 0, left, out);
      fill(y, from, spec_.width - from, out);
    });
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
      const LevelTable& table = levels_.channel(c);
      if constexpr (std::is_same_v<T, float>) {
        row_kernels().normalise_row(from, pixel_channels, count, table.factor, table.offset, to);
      } else if constexpr (std::is_same_v<T, uint16_t>) {
        row_kernels().halve_row(table, from, pixel_channels, count, to);
      } else {
        row_kernels().pick_row(from, pixel_channels, count, to);
        if (spec_.is_quantised) row_kernels().encode_row(table, count, to);
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
  with_elements([&](auto* out) { write(y, pixels, pixel_channels, out); });
}

template <typename T>
void TensorWriter::blend(int y, const int16_t* near, const int16_t* far, int16_t weight,
                         size_t pitch, const FusedKernels& kernels, float* scratch, T* out) {
  const size_t width = static_cast<size_t>(spec_.width);
  const size_t first =
      static_cast<size_t>(fit_.y.place + y) * width + static_cast<size_t>(fit_.x.place);
  const size_t plane = width * static_cast<size_t>(spec_.height);
  const bool is_planar = spec_.layout == Layout::nchw;
  const int count = fit_.x.count;
  T* const rows = reinterpret_cast<T*>(scratch);
  for (int c = 0; c < 3; c++) {
    T* const to = is_planar ? out + plane * static_cast<size_t>(c) + first
                            : rows + pitch * static_cast<size_t>(c);
    const size_t line = pitch * static_cast<size_t>(source_channel_[c]);
    const LevelTable& table = levels_.channel(c);
    if constexpr (std::is_same_v<T, float>) {
      kernels.blend_to_float(near + line, far + line, weight, count, table.factor, table.offset,
                             to);
    } else if constexpr (std::is_same_v<T, uint16_t>) {
      uint8_t* const levels = reinterpret_cast<uint8_t*>(rows + pitch * 3);
      kernels.blend_to_bytes(near + line, far + line, weight, count, levels);
      row_kernels().halve_row(table, levels, 1, count, to);
    } else {
      kernels.blend_to_bytes(near + line, far + line, weight, count, to);
      if (spec_.is_quantised) row_kernels().encode_row(table, count, to);
    }
  }
  if (is_planar) return;
  T* __restrict to = out + first * 3;
  for (int x = 0; x < count; x++) {
    for (size_t c = 0; c < 3; c++) to[x * 3 + static_cast<int>(c)] = rows[pitch * c + x];
  }
}

void TensorWriter::write_blended(int y, const int16_t* near, const int16_t* far, int16_t weight,
                                 size_t pitch, const FusedKernels& kernels, float* scratch) {
  with_elements([&](auto* out) { blend(y, near, far, weight, pitch, kernels, scratch, out); });
}

}  // namespace vedette
