#include "genicam_camera.h"

#include <cinttypes>

namespace vedette {

GenicamCamera::~GenicamCamera() {
  if (camera_ != nullptr) aravis_->object_unref(camera_);
}

Status GenicamCamera::failed(const char* what, GlibError* error) const {
  if (error == nullptr) return {};
  const Status status = fail(Code::camera_source_failed, "%s: %s", what, error->message);
  aravis_->error_free(error);
  return status;
}

Status GenicamCamera::refused(const char* setting, GlibError* error) const {
  if (error == nullptr) return {};
  const Status status =
      fail(Code::camera_setting_refused, "the camera refuses %s: %s", setting, error->message);
  aravis_->error_free(error);
  return status;
}

bool GenicamCamera::is_true(int (*ask)(ArvCamera*, GlibError**)) const {
  GlibError* error = nullptr;
  const bool is = ask(camera_, &error) != 0;
  if (error == nullptr) return is;
  aravis_->error_free(error);
  return false;
}

bool GenicamCamera::has_feature(const char* feature) const {
  GlibError* error = nullptr;
  const bool has = aravis_->camera_is_feature_available(camera_, feature, &error) != 0;
  if (error == nullptr) return has;
  aravis_->error_free(error);
  return false;
}

Status GenicamCamera::take_control(const std::string& name) {
  GlibError* error = nullptr;
  camera_ = aravis_->camera_new(name.c_str(), &error);
  if (error != nullptr) {
    const bool is_missing =
        error->domain == aravis_->device_error_quark() && error->code == kArvDeviceErrorNotFound;
    const Status status = failed("it cannot be opened", error);
    if (!is_missing) return status;
    return fail(Code::camera_source_missing, "no camera of this name, serial number or address");
  }
  if (camera_ == nullptr) return fail(Code::camera_source_missing, "no such camera");
  if (aravis_->camera_is_gv_device(camera_) != 0 &&
      aravis_->gv_device_is_controller(aravis_->camera_get_device(camera_)) == 0) {
    return fail(Code::camera_source_failed, "another program controls it");
  }
  return {};
}

Status GenicamCamera::set_enumeration(const char* setting, const char* feature, const char* value) {
  if (!has_feature(feature)) {
    return fail(Code::camera_setting_refused, "%s: the camera has no %s", setting, feature);
  }
  GlibError* error = nullptr;
  unsigned count = 0;
  const char** const names =
      aravis_->camera_dup_available_enumerations_as_strings(camera_, feature, &count, &error);
  if (error != nullptr) return refused(setting, error);
  bool is_known = false;
  std::string list;
  for (unsigned index = 0; index < count; index += 1) {
    is_known = is_known || std::string(names[index]) == value;
    list += (index == 0 ? "" : ", ") + std::string(names[index]);
  }
  aravis_->free(names);
  if (!is_known) {
    return fail(Code::camera_setting_refused, "%s: the camera's %s can be %s, got %s", setting,
                feature, list.c_str(), value);
  }
  aravis_->camera_set_string(camera_, feature, value, &error);
  if (error != nullptr) return refused(setting, error);
  const char* const is = aravis_->camera_get_string(camera_, feature, &error);
  if (error != nullptr) return refused(setting, error);
  if (is == nullptr || std::string(is) != value) {
    return fail(Code::camera_setting_refused, "%s: %s stays %s though it was set to %s", setting,
                feature, is == nullptr ? "unset" : is, value);
  }
  return {};
}

Status GenicamCamera::set_pixel_format(uint32_t format) {
  GlibError* error = nullptr;
  unsigned count = 0;
  int64_t* const formats = aravis_->camera_dup_available_pixel_formats(camera_, &count, &error);
  if (error != nullptr) return refused("pixelFormat", error);
  bool is_known = false;
  for (unsigned index = 0; index < count; index += 1) {
    is_known = is_known || formats[index] == static_cast<int64_t>(format);
  }
  aravis_->free(formats);
  if (!is_known) {
    return fail(Code::camera_setting_refused,
                "pixelFormat: the camera has not the one asked for (0x%08" PRIX32 ")", format);
  }
  aravis_->camera_set_pixel_format(camera_, format, &error);
  return refused("pixelFormat", error);
}

Status GenicamCamera::set_region(const GenicamSettings& settings) {
  if (settings.width < 0 && settings.offset_x < 0) return {};
  GlibError* error = nullptr;
  int x = 0, y = 0, width = 0, height = 0;
  aravis_->camera_get_region(camera_, &x, &y, &width, &height, &error);
  if (error != nullptr) return refused("size", error);
  if (settings.offset_x >= 0) x = settings.offset_x, y = settings.offset_y;
  if (settings.width >= 0) width = settings.width, height = settings.height;
  aravis_->camera_set_region(camera_, x, y, width, height, &error);
  if (error != nullptr) return refused("size or offset", error);
  int is_x = 0, is_y = 0, is_width = 0, is_height = 0;
  aravis_->camera_get_region(camera_, &is_x, &is_y, &is_width, &is_height, &error);
  if (error != nullptr) return refused("size", error);
  if (is_x == x && is_y == y && is_width == width && is_height == height) return {};
  return fail(Code::camera_setting_refused,
              "size, offset: the camera reads %dx%d from (%d, %d) when %dx%d from (%d, %d) is "
              "asked for",
              is_width, is_height, is_x, is_y, width, height, x, y);
}

Status GenicamCamera::check_bounds(const char* setting, double value,
                                   void (*ask)(ArvCamera*, double*, double*, GlibError**)) const {
  GlibError* error = nullptr;
  double low = 0, high = 0;
  ask(camera_, &low, &high, &error);
  if (error != nullptr) return refused(setting, error);
  if (value >= low && value <= high) return {};
  return fail(Code::camera_setting_refused, "%s: the camera takes %g to %g, got %g", setting, low,
              high, value);
}

Status GenicamCamera::set_rate(double frames_per_second) {
  if (frames_per_second <= 0) return {};
  if (!is_true(aravis_->camera_is_frame_rate_available)) {
    return fail(Code::camera_setting_refused, "framesPerSecond: the camera's rate cannot be set");
  }
  const Status bounds =
      check_bounds("framesPerSecond", frames_per_second, aravis_->camera_get_frame_rate_bounds);
  if (!bounds.ok()) return bounds;
  GlibError* error = nullptr;
  aravis_->camera_set_frame_rate(camera_, frames_per_second, &error);
  return refused("framesPerSecond", error);
}

Status GenicamCamera::set_exposure(const GenicamSettings& settings) {
  const bool is_set = settings.exposure_us >= 0;
  if (!settings.exposure_auto.empty()) {
    const Status status =
        set_enumeration("exposureAuto", "ExposureAuto", settings.exposure_auto.c_str());
    if (!status.ok()) return status;
  } else if (is_set && is_true(aravis_->camera_is_exposure_auto_available)) {
    const Status status = set_enumeration("exposureUs", "ExposureAuto", "Off");
    if (!status.ok()) return status;
  }
  if (!is_set) return {};
  if (!is_true(aravis_->camera_is_exposure_time_available)) {
    return fail(Code::camera_setting_refused,
                "exposureUs: the camera's exposure time cannot be set");
  }
  const Status bounds =
      check_bounds("exposureUs", settings.exposure_us, aravis_->camera_get_exposure_time_bounds);
  if (!bounds.ok()) return bounds;
  GlibError* error = nullptr;
  aravis_->camera_set_exposure_time(camera_, settings.exposure_us, &error);
  return refused("exposureUs", error);
}

Status GenicamCamera::set_gain(const GenicamSettings& settings) {
  const bool is_set = settings.gain_db >= 0;
  if (!settings.gain_auto.empty()) {
    const Status status = set_enumeration("gainAuto", "GainAuto", settings.gain_auto.c_str());
    if (!status.ok()) return status;
  } else if (is_set && is_true(aravis_->camera_is_gain_auto_available)) {
    const Status status = set_enumeration("gainDb", "GainAuto", "Off");
    if (!status.ok()) return status;
  }
  if (!is_set) return {};
  if (!is_true(aravis_->camera_is_gain_available)) {
    return fail(Code::camera_setting_refused, "gainDb: the camera's gain cannot be set");
  }
  const Status bounds = check_bounds("gainDb", settings.gain_db, aravis_->camera_get_gain_bounds);
  if (!bounds.ok()) return bounds;
  GlibError* error = nullptr;
  aravis_->camera_set_gain(camera_, settings.gain_db, &error);
  return refused("gainDb", error);
}

// SFNC (GenICam Standard Features Naming Convention), «Trigger»: one picture a pulse is FrameStart. The
// mode comes last: some cameras take another source only while it is off.
Status GenicamCamera::set_trigger(const GenicamSettings& settings) {
  if (has_feature("TriggerMode")) {
    GlibError* error = nullptr;
    aravis_->camera_clear_triggers(camera_, &error);
    if (error != nullptr) return refused("trigger", error);
  }
  if (settings.trigger_source.empty()) return {};
  if (has_feature("TriggerSelector")) {
    const Status status = set_enumeration("trigger", "TriggerSelector", "FrameStart");
    if (!status.ok()) return status;
  }
  Status status =
      set_enumeration("trigger.source", "TriggerSource", settings.trigger_source.c_str());
  if (status.ok() && !settings.trigger_activation.empty()) {
    status = set_enumeration("trigger.activation", "TriggerActivation",
                             settings.trigger_activation.c_str());
  }
  return status.ok() ? set_enumeration("trigger", "TriggerMode", "On") : status;
}

Status GenicamCamera::open(const GenicamSettings& settings, GenicamSize* size) {
  Status status = load_aravis(&aravis_);
  if (status.ok()) status = take_control(settings.camera);
  if (!status.ok()) return status;
  GlibError* error = nullptr;
  // It may still send, to a process that was killed.
  aravis_->camera_stop_acquisition(camera_, &error);
  status = failed("it cannot be stopped", error);
  if (status.ok()) status = set_pixel_format(settings.pixel_format);
  if (status.ok()) status = set_region(settings);
  if (status.ok()) status = set_rate(settings.frames_per_second);
  if (status.ok()) status = set_exposure(settings);
  if (status.ok()) status = set_gain(settings);
  if (status.ok()) status = set_trigger(settings);
  if (status.ok() && has_feature("AcquisitionMode")) {
    status = set_enumeration("AcquisitionMode", "AcquisitionMode", "Continuous");
  }
  if (!status.ok()) return status;
  error = nullptr;
  aravis_->camera_get_region(camera_, nullptr, nullptr, &size->width, &size->height, &error);
  return failed("its size cannot be read", error);
}

}  // namespace vedette
