#include "images.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "../core/image_header.h"
#include "../core/jpeg_to_tensor.h"
#include "request.h"
#include "thread_memory.h"

namespace vedette {
namespace {

Status request_missing() {
  return fail(Code::internal, "the addon was called without its request array");
}

struct Call {
  double* request = nullptr;
  ByteSpan input;
  ByteSpan output;
  ViewSpec view;
  TensorSpec spec;
  BarNote* bars = nullptr;
};

Status read_call(const Napi::CallbackInfo& info, Call* call) {
  call->request = request_of(info[1]);
  if (call->request == nullptr) return request_missing();
  Status status = bytes_of(info[0], "data", &call->input);
  if (status.ok()) status = read_view(call->request, &call->view);
  if (status.ok()) status = read_spec(call->request, &call->spec);
  if (status.ok()) status = read_output(info[2], call->spec, &call->output);
  if (status.ok()) status = read_bars(info[3], &call->bars);
  return status;
}

Status raw_call(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, &call);
  if (!status.ok()) return status;
  PixelView image;
  status = read_image(call.request, call.input, &image);
  if (!status.ok()) return status;
  Transform transform;
  status = raw_to_tensor(image, call.view, call.spec, call.output.data, call.output.size,
                         thread_memory().workspace, &transform, call.bars);
  release_if_huge(thread_memory().workspace.crop);
  if (status.ok()) write_transform(transform, call.request);
  return status;
}

Status jpeg_call(const Napi::CallbackInfo& info) {
  Call call;
  Status status = read_call(info, &call);
  if (!status.ok()) return status;
  int64_t max_pixels;
  status = read_jpeg_limit(call.request, call.input, &max_pixels);
  if (!status.ok()) return status;
  Workspace& workspace = thread_memory().workspace;
  Transform transform;
  status = jpeg_to_tensor(call.input.data, call.input.size, static_cast<uint64_t>(max_pixels),
                          call.view, call.spec, call.output.data, call.output.size, workspace,
                          &transform, call.bars);
  release_if_huge(thread_memory().workspace.picture);
  release_if_huge(thread_memory().workspace.crop);
  if (status.ok()) write_transform(transform, call.request);
  return status;
}

Napi::Value raw_to_tensor_js(const Napi::CallbackInfo& info) {
  return finish(info.Env(), raw_call(info));
}

Napi::Value jpeg_to_tensor_js(const Napi::CallbackInfo& info) {
  return finish(info.Env(), jpeg_call(info));
}

Napi::Value inspect_image_js(const Napi::CallbackInfo& info) {
  double* request = request_of(info[1]);
  if (request == nullptr) return finish(info.Env(), request_missing());
  ByteSpan input;
  Status status = bytes_of(info[0], "data", &input);
  ImageHeader header;
  if (status.ok()) status = read_image_header(input.data, input.size, &header);
  if (status.ok()) {
    request[kResult] = static_cast<double>(header.format);
    request[kResult + 1] = static_cast<double>(header.width);
    request[kResult + 2] = static_cast<double>(header.height);
    request[kResult + 3] = header.orientation.turns;
    request[kResult + 4] = header.orientation.is_mirrored ? 1 : 0;
  }
  return finish(info.Env(), status);
}

Napi::Value encode_jpeg_js(const Napi::CallbackInfo& info) {
  const double* request = request_of(info[1]);
  if (request == nullptr) return finish(info.Env(), request_missing());
  ByteSpan input;
  Status status = bytes_of(info[0], "data", &input);
  PixelView image;
  if (status.ok()) status = read_image(request, input, &image);
  int64_t quality = 0;
  if (status.ok() && !read_integer(request[kQuality], 1, 100, &quality)) {
    status = fail(Code::frame_invalid, "quality must be a whole number of 1 to 100, got %g",
                  request[kQuality]);
  }
  ThreadMemory& memory = thread_memory();
  if (status.ok()) {
    status = encode_jpeg(image, static_cast<int>(quality), memory.workspace.rows, &memory.jpeg);
  }
  if (!status.ok()) return finish(info.Env(), status);
  Napi::Uint8Array copy = Napi::Uint8Array::New(info.Env(), memory.jpeg.size());
  // None is made where the thread is being terminated.
  if (copy.IsEmpty()) return info.Env().Undefined();
  std::memcpy(copy.Data(), memory.jpeg.data(), memory.jpeg.size());
  return copy;
}

Napi::Value limit_data_memory_js(const Napi::CallbackInfo& info) {
  int64_t bytes;
  const bool is_number = info[0].IsNumber();
  if (!is_number ||
      !read_integer(info[0].As<Napi::Number>().DoubleValue(), 1, int64_t{1} << 53, &bytes)) {
    return finish(info.Env(), fail(Code::internal, "a limit in whole bytes is expected"));
  }
  rlimit limit;
  limit.rlim_cur = static_cast<rlim_t>(bytes);
  limit.rlim_max = static_cast<rlim_t>(bytes);
  if (setrlimit(RLIMIT_DATA, &limit) == 0) return info.Env().Undefined();
  return finish(info.Env(), fail(Code::internal, "setrlimit(RLIMIT_DATA, %lld): %s",
                                 static_cast<long long>(bytes), std::strerror(errno)));
}

}  // namespace

void register_images(Napi::Env env, Napi::Object exports) {
  exports.Set("rawToTensor", Napi::Function::New(env, raw_to_tensor_js));
  exports.Set("jpegToTensor", Napi::Function::New(env, jpeg_to_tensor_js));
  exports.Set("inspectImage", Napi::Function::New(env, inspect_image_js));
  exports.Set("encodeJpeg", Napi::Function::New(env, encode_jpeg_js));
  exports.Set("limitDataMemory", Napi::Function::New(env, limit_data_memory_js));
}

}  // namespace vedette
