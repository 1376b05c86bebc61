#pragma once
#include <napi.h>

namespace vedette {

void register_genicam(Napi::Env env, Napi::Object exports);

}  // namespace vedette
