#include "outputs.h"

#include "../core/output_kernels.h"
#include "../core/yolo_head.h"
#include "request.h"

namespace vedette {
namespace {

constexpr int64_t kMaxWhole = int64_t{1} << 53;

// Each worker thread keeps its own scratch memory.
struct ThreadMemory {
  YoloWorkspace yolo;
  Buffer<float> widened;
};
ThreadMemory& thread_memory() {
  static thread_local ThreadMemory memory;
  return memory;
}

// A single huge output must not hold its memory for ever.
constexpr size_t kKeptFloats = (64u << 20) / sizeof(float);

template <typename T>
struct Span {
  T* data = nullptr;
  size_t size = 0;
};

template <typename T>
Status elements_of(const Napi::Value& value, napi_typedarray_type type, const char* expected,
                   Span<T>* out) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    return fail(Code::tensor_invalid, "%s expected", expected);
  }
  ByteSpan bytes;
  const Status status = bytes_of(value, expected, &bytes);
  out->data = reinterpret_cast<T*>(bytes.data);
  out->size = bytes.size / sizeof(T);
  return status;
}

// Halves (a Uint16Array) become floats in memory of this thread.
Status floats_of(const Napi::Value& value, Span<const float>* out) {
  const bool has_halves =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array;
  if (!has_halves) {
    return elements_of(value, napi_float32_array,
                       "a Float32Array, or a Uint16Array of halves, for the output's values", out);
  }
  Span<const uint16_t> halves;
  const Status status = elements_of(value, napi_uint16_array, "a Uint16Array of halves", &halves);
  if (!status.ok()) return status;
  Buffer<float>& floats = thread_memory().widened;
  if (!floats.reserve(halves.size)) return out_of_memory(halves.size * sizeof(float));
  output_kernels().widen_halves(halves.data, halves.size, floats.data());
  *out = {floats.data(), halves.size};
  return {};
}

Status read_size(double value, const char* name, size_t* out) {
  int64_t whole;
  if (!read_integer(value, 0, kMaxWhole, &whole)) {
    return fail(Code::tensor_invalid, "%s must be a whole number from 0 on, got %g", name, value);
  }
  *out = static_cast<size_t>(whole);
  return {};
}

Status yolo_call(const Napi::CallbackInfo& info) {
  Span<double> numbers;
  Status status =
      elements_of(info[1], napi_float64_array, "a Float64Array for the call's numbers", &numbers);
  if (status.ok() && numbers.size < kYoloSlots) {
    status = fail(Code::internal, "the addon was called with too few numbers");
  }
  if (!status.ok()) return status;
  double* const slots = numbers.data;
  YoloHead head;
  head.is_rows = slots[kYoloIsRows] != 0;
  head.has_objectness = slots[kYoloHasObjectness] != 0;
  Suppression suppression;
  suppression.iou_threshold = slots[kYoloIouThreshold];
  suppression.is_agnostic = slots[kYoloIsAgnostic] != 0;
  status = read_size(slots[kYoloChannels], "channels", &head.channels);
  if (status.ok()) status = read_size(slots[kYoloAnchors], "candidates", &head.anchors);
  if (status.ok()) status = read_size(slots[kYoloClasses], "classes", &head.classes);
  if (status.ok()) status = read_size(slots[kYoloLimit], "limit", &suppression.limit);
  Span<const float> thresholds, values;
  Span<float> rows;
  Span<int32_t> labels;
  if (status.ok()) {
    status = elements_of(info[2], napi_float32_array, "a Float32Array of thresholds", &thresholds);
  }
  if (status.ok()) {
    status = elements_of(info[3], napi_float32_array, "a Float32Array for boxes", &rows);
  }
  if (status.ok()) {
    status = elements_of(info[4], napi_int32_array, "an Int32Array for class indices", &labels);
  }
  if (status.ok()) status = floats_of(info[0], &values);
  if (!status.ok()) return status;
  ThreadMemory& memory = thread_memory();
  YoloFound found;
  status =
      read_yolo_head(values.data, values.size, head, thresholds.data, thresholds.size, suppression,
                     memory.yolo, rows.data, rows.size, labels.data, labels.size, &found);
  if (memory.widened.capacity() > kKeptFloats) memory.widened.release();
  slots[kYoloCandidates] = static_cast<double>(found.candidates);
  slots[kYoloKept] = static_cast<double>(found.kept);
  slots[kYoloFault] = static_cast<double>(found.fault);
  slots[kYoloElement] = static_cast<double>(found.element);
  slots[kYoloValue] = found.value;
  return status;
}

Napi::Value read_yolo_head_js(const Napi::CallbackInfo& info) {
  return finish(info.Env(), yolo_call(info));
}

}  // namespace

void register_outputs(Napi::Env env, Napi::Object exports) {
  exports.Set("readYoloHead", Napi::Function::New(env, read_yolo_head_js));
}

}  // namespace vedette
