#pragma once
#include <napi.h>

namespace vedette {

void register_tiles(Napi::Env env, Napi::Object exports);

}  // namespace vedette
