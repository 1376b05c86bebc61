#include <napi.h>

#include "images.h"
#include "pipes.h"
#include "rings.h"

static Napi::Object start(Napi::Env env, Napi::Object exports) {
  vedette::register_images(env, exports);
  vedette::register_rings(env, exports);
  vedette::register_pipes(env, exports);
  return exports;
}

NODE_API_MODULE(vedette, start)
