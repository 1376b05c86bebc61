#pragma once
#include "orientation.h"
#include "status.h"

namespace vedette {

// Orders mirrored in native/index.ts.
enum class Resize : int { stretch = 0, letterbox, crop, line, letterbox_top_left };
enum class Interpolation : int {
  bilinear = 0,
  area,
  bilinear_antialias,
  bicubic_antialias,
  nearest
};
enum class ColourOrder : int { rgb = 0, bgr, gray };
enum class Layout : int { nchw = 0, nhwc };
enum class Dtype : int { float32 = 0, uint8, float16, int8 };
constexpr int kDtypes = 4;

const char* dtype_name(Dtype dtype);
size_t element_bytes(Dtype dtype);

// One for the whole tensor; what it means: quantised() in level_tables.h.
struct Quantisation {
  double scale = 1;
  double zero_point = 0;

  bool operator==(const Quantisation& other) const {
    return scale == other.scale && zero_point == other.zero_point;
  }
};

struct Region {
  int x, y, width, height;
};

// component/contract/tensor.ts, TensorSpec.
struct TensorSpec {
  int width = 0;
  int height = 0;
  Layout layout = Layout::nchw;
  Dtype dtype = Dtype::float32;
  ColourOrder colour_order = ColourOrder::rgb;
  Resize resize = Resize::stretch;
  Interpolation interpolation = Interpolation::bilinear;
  double scale = 1;
  double mean[3] = {0, 0, 0};
  double std[3] = {1, 1, 1};
  double pad_value = 0;
  // Elements are steps of a scale: always for int8, for uint8 when asked for.
  bool is_quantised = false;
  Quantisation quantisation;

  int channels() const { return colour_order == ColourOrder::gray ? 1 : 3; }
};

Status check_spec(const TensorSpec& spec);

// One axis of a resize: `source` pixels are resized to `virtual_length`, of which `count` from
// `first` on are computed and stored from `place` on in the tensor.
struct AxisFit {
  int source;
  int64_t virtual_length;
  int64_t first;
  int count;
  int place;
};

struct Fit {
  AxisFit x;
  AxisFit y;
};

// stretch: the region fills the tensor. letterbox: ratio = min, size rounded half to even, bars
// halved with the smaller one left and on top (Ultralytics LetterBox). crop: the shorter side fits,
// the longer is cut to an integer below and centred (torchvision Resize + CenterCrop). line: the height
// fits, the width follows, rounded up, and is squeezed where it exceeds the tensor; a bar fills the right
// (PaddleOCR's resize_norm_img). letterbox_top_left: the ratio of a letterbox, sizes cut to an integer
// below, bars right and below alone (YOLOX preproc).
Fit fit_region(const Region& region, const TensorSpec& spec);

// source = tensor * scale + offset, in the upright picture. With a perspective that is a place in the
// crop, which the matrix leads to the upright picture (perspective_of in quad_crop.h).
struct Transform {
  double scale_x, scale_y, offset_x, offset_y;
  int source_width, source_height;
  bool has_perspective = false;
  double perspective[9] = {0};
};

Transform transform_of(const Fit& fit, const Region& region, int upright_width, int upright_height);

}  // namespace vedette
