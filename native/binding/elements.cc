#include "elements.h"

#include "../core/output_kernels.h"

namespace vedette {

Status floats_of(const Napi::Value& value, Buffer<float>& memory, Span<const float>* out) {
  const bool has_halves =
      value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint16_array;
  if (!has_halves) {
    return elements_of(value, napi_float32_array,
                       "a Float32Array, or a Uint16Array of halves, for the output's values", out);
  }
  Span<const uint16_t> halves;
  const Status status = elements_of(value, napi_uint16_array, "a Uint16Array of halves", &halves);
  if (!status.ok()) return status;
  if (!memory.reserve(halves.size)) return out_of_memory(halves.size * sizeof(float));
  output_kernels().widen_halves(halves.data, halves.size, memory.data());
  *out = {memory.data(), halves.size};
  return {};
}

Status numbers_of(const Napi::Value& value, int count, double** out) {
  Span<double> numbers;
  const Status status =
      elements_of(value, napi_float64_array, "a Float64Array for the call's numbers", &numbers);
  if (!status.ok()) return status;
  if (numbers.size < static_cast<size_t>(count)) {
    return fail(Code::internal, "the addon was called with too few numbers");
  }
  *out = numbers.data;
  return {};
}

Status read_size(double value, const char* name, size_t* out) {
  int64_t whole;
  if (!read_integer(value, 0, int64_t{1} << 53, &whole)) {
    return fail(Code::tensor_invalid, "%s must be a whole number from 0 on, got %g", name, value);
  }
  *out = static_cast<size_t>(whole);
  return {};
}

}  // namespace vedette
