#pragma once
#include <cstddef>
#include <cstdint>

namespace vedette {

// Codes of component/contract/errors.ts that the addon can report. Order is mirrored in status.cc.
enum class Code : int {
  ok = 0,
  frame_invalid,
  tensor_invalid,
  image_corrupt,
  image_format_unsupported,
  image_too_large,
  overloaded,
  shutting_down,
  internal,
  aravis_missing,
  camera_source_missing,
  camera_source_failed,
  camera_setting_refused,
};

const char* code_name(Code code);

// What every fallible function of the core returns: no exception crosses its border.
struct Status {
  Code code = Code::ok;
  char text[320] = {0};

  bool ok() const { return code == Code::ok; }
};

Status fail(Code code, const char* format, ...) __attribute__((format(printf, 2, 3)));
Status out_of_memory(size_t bytes);

// False when the product or sum does not fit.
inline bool multiply(size_t a, size_t b, size_t* out) { return !__builtin_mul_overflow(a, b, out); }
inline bool add(size_t a, size_t b, size_t* out) { return !__builtin_add_overflow(a, b, out); }

}  // namespace vedette
