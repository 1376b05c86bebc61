#include "request.h"

#include <cmath>

namespace vedette {
namespace {

constexpr int64_t kFarthest = int64_t{1} << 53;

template <typename Choice>
bool read_choice(double value, int choices, Choice* out) {
  int64_t index;
  if (!read_integer(value, 0, choices - 1, &index)) return false;
  *out = static_cast<Choice>(index);
  return true;
}

}  // namespace

bool read_integer(double value, int64_t low, int64_t high, int64_t* out) {
  if (!(value >= static_cast<double>(low) && value <= static_cast<double>(high))) return false;
  if (std::trunc(value) != value) return false;
  *out = static_cast<int64_t>(value);
  return true;
}

Status bytes_of(const Napi::Value& value, const char* name, ByteSpan* out) {
  if (!value.IsTypedArray()) {
    return fail(Code::frame_invalid, "%s must be a typed array", name);
  }
  napi_typedarray_type type;
  size_t length = 0, offset = 0;
  void* data = nullptr;
  napi_value buffer;
  if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, &buffer, &offset) !=
      napi_ok) {
    return fail(Code::frame_invalid, "%s could not be read", name);
  }
  out->data = static_cast<uint8_t*>(data);
  out->size = data == nullptr ? 0 : value.As<Napi::TypedArray>().ByteLength();
  return {};
}

double* request_of(const Napi::Value& value) {
  if (!value.IsTypedArray()) return nullptr;
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  if (array.TypedArrayType() != napi_float64_array || array.ElementLength() < kSlots)
    return nullptr;
  return value.As<Napi::Float64Array>().Data();
}

Status read_bars(const Napi::Value& value, BarNote** out) {
  *out = nullptr;
  if (value.IsUndefined()) return {};
  const bool is_right = value.IsTypedArray() &&
                        value.As<Napi::TypedArray>().TypedArrayType() == napi_float64_array &&
                        value.As<Napi::TypedArray>().ElementLength() == size_t{BarNote::kNumbers};
  if (!is_right) return fail(Code::internal, "the addon was called with something else than bars");
  static_assert(sizeof(BarNote) == BarNote::kNumbers * sizeof(double));
  *out = reinterpret_cast<BarNote*>(value.As<Napi::Float64Array>().Data());
  return {};
}

Status read_image(const double* request, ByteSpan bytes, PixelView* out) {
  int64_t width, height, stride_count;
  int64_t strides[kMaxPlanes] = {0, 0, 0};
  PixelFormat format;
  if (!read_choice(request[kFormat], kPixelFormats, &format)) {
    return fail(Code::frame_invalid, "unknown raw pixel format");
  }
  if (!read_integer(request[kWidth], 1, kMaxSide, &width) ||
      !read_integer(request[kHeight], 1, kMaxSide, &height)) {
    return fail(Code::frame_invalid,
                "width and height must be whole numbers of 1 to %d, got %g x %g", kMaxSide,
                request[kWidth], request[kHeight]);
  }
  if (!read_integer(request[kStrideCount], 0, kMaxPlanes, &stride_count)) {
    return fail(Code::frame_invalid, "at most %d strides expected", kMaxPlanes);
  }
  for (int64_t plane = 0; plane < stride_count; plane++) {
    if (!read_integer(request[kStrides + plane], 0, kFarthest, &strides[plane])) {
      return fail(Code::frame_invalid, "stride %d must be a whole number of bytes, got %g",
                  static_cast<int>(plane), request[kStrides + plane]);
    }
  }
  return make_pixel_view(bytes.data, bytes.size, width, height, format, strides,
                         static_cast<int>(stride_count), out);
}

Status read_view(const double* request, ViewSpec* out) {
  int64_t turns, flip;
  if (!read_integer(request[kTurns], 0, 3, &turns)) {
    return fail(Code::frame_invalid, "rotation must be 0, 90, 180 or 270");
  }
  if (!read_integer(request[kFlip], 0, 2, &flip)) {
    return fail(Code::frame_invalid, "flip must be none, horizontal or vertical");
  }
  out->orientation = {static_cast<int>(turns), false};
  if (flip == 1) out->orientation = compose(out->orientation, {0, true});
  if (flip == 2) out->orientation = compose(out->orientation, mirrored_vertically());
  out->has_region = request[kHasRegion] != 0;
  if (!out->has_region) return {};
  int64_t* const parts[4] = {&out->region_x, &out->region_y, &out->region_width,
                             &out->region_height};
  for (int i = 0; i < 4; i++) {
    if (!read_integer(request[kRegion + i], -kFarthest, kFarthest, parts[i])) {
      return fail(Code::frame_invalid, "region must be whole pixels, got %g", request[kRegion + i]);
    }
  }
  return {};
}

Status read_spec(const double* request, TensorSpec* out) {
  int64_t width, height;
  if (!read_integer(request[kTensorWidth], 1, kMaxSide, &width) ||
      !read_integer(request[kTensorHeight], 1, kMaxSide, &height)) {
    return fail(Code::tensor_invalid,
                "tensor width and height must be whole numbers of 1 to %d, got %g x %g", kMaxSide,
                request[kTensorWidth], request[kTensorHeight]);
  }
  out->width = static_cast<int>(width);
  out->height = static_cast<int>(height);
  if (!read_choice(request[kLayout], 2, &out->layout)) {
    return fail(Code::tensor_invalid, "layout must be nchw or nhwc");
  }
  if (!read_choice(request[kDtype], kDtypes, &out->dtype)) {
    return fail(Code::tensor_invalid, "dtype must be float32, float16, int8 or uint8");
  }
  if (!read_choice(request[kColourOrder], 3, &out->colour_order)) {
    return fail(Code::tensor_invalid, "colourOrder must be rgb, bgr or gray");
  }
  if (!read_choice(request[kResize], 3, &out->resize)) {
    return fail(Code::tensor_invalid, "resize must be stretch, letterbox or crop");
  }
  if (!read_choice(request[kInterpolation], 5, &out->interpolation)) {
    return fail(Code::tensor_invalid,
                "interpolation must be bilinear, area, bilinear-antialias, bicubic-antialias or "
                "nearest");
  }
  out->scale = request[kScale];
  out->pad_value = request[kPadValue];
  out->is_quantised = request[kIsQuantised] != 0;
  out->quantisation = {request[kQuantisation], request[kQuantisation + 1]};
  for (int channel = 0; channel < 3; channel++) {
    out->mean[channel] = request[kMean + channel];
    out->std[channel] = request[kStd + channel];
  }
  return check_spec(*out);
}

Status read_output(const Napi::Value& value, const TensorSpec& spec, ByteSpan* out) {
  struct Memory {
    napi_typedarray_type type;
    const char* name;
  };
  static const Memory memories[kDtypes] = {{napi_float32_array, "Float32Array"},
                                           {napi_uint8_array, "Uint8Array"},
                                           {napi_uint16_array, "Uint16Array"},
                                           {napi_int8_array, "Int8Array"}};
  const Memory& memory = memories[static_cast<int>(spec.dtype)];
  const bool is_right =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == memory.type;
  if (!is_right) {
    return fail(Code::tensor_invalid, "the tensor's buffer must be a %s for dtype %s", memory.name,
                dtype_name(spec.dtype));
  }
  return bytes_of(value, "out", out);
}

Napi::Value finish(Napi::Env env, const Status& status) {
  if (!status.ok()) {
    Napi::Error error = Napi::Error::New(env, status.text);
    error.Set("code", Napi::String::New(env, code_name(status.code)));
    error.ThrowAsJavaScriptException();
  }
  return env.Undefined();
}

}  // namespace vedette
