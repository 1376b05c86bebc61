#pragma once
#include <napi.h>

namespace vedette {

void register_images(Napi::Env env, Napi::Object exports);

}  // namespace vedette
