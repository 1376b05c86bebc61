#include "areas.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "../core/class_map.h"
#include "../core/instance_masks.h"
#include "../core/output_kernels.h"
#include "elements.h"

namespace vedette {
namespace {

// Each worker thread keeps its own scratch memory.
struct ThreadMemory {
  AreaWorkspace areas;
  ClassMapWorkspace classes;
  MaskWorkspace masks;
  Buffer<float> widened;
  Buffer<uint8_t> mask;
  Buffer<uint16_t> map;
  NumberList list;
};
ThreadMemory& thread_memory() {
  static thread_local ThreadMemory memory;
  return memory;
}

Status refused_memory() {
  return fail(Code::internal, "the system refused the memory for the areas of an output");
}

// What the list holds, as an Int32Array of its own.
Napi::Value answer(Napi::Env env, const Status& status) {
  ThreadMemory& memory = thread_memory();
  Napi::Value value = env.Undefined();
  if (status.ok()) {
    const size_t count = memory.list.size();
    Napi::Int32Array copy = Napi::Int32Array::New(env, count);
    if (copy.IsEmpty()) return value;
    if (count > 0) std::memcpy(copy.Data(), memory.list.data(), count * sizeof(int32_t));
    value = copy;
  }
  constexpr size_t kKeptNumbers = size_t{4} << 20;
  if (memory.list.capacity() > kKeptNumbers) memory.list.release();
  release_if_huge(memory.areas.runs);
  release_if_huge(memory.areas.order);
  release_if_huge(memory.masks.areas.runs);
  release_if_huge(memory.masks.areas.order);
  release_if_huge(memory.masks.mask);
  release_if_huge(memory.widened);
  release_if_huge(memory.mask);
  release_if_huge(memory.map);
  return status.ok() ? value : finish(env, status);
}

struct GridCall {
  double* numbers = nullptr;
  size_t width = 0;
  size_t height = 0;
  CellBox within;
  AreaLimits limits;
};

Status read_call(const Napi::Value& value, GridCall* call) {
  thread_memory().list.clear();
  Status status = numbers_of(value, kAreaSlots, &call->numbers);
  if (!status.ok()) return status;
  const double* const numbers = call->numbers;
  call->numbers[kAreaFault] = 0;
  size_t* const box[4] = {&call->within.x, &call->within.y, &call->within.width,
                          &call->within.height};
  status = read_size(numbers[kAreaWidth], "width", &call->width);
  if (status.ok()) status = read_size(numbers[kAreaHeight], "height", &call->height);
  for (int i = 0; i < 4 && status.ok(); i++) {
    status = read_size(numbers[kAreaBox + i], "within", box[i]);
  }
  if (status.ok()) status = read_size(numbers[kAreaMaxAreas], "maxAreas", &call->limits.max_areas);
  call->limits.min_cells = numbers[kAreaMinCells];
  if (status.ok() && std::isnan(call->limits.min_cells)) {
    status = fail(Code::tensor_invalid, "minCells must be a number");
  }
  return status;
}

Status list_mask(const GridCall& call) {
  ThreadMemory& memory = thread_memory();
  return list_areas<uint8_t>(memory.mask.data(), call.width, call.height, call.within, 0,
                             call.limits, memory.areas, &memory.list);
}

Status mask_call(const Napi::CallbackInfo& info) {
  GridCall call;
  Span<const uint8_t> mask;
  Status status = read_call(info[1], &call);
  if (status.ok()) {
    status = elements_of(info[0], napi_uint8_array, "a Uint8Array for the mask", &mask);
  }
  if (status.ok()) status = check_grid(call.width, call.height, mask.size, call.within);
  if (!status.ok()) return status;
  Buffer<uint8_t>& cells = thread_memory().mask;
  if (!cells.reserve(mask.size)) return refused_memory();
  uint8_t* const out = cells.data();
  for (size_t i = 0; i < mask.size; i++) out[i] = mask.data[i] != 0 ? 1 : 0;
  return list_mask(call);
}

// The least float that is not below `threshold`: compared with it, floats give the same as compared
// with the double.
float least_from(double threshold) {
  const float near = static_cast<float>(threshold);
  if (static_cast<double>(near) >= threshold) return near;
  return std::nextafter(near, std::numeric_limits<float>::infinity());
}

Status map_call(const Napi::CallbackInfo& info) {
  GridCall call;
  Span<const float> values;
  ThreadMemory& memory = thread_memory();
  Status status = read_call(info[1], &call);
  if (status.ok()) status = floats_of(info[0], memory.widened, &values);
  if (status.ok()) status = check_grid(call.width, call.height, values.size, call.within);
  if (!status.ok()) return status;
  const double threshold = call.numbers[kAreaThreshold];
  if (!std::isfinite(threshold)) {
    return fail(Code::tensor_invalid, "threshold must be a finite number, got %g", threshold);
  }
  if (!memory.mask.reserve(values.size)) return refused_memory();
  const uint32_t bits = output_kernels().threshold(values.data, least_from(threshold), values.size,
                                                   memory.mask.data());
  if (bits >= kNotFinite) {
    call.numbers[kAreaFault] = static_cast<double>(MapFault::Kind::not_finite);
    return {};
  }
  return list_mask(call);
}

// From scores (float32, float16) or from indices (uint8, int32, int64).
Status read_classes(const Napi::Value& value, const GridCall& call, size_t classes,
                    MapFault* fault) {
  ThreadMemory& memory = thread_memory();
  const size_t cells = call.width * call.height;
  if (!memory.map.reserve(cells)) return refused_memory();
  uint16_t* const map = memory.map.data();
  const napi_typedarray_type type =
      value.IsTypedArray() ? value.As<Napi::TypedArray>().TypedArrayType() : napi_float32_array;
  const auto read = [&](auto span) {
    const Status status = elements_of(value, type, "a typed array of class indices", &span);
    if (!status.ok()) return status;
    if (span.size != cells) return check_grid(call.width, call.height, span.size, call.within);
    return classes_of_indices(span.data, classes, cells, map, fault);
  };
  if (type == napi_uint8_array) return read(Span<const uint8_t>{});
  if (type == napi_int32_array) return read(Span<const int32_t>{});
  if (type == napi_bigint64_array) return read(Span<const int64_t>{});
  Span<const float> scores;
  const Status status = floats_of(value, memory.widened, &scores);
  if (!status.ok()) return status;
  size_t elements = 0;
  if (!multiply(cells, classes, &elements) || elements != scores.size) {
    return fail(Code::tensor_invalid, "%zu scores came for %zu classes of %zu x %zu cells",
                scores.size, classes, call.width, call.height);
  }
  const bool is_last = call.numbers[kAreaIsLast] != 0;
  return classes_of_scores(scores.data, classes, cells, is_last, memory.classes, map, fault);
}

// The list begins with how many cells each class has inside the box.
Status count_classes(const GridCall& call, size_t classes) {
  ThreadMemory& memory = thread_memory();
  NumberList& list = memory.list;
  for (size_t i = 0; i < classes; i++) {
    if (!list.push(0)) return refused_memory();
  }
  for (size_t y = call.within.y; y < call.within.y + call.within.height; y++) {
    const uint16_t* const row = memory.map.data() + y * call.width + call.within.x;
    // Somebody may write into shared memory meanwhile: no class is trusted twice.
    for (size_t x = 0; x < call.within.width; x++) {
      if (row[x] < classes) list[row[x]]++;
    }
  }
  return {};
}

Status class_call(const Napi::CallbackInfo& info) {
  GridCall call;
  size_t classes = 0, background = 0;
  Status status = read_call(info[1], &call);
  if (status.ok()) status = read_size(call.numbers[kAreaClasses], "classes", &classes);
  if (status.ok()) status = read_size(call.numbers[kAreaBackground], "background", &background);
  if (status.ok()) {
    status = check_grid(call.width, call.height, call.width * call.height, call.within);
  }
  if (!status.ok()) return status;
  if (classes < 1 || classes > kMaxMapClasses || background > kNoClass) {
    return fail(Code::tensor_invalid, "1 to %zu classes expected, got %zu and the background %zu",
                kMaxMapClasses, classes, background);
  }
  MapFault fault;
  status = read_classes(info[0], call, classes, &fault);
  if (!status.ok()) return status;
  call.numbers[kAreaFault] = static_cast<double>(fault.kind);
  call.numbers[kAreaElement] = static_cast<double>(fault.element);
  call.numbers[kAreaValue] = fault.value;
  if (fault.kind != MapFault::Kind::none) return {};
  status = count_classes(call, classes);
  if (!status.ok()) return status;
  ThreadMemory& memory = thread_memory();
  return list_areas<uint16_t>(memory.map.data(), call.width, call.height, call.within,
                              static_cast<uint16_t>(background), call.limits, memory.areas,
                              &memory.list);
}

Status instance_call(const Napi::CallbackInfo& info) {
  GridCall call;
  Prototypes prototypes;
  Span<const float> values, boxes;
  ThreadMemory& memory = thread_memory();
  Status status = read_call(info[2], &call);
  const double* const numbers = call.numbers;
  if (status.ok()) status = read_size(numbers[kAreaChannels], "channels", &prototypes.channels);
  if (status.ok()) {
    status = read_size(numbers[kAreaPrototypeWidth], "prototype width", &prototypes.width);
  }
  if (status.ok()) {
    status = read_size(numbers[kAreaPrototypeHeight], "prototype height", &prototypes.height);
  }
  if (status.ok()) {
    status = elements_of(info[1], napi_float32_array, "a Float32Array of boxes", &boxes);
  }
  if (status.ok()) status = floats_of(info[0], memory.widened, &values);
  if (!status.ok()) return status;
  prototypes.values = values.data;
  const MaskInput input = {call.width, call.height, call.within};
  status = check_prototypes(prototypes, values.size, input);
  if (!status.ok()) return status;
  // x1, y1, x2, y2 and the coefficients of each; there are no more channels than values.
  const size_t length = 4 + prototypes.channels;
  if (boxes.size % length != 0) {
    return fail(Code::tensor_invalid, "%zu numbers came for boxes of %zu each", boxes.size, length);
  }
  if (output_kernels().largest_bits(values.data, values.size) >= kNotFinite) {
    call.numbers[kAreaFault] = static_cast<double>(MapFault::Kind::not_finite);
    return {};
  }
  for (size_t at = 0; at < boxes.size && status.ok(); at += length) {
    status = list_mask_areas(prototypes, input, boxes.data + at, boxes.data + at + 4, call.limits,
                             memory.masks, &memory.list);
  }
  return status;
}

Napi::Value mask_areas_js(const Napi::CallbackInfo& info) {
  return answer(info.Env(), mask_call(info));
}

Napi::Value map_areas_js(const Napi::CallbackInfo& info) {
  return answer(info.Env(), map_call(info));
}

Napi::Value class_areas_js(const Napi::CallbackInfo& info) {
  return answer(info.Env(), class_call(info));
}

Napi::Value instance_areas_js(const Napi::CallbackInfo& info) {
  return answer(info.Env(), instance_call(info));
}

Napi::Value is_finite_js(const Napi::CallbackInfo& info) {
  Span<const float> values;
  const Status status =
      elements_of(info[0], napi_float32_array, "a Float32Array for the values", &values);
  if (!status.ok()) return finish(info.Env(), status);
  const uint32_t bits = output_kernels().largest_bits(values.data, values.size);
  return Napi::Boolean::New(info.Env(), bits < kNotFinite);
}

}  // namespace

void register_areas(Napi::Env env, Napi::Object exports) {
  exports.Set("maskAreas", Napi::Function::New(env, mask_areas_js));
  exports.Set("mapAreas", Napi::Function::New(env, map_areas_js));
  exports.Set("classAreas", Napi::Function::New(env, class_areas_js));
  exports.Set("instanceMaskAreas", Napi::Function::New(env, instance_areas_js));
  exports.Set("isFinite", Napi::Function::New(env, is_finite_js));
}

}  // namespace vedette
