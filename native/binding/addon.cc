#include <napi.h>

#include "images.h"
#include "rings.h"

static Napi::Object start(Napi::Env env, Napi::Object exports) {
  vedette::register_images(env, exports);
  vedette::register_rings(env, exports);
  return exports;
}

NODE_API_MODULE(vedette, start)
