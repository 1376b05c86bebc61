#include "genicam.h"

#include <cmath>

#include "genicam_stream.h"
#include "request.h"

namespace vedette {
namespace {

// Mirrored in native/genicam.ts. Numbers that are NaN: as the camera is set.
enum Number : size_t {
  kPixelFormat,
  kPictureWidth,
  kPictureHeight,
  kOffsetX,
  kOffsetY,
  kFramesPerSecond,
  kExposureUs,
  kGainDb,
  kResendsPackets,
  kDescriptor,
  kIsWidth,
  kIsHeight,
  kNumbers,
};
enum Text : uint32_t { kCamera, kExposureAuto, kGainAuto, kTriggerSource, kActivation, kTexts };

// What is told to JavaScript: mirrored in native/genicam.ts.
enum News : int { kOpen, kIncomplete, kOverrun };

constexpr int kMostPixels = 65'535;
constexpr int kMostDescriptor = 1 << 20;

class Teller : public GenicamListener {
 public:
  Teller(Napi::Env env, Napi::Function tell) : env_(env), tell_(tell) {}
  void on_open() override { call(kOpen, 0); }
  void on_incomplete(int status) override { call(kIncomplete, status); }
  void on_overrun(uint64_t pictures) override { call(kOverrun, static_cast<double>(pictures)); }

 private:
  void call(News news, double number) {
    const Napi::HandleScope scope(env_);
    tell_.Call({Napi::Number::New(env_, news), Napi::Number::New(env_, number)});
  }

  Napi::Env env_;
  Napi::Function tell_;
};

bool read_pixels(double value, int* out) {
  if (std::isnan(value)) return true;
  int64_t number = 0;
  if (!read_integer(value, 0, kMostPixels, &number)) return false;
  *out = static_cast<int>(number);
  return true;
}

bool read_texts(const Napi::Value& value, GenicamSettings* out) {
  if (!value.IsArray()) return false;
  const Napi::Array texts = value.As<Napi::Array>();
  if (texts.Length() != kTexts) return false;
  std::string* const places[kTexts] = {&out->camera, &out->exposure_auto, &out->gain_auto,
                                       &out->trigger_source, &out->trigger_activation};
  for (uint32_t index = 0; index < kTexts; index += 1) {
    const Napi::Value text = texts.Get(index);
    if (!text.IsString()) return false;
    *places[index] = text.As<Napi::String>().Utf8Value();
    if (places[index]->find('\0') != std::string::npos) return false;
  }
  return !out->camera.empty();
}

bool read_numbers(const double* numbers, GenicamSettings* out, int* descriptor) {
  int64_t format = 0, resends = 0, fd = 0;
  if (!read_integer(numbers[kPixelFormat], 0, UINT32_MAX, &format) ||
      !read_integer(numbers[kResendsPackets], 0, 1, &resends) ||
      !read_integer(numbers[kDescriptor], -1, kMostDescriptor, &fd) ||
      !read_pixels(numbers[kPictureWidth], &out->width) ||
      !read_pixels(numbers[kPictureHeight], &out->height) ||
      !read_pixels(numbers[kOffsetX], &out->offset_x) ||
      !read_pixels(numbers[kOffsetY], &out->offset_y)) {
    return false;
  }
  out->pixel_format = static_cast<uint32_t>(format);
  out->resends_packets = resends == 1;
  *descriptor = static_cast<int>(fd);
  if (!std::isnan(numbers[kFramesPerSecond])) {
    out->frames_per_second = numbers[kFramesPerSecond];
  }
  if (!std::isnan(numbers[kExposureUs])) out->exposure_us = numbers[kExposureUs];
  if (!std::isnan(numbers[kGainDb])) out->gain_db = numbers[kGainDb];
  return (out->width < 0) == (out->height < 0) && (out->offset_x < 0) == (out->offset_y < 0);
}

// texts, numbers, a function of (news, number)
Napi::Value run_genicam_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  GenicamSettings settings;
  TypedMemory memory;
  int descriptor = -1;
  const bool is_right = read_texts(info[0], &settings) && typed_memory_of(env, info[1], &memory) &&
                        memory.type == napi_float64_array && memory.length == kNumbers &&
                        info[2].IsFunction();
  double* const numbers = reinterpret_cast<double*>(memory.data);
  GenicamSize size;
  if (!is_right || !read_numbers(numbers, &settings, &descriptor) ||
      (descriptor >= 0 && (!read_pixels(numbers[kIsWidth], &size.width) ||
                           !read_pixels(numbers[kIsHeight], &size.height)))) {
    return finish(env, fail(Code::internal, "settings of a GenICam camera are expected"));
  }
  Teller teller(env, info[2].As<Napi::Function>());
  const Status status = run_genicam(settings, descriptor, &teller, &size);
  numbers[kIsWidth] = size.width;
  numbers[kIsHeight] = size.height;
  return finish(env, status);
}

Napi::Value require_aravis_js(const Napi::CallbackInfo& info) {
  const Aravis* aravis = nullptr;
  return finish(info.Env(), load_aravis(&aravis));
}

}  // namespace

void register_genicam(Napi::Env env, Napi::Object exports) {
  exports.Set("runGenicam", Napi::Function::New(env, run_genicam_js));
  exports.Set("requireAravis", Napi::Function::New(env, require_aravis_js));
}

}  // namespace vedette
