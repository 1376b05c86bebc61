#pragma once
#include <napi.h>

#include "../core/buffer_pool.h"

namespace vedette {

// An external ArrayBuffer over memory of the pool. It goes back to the pool when it is released, or
// when nothing can reach the ArrayBuffer any more: collected, or its environment ended.
Napi::ArrayBuffer pooled_array_buffer(Napi::Env env, const PooledMemory& memory);

void register_pooled_memory(Napi::Env env, Napi::Object exports);

}  // namespace vedette
