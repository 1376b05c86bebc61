#include "status.h"

#include <cstdarg>
#include <cstdio>

namespace vedette {

const char* code_name(Code code) {
  static const char* const names[] = {
      "OK",
      "FRAME_INVALID",
      "TENSOR_INVALID",
      "IMAGE_CORRUPT",
      "IMAGE_FORMAT_UNSUPPORTED",
      "IMAGE_TOO_LARGE",
      "OVERLOADED",
      "SHUTTING_DOWN",
      "INTERNAL",
      "ARAVIS_MISSING",
      "CAMERA_SOURCE_MISSING",
      "CAMERA_SOURCE_FAILED",
      "CAMERA_SETTING_REFUSED",
  };
  return names[static_cast<int>(code)];
}

Status fail(Code code, const char* format, ...) {
  Status status;
  status.code = code;
  va_list args;
  va_start(args, format);
  vsnprintf(status.text, sizeof status.text, format, args);
  va_end(args);
  return status;
}

Status out_of_memory(size_t bytes) {
  return fail(Code::image_too_large, "%zu bytes of memory are needed and the system refused them",
              bytes);
}

}  // namespace vedette
