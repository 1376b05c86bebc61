#pragma once
#include "level_tables.h"
#include "row_kernels.h"

namespace vedette {

// Which bars a tensor's memory holds: all that decides where they lie and what is in them. All zeros
// is none.
struct BarNote {
  static constexpr int kNumbers = 13;
  double numbers[kNumbers] = {0};

  bool operator==(const BarNote& other) const;
};

// Normalises finished rows into a tensor: (pixel * scale - mean) / std as float32, float16 or quantised
// bytes, or the pixels themselves.
class TensorWriter {
 public:
  // `levels` was prepared for `spec` and outlives the writer.
  TensorWriter(const TensorSpec& spec, const Fit& fit, const LevelTables& levels, void* out);

  // Fills the letterbox bars.
  void write_bars();
  BarNote bar_note() const;
  // Whether the first and last value of each channel, where they belong to a bar, are still there: a
  // buffer that was cleared or used for something else as a whole is noticed.
  bool holds_outer_bars() const;
  // Row `y` of the fitted content: `fit.x.count` pixels of `pixel_channels` bytes, RGB or grey.
  // A grey pixel goes into every channel.
  void write_row(int y, const uint8_t* pixels, int pixel_channels);

  // The same from two source rows, resized across, between which the row lies: lines of R, G and B
  // with 7 fractional bits, `pitch` apart. `scratch` has room for three lines of floats.
  void write_blended(int y, const int16_t* near, const int16_t* far, int16_t weight, size_t pitch,
                     const FusedKernels& kernels, float* scratch);

 private:
  // Calls `action` with `out_` as what it holds: float, uint16_t for float16, uint8_t for bytes.
  template <typename Action>
  auto with_elements(const Action& action) const;
  template <typename T>
  void write(int y, const uint8_t* pixels, int pixel_channels, T* out);
  template <typename T>
  void blend(int y, const int16_t* near, const int16_t* far, int16_t weight, size_t pitch,
             const FusedKernels& kernels, float* scratch, T* out);
  template <typename T>
  T bar_value(int channel) const;
  template <typename T>
  bool holds(const T* out) const;
  template <typename T>
  void fill(int y, int x, int count, T* out);
  template <typename T>
  T value(uint8_t pixel, int channel) const;

  TensorSpec spec_;
  Fit fit_;
  const LevelTables& levels_;
  void* out_;
  int channels_;
  int source_channel_[3];
};

}  // namespace vedette
