#pragma once
#include <napi.h>

#include "../core/raw_to_tensor.h"

namespace vedette {

// Numbers of a SampleMeaning: 0 or 1 + matrix * 2 + range, whether there are levels, black, white.
// Mirrored in native/sample-meaning.ts.
constexpr int kMeaningNumbers = 4;

// A call's numbers come in one Float64Array that index.ts fills and reuses: one argument to fetch
// instead of forty properties. Mirrored in native/request.ts.
enum Slot : int {
  kWidth = 0,
  kHeight,
  kFormat,
  kStrideCount,
  kStrides,
  kTurns = kStrides + kMaxPlanes,
  kFlip,
  kHasRegion,
  kRegion,
  kTensorWidth = kRegion + 4,
  kTensorHeight,
  kLayout,
  kDtype,
  kColourOrder,
  kResize,
  kInterpolation,
  kScale,
  kMean,
  kStd = kMean + 3,
  kPadValue = kStd + 3,
  kIsQuantised,
  kQuantisation,
  kMaxPixels = kQuantisation + 2,
  kQuality,
  kResult,
  kMeaning = kResult + 6,
  kHasQuad = kMeaning + kMeaningNumbers,
  kQuad,
  kPerspective = kQuad + 8,
  kSlots = kPerspective + 9,
};

struct ByteSpan {
  uint8_t* data = nullptr;
  size_t size = 0;
};

// What one call to Node says of a typed array; each such call costs as much as a small picture.
struct TypedMemory {
  napi_typedarray_type type = napi_uint8_array;
  uint8_t* data = nullptr;
  // In elements.
  size_t length = 0;

  size_t element_bytes() const;
};

// False when it is no typed array.
bool typed_memory_of(napi_env env, napi_value value, TypedMemory* out);

// The bytes of a typed array, whatever its element type; FRAME_INVALID when it is none. A detached
// one has no bytes.
Status bytes_of(const Napi::Value& value, const char* name, ByteSpan* out);

// The Float64Array of slots; nullptr when it is something else.
double* request_of(const Napi::Value& value);

// The note of a KeptTensor; null when none came. INTERNAL when it is something else.
Status read_bars(const Napi::Value& value, BarNote** out);

Status read_meaning(const double* numbers, SampleMeaning* out);
Status read_image(const double* request, ByteSpan bytes, PixelView* out);
// x and y of each corner in turn.
void read_quad(const double* numbers, Quad* out);
Status read_view(const double* request, ViewSpec* out);
Status read_spec(const double* request, TensorSpec* out);
// maxPixels, for bytes that are a JPEG.
Status read_jpeg_limit(const double* request, ByteSpan bytes, int64_t* max_pixels);
// The tensor's memory, whose element type must be the spec's.
Status read_output(const Napi::Value& value, const TensorSpec& spec, ByteSpan* out);

void write_transform(const Transform& transform, double* request);

// A whole number from `low` to `high`; false for fractions, NaN and what lies outside.
bool read_integer(double value, int64_t low, int64_t high, int64_t* out);

// Throws a JavaScript error with `code` (and returns undefined), unless the status is ok.
Napi::Value finish(Napi::Env env, const Status& status);

}  // namespace vedette
