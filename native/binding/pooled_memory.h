#pragma once
#include <napi.h>

#include "../core/buffer_pool.h"

namespace vedette {

// An external ArrayBuffer over memory of the pool. It goes back to the pool when it is released, or
// when nothing can reach the ArrayBuffer any more: collected, or its environment ended.
// When it cannot be made the memory is still the caller's.
napi_status pooled_array_buffer(napi_env env, const PooledMemory& memory, napi_value* out);

void register_pooled_memory(Napi::Env env, Napi::Object exports);

}  // namespace vedette
