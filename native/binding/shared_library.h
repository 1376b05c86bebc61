#pragma once
#include <napi.h>

namespace vedette {

void register_shared_library(Napi::Env env, Napi::Object exports);

}  // namespace vedette
