#include "pipes.h"

#include <atomic>
#include <memory>

#include "../core/pipe_frame_reader.h"
#include "request.h"
#include "rings.h"

namespace vedette {
namespace {

// A reader and its way back to JavaScript. Lives until JavaScript closed it (or its environment ends)
// and the thread-safe function has let go of it.
struct PipeHandle {
  std::unique_ptr<PipeFrameReader> reader;
  napi_threadsafe_function notify = nullptr;
  // Set while a call is on its way: the counts of later frames ride along.
  std::atomic<bool> is_notified{false};
  bool has_reported_end = false;
  bool is_closed = false;
  napi_env env = nullptr;
};

void on_counts(void* context) {
  PipeHandle* handle = static_cast<PipeHandle*>(context);
  if (handle->is_notified.exchange(true)) return;
  napi_call_threadsafe_function(handle->notify, nullptr, napi_tsfn_nonblocking);
}

// Runs on JavaScript's thread: (published, overwritten, discarded, hasEnded, partialBytes, errno,
// fault), the last one a text, empty without one.
void report(napi_env env, napi_value callback, void* context, void*) {
  PipeHandle* handle = static_cast<PipeHandle*>(context);
  handle->is_notified.store(false);
  if (env == nullptr || callback == nullptr || handle->is_closed) return;
  const PipeCounts counts = handle->reader->take_counts();
  const bool is_end = counts.has_ended && !handle->has_reported_end;
  const bool has_news = counts.published + counts.overwritten + counts.discarded > 0;
  if (!has_news && !is_end) return;
  handle->has_reported_end |= is_end;
  // Nothing more will come: a forgotten reader must not keep the process alive.
  if (is_end) napi_unref_threadsafe_function(env, handle->notify);
  const double numbers[] = {
      static_cast<double>(counts.published),     static_cast<double>(counts.overwritten),
      static_cast<double>(counts.discarded),     is_end ? 1.0 : 0.0,
      static_cast<double>(counts.partial_bytes), static_cast<double>(counts.error)};
  napi_value arguments[7];
  for (int i = 0; i < 6; i++) napi_create_double(env, numbers[i], &arguments[i]);
  napi_create_string_utf8(env, counts.fault.text, NAPI_AUTO_LENGTH, &arguments[6]);
  napi_value undefined;
  napi_get_undefined(env, &undefined);
  // An exception of the callback stays pending and becomes an uncaught one, as of any event.
  napi_call_function(env, undefined, callback, 7, arguments, nullptr);
}

void close_handle(PipeHandle* handle);

void on_environment_end(void* data) { close_handle(static_cast<PipeHandle*>(data)); }

void on_released(napi_env, void*, void* context) { delete static_cast<PipeHandle*>(context); }

void close_handle(PipeHandle* handle) {
  if (handle->is_closed) return;
  handle->is_closed = true;
  napi_remove_env_cleanup_hook(handle->env, on_environment_end, handle);
  handle->reader->close();
  handle->reader->close_write_end();
  // The thread is gone: this was the only user. `on_released` deletes the handle.
  napi_release_threadsafe_function(handle->notify, napi_tsfn_abort);
}

// The External outlives the handle: it holds a cell that is emptied on close.
struct PipeCell {
  PipeHandle* handle = nullptr;
};

// Tells it from what else the addon hands out.
constexpr napi_type_tag kPipeTag = {0x7665646574746501, 0x7069706500000001};

PipeCell* cell_of(const Napi::Value& value) {
  if (!value.IsExternal()) return nullptr;
  const auto external = value.As<Napi::External<PipeCell>>();
  return external.CheckTypeTag(&kPipeTag) ? external.Data() : nullptr;
}

Napi::Value pipe_open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  PipeFrameReader::Options options;
  Status status = find_ring(info[0], &options.ring);
  const double* numbers = ring_numbers(info[1]);
  if (status.ok() && numbers == nullptr) {
    status = fail(Code::internal, "the addon was called without its array of numbers");
  }
  if (status.ok()) status = read_note(numbers, &options.note);
  if (status.ok() && !info[4].IsFunction()) {
    status = fail(Code::internal, "a function for counts is expected");
  }
  if (!status.ok()) return finish(env, status);
  options.may_overwrite = info[2].ToBoolean();
  options.is_y4m = info[3].ToBoolean();

  PipeHandle* handle = new PipeHandle;
  handle->env = env;
  const napi_value name = Napi::String::New(env, "vedette.PipeFrameReader");
  const napi_status made = napi_create_threadsafe_function(
      env, info[4], nullptr, name, 0, 1, nullptr, on_released, handle, report, &handle->notify);
  if (made != napi_ok) {
    delete handle;
    return finish(env, fail(Code::internal, "no thread-safe function could be made"));
  }
  options.notify = on_counts;
  options.context = handle;
  status = PipeFrameReader::open(options, &handle->reader);
  if (!status.ok()) {
    handle->is_closed = true;
    napi_release_threadsafe_function(handle->notify, napi_tsfn_abort);
    return finish(env, status);
  }
  napi_add_env_cleanup_hook(env, on_environment_end, handle);
  PipeCell* cell = new PipeCell{handle};
  const auto external =
      Napi::External<PipeCell>::New(env, cell, [](Napi::Env, PipeCell* data) { delete data; });
  external.TypeTag(&kPipeTag);
  return external;
}

Napi::Value pipe_write_fd(const Napi::CallbackInfo& info) {
  const PipeCell* cell = cell_of(info[0]);
  const bool is_open = cell != nullptr && cell->handle != nullptr;
  return Napi::Number::New(info.Env(), is_open ? cell->handle->reader->write_fd() : -1);
}

Napi::Value pipe_close_write_end(const Napi::CallbackInfo& info) {
  const PipeCell* cell = cell_of(info[0]);
  if (cell != nullptr && cell->handle != nullptr) cell->handle->reader->close_write_end();
  return info.Env().Undefined();
}

// The counts that no notification brought yet: (published, overwritten, discarded) into the numbers.
Napi::Value pipe_close(const Napi::CallbackInfo& info) {
  PipeCell* cell = cell_of(info[0]);
  double* numbers = ring_numbers(info[1]);
  if (numbers == nullptr) {
    return finish(info.Env(), fail(Code::internal, "an array of numbers is expected"));
  }
  numbers[0] = numbers[1] = numbers[2] = 0;
  if (cell == nullptr || cell->handle == nullptr) return info.Env().Undefined();
  PipeHandle* handle = cell->handle;
  cell->handle = nullptr;
  handle->reader->close();
  const PipeCounts counts = handle->reader->take_counts();
  numbers[0] = static_cast<double>(counts.published);
  numbers[1] = static_cast<double>(counts.overwritten);
  numbers[2] = static_cast<double>(counts.discarded);
  close_handle(handle);
  return info.Env().Undefined();
}

}  // namespace

void register_pipes(Napi::Env env, Napi::Object exports) {
  exports.Set("pipeOpen", Napi::Function::New(env, pipe_open));
  exports.Set("pipeWriteFd", Napi::Function::New(env, pipe_write_fd));
  exports.Set("pipeCloseWriteEnd", Napi::Function::New(env, pipe_close_write_end));
  exports.Set("pipeClose", Napi::Function::New(env, pipe_close));
}

}  // namespace vedette
