#include "request.h"

#include <algorithm>
#include <cmath>

#include "../core/image_header.h"

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

size_t TypedMemory::element_bytes() const {
  switch (type) {
    case napi_int16_array:
    case napi_uint16_array:
    case napi_float16_array: return 2;
    case napi_int32_array:
    case napi_uint32_array:
    case napi_float32_array: return 4;
    case napi_float64_array:
    case napi_bigint64_array:
    case napi_biguint64_array: return 8;
    // What Node will have beside these is taken for bytes: too short rather than too long.
    default: return 1;
  }
}

bool typed_memory_of(napi_env env, napi_value value, TypedMemory* out) {
  size_t length = 0;
  void* data = nullptr;
  const napi_status status =
      napi_get_typedarray_info(env, value, &out->type, &length, &data, nullptr, nullptr);
  if (status != napi_ok) return false;
  out->data = static_cast<uint8_t*>(data);
  // Detached memory, and memory that shrank below the view, has length 0.
  out->length = data == nullptr ? 0 : length;
  return true;
}

Status bytes_of(const Napi::Value& value, const char* name, ByteSpan* out) {
  TypedMemory memory;
  if (!typed_memory_of(value.Env(), value, &memory)) {
    return fail(Code::frame_invalid, "%s must be a typed array", name);
  }
  out->data = memory.data;
  out->size = memory.length * memory.element_bytes();
  return {};
}

double* request_of(const Napi::Value& value) {
  TypedMemory memory;
  if (!typed_memory_of(value.Env(), value, &memory)) return nullptr;
  if (memory.type != napi_float64_array || memory.length < kSlots) return nullptr;
  return reinterpret_cast<double*>(memory.data);
}

Status read_bars(const Napi::Value& value, BarNote** out) {
  *out = nullptr;
  if (value.IsUndefined()) return {};
  TypedMemory memory;
  const bool is_right = typed_memory_of(value.Env(), value, &memory) &&
                        memory.type == napi_float64_array &&
                        memory.length == size_t{BarNote::kNumbers};
  if (!is_right) return fail(Code::internal, "the addon was called with something else than bars");
  static_assert(sizeof(BarNote) == BarNote::kNumbers * sizeof(double));
  *out = reinterpret_cast<BarNote*>(memory.data);
  return {};
}

Status read_meaning(const double* numbers, SampleMeaning* out) {
  int64_t colour;
  if (!read_integer(numbers[0], 0, kYuvMatrices * kYuvRanges, &colour)) {
    return fail(Code::frame_invalid, "unknown colour matrix or range");
  }
  out->has_colour = colour > 0;
  if (colour > 0) {
    out->matrix = static_cast<YuvMatrix>((colour - 1) / kYuvRanges);
    out->range = static_cast<YuvRange>((colour - 1) % kYuvRanges);
  }
  out->has_levels = numbers[1] != 0;
  if (out->has_levels && (!read_integer(numbers[2], -kFarthest, kFarthest, &out->black) ||
                          !read_integer(numbers[3], -kFarthest, kFarthest, &out->white))) {
    return fail(Code::frame_invalid,
                "levels.black and levels.white must be whole numbers, got %g and %g", numbers[2],
                numbers[3]);
  }
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
  SampleMeaning meaning;
  Status status = read_meaning(request + kMeaning, &meaning);
  if (status.ok()) {
    status = make_pixel_view(bytes.data, bytes.size, width, height, format, strides,
                             static_cast<int>(stride_count), out);
  }
  return status.ok() ? set_meaning(meaning, out) : status;
}

void read_quad(const double* numbers, Quad* out) {
  for (int i = 0; i < 4; i++) {
    out->x[i] = numbers[i * 2];
    out->y[i] = numbers[i * 2 + 1];
  }
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
  out->has_quad = request[kHasQuad] != 0;
  if (out->has_quad) read_quad(request + kQuad, &out->quad);
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
  if (!read_choice(request[kResize], 5, &out->resize)) {
    return fail(Code::tensor_invalid,
                "resize must be stretch, letterbox, crop, line or letterbox-top-left");
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

Status read_jpeg_limit(const double* request, ByteSpan bytes, int64_t* max_pixels) {
  if (!read_integer(request[kMaxPixels], 1, int64_t{1} << 40, max_pixels)) {
    return fail(Code::frame_invalid, "maxPixels must be a whole number from 1 on");
  }
  ImageHeader header;
  const Status status = read_image_header(bytes.data, bytes.size, &header);
  if (status.ok() && header.format != EncodedFormat::jpeg) {
    return fail(Code::image_format_unsupported, "a JPEG is expected here; another format came");
  }
  return status;
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

void write_transform(const Transform& transform, double* request) {
  request[kResult] = transform.scale_x;
  request[kResult + 1] = transform.scale_y;
  request[kResult + 2] = transform.offset_x;
  request[kResult + 3] = transform.offset_y;
  request[kResult + 4] = transform.source_width;
  request[kResult + 5] = transform.source_height;
  if (transform.has_perspective) {
    std::copy(transform.perspective, transform.perspective + 9, request + kPerspective);
  }
}

Napi::Value finish(Napi::Env env, const Status& status) {
  // Refused where the thread is being terminated: nobody hears of it then.
  if (!status.ok()) (void)napi_throw_error(env, code_name(status.code), status.text);
  return env.Undefined();
}

}  // namespace vedette
