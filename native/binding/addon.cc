#include <napi.h>

#include <cstdlib>

#include "../core/row_kernels.h"
#include "areas.h"
#include "genicam.h"
#include "images.h"
#include "outputs.h"
#include "pipes.h"
#include "pooled_memory.h"
#include "rings.h"
#include "shared_library.h"
#include "tensor_threads.h"
#include "tiles.h"

static Napi::Value kernel_name(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), vedette::row_kernels().name);
}

static Napi::Object start(Napi::Env env, Napi::Object exports) {
  const vedette::Status status = vedette::choose_row_kernels(std::getenv("VEDETTE_KERNEL"));
  if (!status.ok()) {
    Napi::Error::New(env, status.text).ThrowAsJavaScriptException();
    return exports;
  }
  exports.Set("kernelName", Napi::Function::New(env, kernel_name));
  vedette::register_images(env, exports);
  vedette::register_outputs(env, exports);
  vedette::register_areas(env, exports);
  vedette::register_tiles(env, exports);
  vedette::register_rings(env, exports);
  vedette::register_pipes(env, exports);
  vedette::register_pooled_memory(env, exports);
  vedette::register_tensor_threads(env, exports);
  vedette::register_shared_library(env, exports);
  vedette::register_genicam(env, exports);
  return exports;
}

NODE_API_MODULE(vedette, start)
