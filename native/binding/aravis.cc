#include "aravis.h"

#include <dlfcn.h>

namespace vedette {
namespace {

constexpr const char* kLibrary = "libaravis-0.8.so.0";

// Finds names in the library and what it is linked to, which has GLib's.
class Symbols {
 public:
  explicit Symbols(void* library) : library_(library) {}

  template <typename Function>
  void find(const char* name, Function* out) {
    void* const address = dlsym(library_, name);
    if (address == nullptr && missing_ == nullptr) missing_ = name;
    *out = reinterpret_cast<Function>(address);
  }

  // The first name that was not found; nullptr when there is none.
  const char* missing() const { return missing_; }

 private:
  void* library_;
  const char* missing_ = nullptr;
};

void find_all(Symbols* symbols, Aravis* out) {
#define VEDETTE_ARV(name) symbols->find("arv_" #name, &out->name)
  VEDETTE_ARV(camera_new);
  VEDETTE_ARV(camera_get_device);
  VEDETTE_ARV(camera_is_gv_device);
  VEDETTE_ARV(gv_device_is_controller);
  VEDETTE_ARV(device_error_quark);
  VEDETTE_ARV(camera_is_feature_available);
  VEDETTE_ARV(camera_dup_available_enumerations_as_strings);
  VEDETTE_ARV(camera_set_string);
  VEDETTE_ARV(camera_get_string);
  VEDETTE_ARV(camera_clear_triggers);
  VEDETTE_ARV(camera_dup_available_pixel_formats);
  VEDETTE_ARV(camera_set_pixel_format);
  VEDETTE_ARV(camera_get_region);
  VEDETTE_ARV(camera_set_region);
  VEDETTE_ARV(camera_is_frame_rate_available);
  VEDETTE_ARV(camera_get_frame_rate_bounds);
  VEDETTE_ARV(camera_set_frame_rate);
  VEDETTE_ARV(camera_is_exposure_time_available);
  VEDETTE_ARV(camera_is_exposure_auto_available);
  VEDETTE_ARV(camera_get_exposure_time_bounds);
  VEDETTE_ARV(camera_set_exposure_time);
  VEDETTE_ARV(camera_is_gain_available);
  VEDETTE_ARV(camera_is_gain_auto_available);
  VEDETTE_ARV(camera_get_gain_bounds);
  VEDETTE_ARV(camera_set_gain);
  VEDETTE_ARV(camera_get_payload);
  VEDETTE_ARV(camera_create_stream);
  VEDETTE_ARV(camera_start_acquisition);
  VEDETTE_ARV(camera_stop_acquisition);
  VEDETTE_ARV(buffer_new_allocate);
  VEDETTE_ARV(stream_push_buffer);
  VEDETTE_ARV(stream_timeout_pop_buffer);
  VEDETTE_ARV(stream_get_statistics);
  VEDETTE_ARV(buffer_get_status);
  VEDETTE_ARV(buffer_get_data);
  VEDETTE_ARV(buffer_get_image_region);
  VEDETTE_ARV(buffer_get_image_pixel_format);
#undef VEDETTE_ARV
  symbols->find("g_object_unref", &out->object_unref);
  symbols->find("g_object_set", &out->object_set);
  symbols->find("g_signal_connect_data", &out->signal_connect_data);
  symbols->find("g_error_free", &out->error_free);
  symbols->find("g_free", &out->free);
}

}  // namespace

Status load_aravis(const Aravis** out) {
  static Aravis aravis;
  void* const library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* const reason = dlerror();
    return fail(Code::aravis_missing, "%s", reason == nullptr ? kLibrary : reason);
  }
  Symbols symbols(library);
  find_all(&symbols, &aravis);
  if (symbols.missing() != nullptr) {
    return fail(Code::aravis_missing, "%s has no function %s", kLibrary, symbols.missing());
  }
  *out = &aravis;
  return {};
}

}  // namespace vedette
