#pragma once
#include <napi.h>

namespace vedette {

void register_tensor_threads(Napi::Env env, Napi::Object exports);

}  // namespace vedette
