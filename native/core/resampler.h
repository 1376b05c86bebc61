#pragma once
#include "axis_taps.h"
#include "tensor_writer.h"
#include "upright_rows.h"

namespace vedette {

// Resizes rows as they are asked for and hands each finished row to a TensorWriter; no picture
// exists in between. Keeps tables and scratch memory for the next frame of the same geometry.
//
// Every result is rounded to a whole grey level before it is normalised, as OpenCV and Pillow do:
//   bilinear            7 fractional bits after the horizontal and the vertical step, then rounded
//   area                vertical step first, 7 fractional bits in between, then rounded
//   *-antialias         8 bits between the horizontal and the vertical step (Pillow does the same)
class Resampler {
 public:
  Status run(UprightRows& rows, int channels, const Fit& fit, Interpolation interpolation,
             TensorWriter& writer);

 private:
  Status prepare(const Fit& fit, Interpolation interpolation);
  Status run_linear(UprightRows& rows, int channels, const Fit& fit, TensorWriter& writer);
  Status run_nearest(UprightRows& rows, int channels, const Fit& fit, TensorWriter& writer);
  Status run_area(UprightRows& rows, int channels, const Fit& fit, TensorWriter& writer);
  Status run_antialias(UprightRows& rows, int channels, const Fit& fit, TensorWriter& writer);

  enum class Method { none, nearest, linear, area, antialias };
  Method method_ = Method::none;
  Fit prepared_{};
  Interpolation interpolation_ = Interpolation::bilinear;
  LinearTaps linear_x_, linear_y_;
  FilterTaps filter_x_, filter_y_;
  Buffer<int16_t> lines_;
  Buffer<int64_t> sums_;
  Buffer<uint8_t> bytes_;
};

}  // namespace vedette
