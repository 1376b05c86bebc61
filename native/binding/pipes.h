#pragma once
#include <napi.h>

namespace vedette {

void register_pipes(Napi::Env env, Napi::Object exports);

}  // namespace vedette
