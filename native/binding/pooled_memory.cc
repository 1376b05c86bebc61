#include "pooled_memory.h"

#include "request.h"
#include "rings.h"

namespace vedette {
namespace {

Status numbers_missing() {
  return fail(Code::internal, "the addon was called without its array of numbers");
}

// (bytes, numbers) → ArrayBuffer; its token into the first number.
Napi::Value pool_acquire(const Napi::CallbackInfo& info) {
  double* const numbers = ring_numbers(info[1]);
  if (numbers == nullptr) return finish(info.Env(), numbers_missing());
  const bool is_number = info[0].IsNumber();
  int64_t size = 0;
  if (!is_number ||
      !read_integer(info[0].As<Napi::Number>().DoubleValue(), -kMaxWhole, kMaxWhole, &size)) {
    return finish(info.Env(), fail(Code::tensor_invalid, "byteLength must be a whole number"));
  }
  if (size < 0) {
    return finish(info.Env(), fail(Code::tensor_invalid, "byteLength must be 1 or more, got %lld",
                                   static_cast<long long>(size)));
  }
  PooledMemory memory;
  const Status status = BufferPool::shared().acquire(static_cast<size_t>(size), &memory);
  if (!status.ok()) return finish(info.Env(), status);
  numbers[0] = static_cast<double>(memory.token);
  napi_value buffer;
  if (pooled_array_buffer(info.Env(), memory, &buffer) != napi_ok) {
    (void)BufferPool::shared().release(memory.token);
    return finish(info.Env(), fail(Code::internal, "no ArrayBuffer could be made"));
  }
  return Napi::Value(info.Env(), buffer);
}

// (ArrayBuffer, token): the ArrayBuffer is detached first, so that no view of it sees what the next
// user writes.
Napi::Value pool_release(const Napi::CallbackInfo& info) {
  int64_t token;
  const bool has_token =
      info[1].IsNumber() &&
      read_integer(info[1].As<Napi::Number>().DoubleValue(), 0, kMaxWhole, &token);
  if (!info[0].IsArrayBuffer() || !has_token) {
    return finish(info.Env(), fail(Code::tensor_invalid,
                                   "an ArrayBuffer of the pool and its token "
                                   "are expected"));
  }
  Napi::ArrayBuffer buffer = info[0].As<Napi::ArrayBuffer>();
  if (buffer.IsDetached()) {
    return finish(info.Env(),
                  fail(Code::tensor_invalid,
                       "this memory was released before, or moved to another ArrayBuffer: then it "
                       "comes back when that one is collected"));
  }
  Status status = BufferPool::shared().check_held(token, buffer.Data());
  if (status.ok() && napi_detach_arraybuffer(info.Env(), buffer) != napi_ok) {
    status = fail(Code::internal, "the ArrayBuffer could not be detached");
  }
  if (status.ok()) status = BufferPool::shared().release(token);
  return finish(info.Env(), status);
}

// Statistics in the order of BufferPoolStatistics.
Napi::Value pool_statistics(const Napi::CallbackInfo& info) {
  double* const numbers = ring_numbers(info[0]);
  if (numbers == nullptr) return finish(info.Env(), numbers_missing());
  const PoolStatistics all = BufferPool::shared().statistics();
  numbers[0] = static_cast<double>(all.held);
  numbers[1] = static_cast<double>(all.held_bytes);
  numbers[2] = static_cast<double>(all.idle);
  numbers[3] = static_cast<double>(all.idle_bytes);
  numbers[4] = static_cast<double>(all.acquired);
  numbers[5] = static_cast<double>(all.reused);
  numbers[6] = static_cast<double>(all.refused);
  return info.Env().Undefined();
}

}  // namespace

napi_status pooled_array_buffer(napi_env env, const PooledMemory& memory, napi_value* out) {
  int64_t* const token = new int64_t(memory.token);
  const auto on_unreachable = [](napi_env, void*, void* hint) {
    int64_t* const held = static_cast<int64_t*>(hint);
    // Refused where the memory was released before: that is the usual way.
    (void)BufferPool::shared().release(*held);
    delete held;
  };
  const napi_status status =
      napi_create_external_arraybuffer(env, memory.data, memory.size, on_unreachable, token, out);
  if (status != napi_ok) delete token;
  return status;
}

void register_pooled_memory(Napi::Env env, Napi::Object exports) {
  exports.Set("poolAcquire", Napi::Function::New(env, pool_acquire));
  exports.Set("poolRelease", Napi::Function::New(env, pool_release));
  exports.Set("poolStatistics", Napi::Function::New(env, pool_statistics));
}

}  // namespace vedette
