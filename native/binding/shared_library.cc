#include "shared_library.h"

#include <dlfcn.h>

#include <string>

#include "request.h"

namespace vedette {
namespace {

// The beginning of ONNX Runtime's OrtApiBase (onnxruntime_c_api.h), which is the same in all versions.
struct OrtApiBase {
  const void* (*get_api)(uint32_t version);
  const char* (*get_version_string)();
};

constexpr size_t kMostMessage = 400;

// Maps the library for ever: what is linked to a library of its name finds it, whatever else is on the
// way (glibc compares the names of what is mapped before it searches).
Napi::Value load_onnx_runtime_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) {
    return finish(env, fail(Code::internal, "the path of a library is expected"));
  }
  const std::string path = info[0].As<Napi::String>().Utf8Value();
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) {
    return finish(env, fail(Code::internal, "the absolute path of a library is expected"));
  }
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    const std::string text = std::string(reason == nullptr ? "" : reason).substr(0, kMostMessage);
    return finish(env, fail(Code::internal, "%s", text.c_str()));
  }
  using BaseFunction = const OrtApiBase* (*)();
  const auto base = reinterpret_cast<BaseFunction>(dlsym(library, "OrtGetApiBase"));
  if (base == nullptr) {
    dlclose(library);
    return finish(env, fail(Code::internal, "it has no function OrtGetApiBase"));
  }
  const OrtApiBase* const api = base();
  return Napi::String::New(env, api->get_version_string());
}

}  // namespace

void register_shared_library(Napi::Env env, Napi::Object exports) {
  exports.Set("loadOnnxRuntime", Napi::Function::New(env, load_onnx_runtime_js));
}

}  // namespace vedette
