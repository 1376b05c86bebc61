#include "tensor_threads.h"

#include <cstring>
#include <memory>

#include "../core/jpeg_to_tensor.h"
#include "../core/task_threads.h"
#include "pooled_memory.h"
#include "request.h"

namespace vedette {
namespace {

struct Cell;

// Threads and their way back to JavaScript. Lives until it is closed and the thread-safe function has
// handed over what was under way.
struct Handle {
  napi_env env = nullptr;
  napi_threadsafe_function notify = nullptr;
  std::unique_ptr<TaskThreads> threads;
  Cell* cell = nullptr;
  int pending = 0;
  bool is_closed = false;
  bool has_environment = true;
};

// What JavaScript holds: emptied when the threads are closed.
struct Cell {
  Handle* handle = nullptr;
};

size_t bytes_of_tensor(const TensorSpec& spec) {
  return static_cast<size_t>(spec.width) * static_cast<size_t>(spec.height) *
         static_cast<size_t>(spec.channels()) * element_bytes(spec.dtype);
}

// One call. Its input is a copy: what JavaScript does to its own buffer meanwhile changes nothing.
class TensorTask : public TaskThreads::Task {
 public:
  explicit TensorTask(Handle* handle) : handle_(handle) {}
  ~TensorTask() override {
    if (input_.token != 0) (void)BufferPool::shared().release(input_.token);
    if (output_.token != 0) (void)BufferPool::shared().release(output_.token);
  }

  Status read(const Napi::CallbackInfo& info, bool is_jpeg);
  void run(Workspace& workspace) override;
  void end(bool has_run) override;
  Napi::Value promise();
  // On JavaScript's thread.
  void settle(napi_env env);

 private:
  Status fill(Workspace& workspace);
  bool make_answer(napi_env env, napi_value* answer);
  bool make_fault(napi_env env, napi_value* fault);

  Handle* const handle_;
  napi_deferred deferred_ = nullptr;
  bool is_jpeg_ = false;
  int64_t max_pixels_ = 0;
  PixelView image_;
  ViewSpec view_;
  TensorSpec spec_;
  PooledMemory input_;
  PooledMemory output_;
  Transform transform_;
  Status status_;
};

Status TensorTask::read(const Napi::CallbackInfo& info, bool is_jpeg) {
  const double* request = request_of(info[2]);
  if (request == nullptr) {
    return fail(Code::internal, "the addon was called without its request array");
  }
  is_jpeg_ = is_jpeg;
  ByteSpan bytes;
  Status status = bytes_of(info[1], "data", &bytes);
  if (status.ok()) status = read_view(request, &view_);
  if (status.ok()) status = read_spec(request, &spec_);
  if (!status.ok()) return status;
  if (is_jpeg) {
    status = read_jpeg_limit(request, bytes, &max_pixels_);
  } else {
    status = read_image(request, bytes, &image_);
  }
  if (status.ok()) status = BufferPool::shared().acquire(bytes.size, &input_);
  if (!status.ok()) return status;
  std::memcpy(input_.data, bytes.data, bytes.size);
  return is_jpeg ? status : read_image(request, {input_.data, input_.size}, &image_);
}

Status TensorTask::fill(Workspace& workspace) {
  Status status = BufferPool::shared().acquire(bytes_of_tensor(spec_), &output_);
  if (!status.ok()) return status;
  if (!is_jpeg_) {
    return raw_to_tensor(image_, view_, spec_, output_.data, output_.size, workspace, &transform_);
  }
  return jpeg_to_tensor(input_.data, input_.size, static_cast<uint64_t>(max_pixels_), view_, spec_,
                        output_.data, output_.size, workspace, &transform_);
}

void TensorTask::run(Workspace& workspace) {
  status_ = fill(workspace);
  (void)BufferPool::shared().release(input_.token);
  input_.token = 0;
}

void TensorTask::end(bool has_run) {
  if (has_run) {
    const napi_status called =
        napi_call_threadsafe_function(handle_->notify, this, napi_tsfn_nonblocking);
    if (called != napi_ok) delete this;
    return;
  }
  status_ =
      fail(Code::shutting_down, "the threads for tensors were closed before this call's turn");
  if (handle_->has_environment)
    settle(handle_->env);
  else
    delete this;
}

Napi::Value TensorTask::promise() {
  napi_value promise = nullptr;
  const bool is_made = napi_create_promise(handle_->env, &deferred_, &promise) == napi_ok;
  if (!is_made) deferred_ = nullptr;
  if (handle_->pending++ == 0) napi_ref_threadsafe_function(handle_->env, handle_->notify);
  return is_made ? Napi::Value(handle_->env, promise) : Napi::Value();
}

// An environment that is being terminated refuses every call: then nobody waits for the answer, and the
// task goes with what it holds.
bool TensorTask::make_answer(napi_env env, napi_value* answer) {
  napi_value numbers_memory, numbers, token, buffer;
  void* memory = nullptr;
  const bool is_made =
      napi_create_object(env, answer) == napi_ok &&
      napi_create_arraybuffer(env, kSlots * sizeof(double), &memory, &numbers_memory) == napi_ok &&
      napi_create_typedarray(env, napi_float64_array, kSlots, numbers_memory, 0, &numbers) ==
          napi_ok &&
      napi_create_double(env, static_cast<double>(output_.token), &token) == napi_ok &&
      napi_set_named_property(env, *answer, "request", numbers) == napi_ok &&
      napi_set_named_property(env, *answer, "token", token) == napi_ok &&
      pooled_array_buffer(env, output_, &buffer) == napi_ok;
  if (!is_made) return false;
  output_.token = 0;
  write_transform(transform_, static_cast<double*>(memory));
  return napi_set_named_property(env, *answer, "buffer", buffer) == napi_ok;
}

bool TensorTask::make_fault(napi_env env, napi_value* fault) {
  napi_value code, text;
  const char* const name = code_name(status_.code);
  return napi_create_string_utf8(env, name, NAPI_AUTO_LENGTH, &code) == napi_ok &&
         napi_create_string_utf8(env, status_.text, NAPI_AUTO_LENGTH, &text) == napi_ok &&
         napi_create_error(env, code, text, fault) == napi_ok;
}

void TensorTask::settle(napi_env env) {
  if (--handle_->pending == 0) napi_unref_threadsafe_function(env, handle_->notify);
  napi_value value;
  if (deferred_ == nullptr) {
    // The environment was being terminated when the promise was asked for.
  } else if (status_.ok() && make_answer(env, &value)) {
    napi_resolve_deferred(env, deferred_, value);
  } else {
    if (status_.ok()) status_ = fail(Code::internal, "no ArrayBuffer could be made for the answer");
    if (make_fault(env, &value)) napi_reject_deferred(env, deferred_, value);
  }
  delete this;
}

void on_ended(napi_env env, napi_value, void*, void* data) {
  TensorTask* const task = static_cast<TensorTask*>(data);
  if (env == nullptr)
    delete task;
  else
    task->settle(env);
}

void on_released(napi_env, void*, void* context) { delete static_cast<Handle*>(context); }

void on_environment_end(void* data);

void close_handle(Handle* handle, bool has_environment) {
  if (handle->is_closed) return;
  handle->is_closed = true;
  handle->has_environment = has_environment;
  if (handle->cell != nullptr) handle->cell->handle = nullptr;
  napi_remove_env_cleanup_hook(handle->env, on_environment_end, handle);
  handle->threads->close();
  // What has run is still handed over, unless there is nobody left. `on_released` deletes the handle.
  napi_release_threadsafe_function(handle->notify,
                                   has_environment ? napi_tsfn_release : napi_tsfn_abort);
}

void on_environment_end(void* data) { close_handle(static_cast<Handle*>(data), false); }

// Tells it from what else the addon hands out.
constexpr napi_type_tag kThreadsTag = {0x7665646574746501, 0x7468726561647301};

Handle* handle_of(const Napi::Value& value) {
  if (!value.IsExternal()) return nullptr;
  const auto external = value.As<Napi::External<Cell>>();
  return external.CheckTypeTag(&kThreadsTag) ? external.Data()->handle : nullptr;
}

Napi::Value threads_open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  int64_t numbers[2];
  for (int i = 0; i < 2; i++) {
    const Napi::Value value = info[static_cast<size_t>(i)];
    if (!value.IsNumber() ||
        !read_integer(value.As<Napi::Number>().DoubleValue(), INT32_MIN, INT32_MAX, &numbers[i])) {
      return finish(env, fail(Code::frame_invalid, "threads and maxQueued must be whole numbers"));
    }
  }
  std::unique_ptr<TaskThreads> threads;
  const Status status = TaskThreads::open(numbers[0], numbers[1], &threads);
  if (!status.ok()) return finish(env, status);
  Handle* const handle = new Handle;
  handle->env = env;
  handle->threads = std::move(threads);
  const napi_value name = Napi::String::New(env, "vedette.TensorThreads");
  const napi_status made = napi_create_threadsafe_function(
      env, nullptr, nullptr, name, 0, 1, nullptr, on_released, handle, on_ended, &handle->notify);
  if (made != napi_ok) {
    delete handle;
    return finish(env, fail(Code::internal, "no thread-safe function could be made"));
  }
  // Threads that nothing was asked of do not keep the process alive.
  napi_unref_threadsafe_function(env, handle->notify);
  napi_add_env_cleanup_hook(env, on_environment_end, handle);
  handle->cell = new Cell{handle};
  const auto external = Napi::External<Cell>::New(env, handle->cell, [](Napi::Env, Cell* cell) {
    Handle* const left = cell->handle;
    if (left != nullptr) {
      left->cell = nullptr;
      close_handle(left, true);
    }
    delete cell;
  });
  external.TypeTag(&kThreadsTag);
  return external;
}

Napi::Value submit(const Napi::CallbackInfo& info, bool is_jpeg) {
  Handle* const handle = handle_of(info[0]);
  if (handle == nullptr) {
    return finish(info.Env(), fail(Code::shutting_down, "the threads for tensors are closed"));
  }
  std::unique_ptr<TensorTask> task(new TensorTask(handle));
  Status status = task->read(info, is_jpeg);
  if (!status.ok()) return finish(info.Env(), status);
  status = handle->threads->submit(task.get());
  if (!status.ok()) return finish(info.Env(), status);
  // It cannot be settled before this function returns.
  return task.release()->promise();
}

Napi::Value threads_raw_to_tensor(const Napi::CallbackInfo& info) { return submit(info, false); }
Napi::Value threads_jpeg_to_tensor(const Napi::CallbackInfo& info) { return submit(info, true); }

Napi::Value threads_close(const Napi::CallbackInfo& info) {
  Handle* const handle = handle_of(info[0]);
  if (handle != nullptr) close_handle(handle, true);
  return info.Env().Undefined();
}

}  // namespace

void register_tensor_threads(Napi::Env env, Napi::Object exports) {
  exports.Set("threadsOpen", Napi::Function::New(env, threads_open));
  exports.Set("threadsRawToTensor", Napi::Function::New(env, threads_raw_to_tensor));
  exports.Set("threadsJpegToTensor", Napi::Function::New(env, threads_jpeg_to_tensor));
  exports.Set("threadsClose", Napi::Function::New(env, threads_close));
}

}  // namespace vedette
