#pragma once
#include <napi.h>

#include "../core/buffer.h"
#include "request.h"

namespace vedette {

template <typename T>
struct Span {
  T* data = nullptr;
  size_t size = 0;
};

// The elements of a typed array of this type; TENSOR_INVALID when it is none. Detached: none are left.
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

// float32 as it is; halves (a Uint16Array) are widened into `memory`.
Status floats_of(const Napi::Value& value, Buffer<float>& memory, Span<const float>* out);

// A Float64Array of at least `count` numbers.
Status numbers_of(const Napi::Value& value, int count, double** out);

// A whole number from 0 on.
Status read_size(double value, const char* name, size_t* out);

}  // namespace vedette
