#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "aravis.h"

namespace vedette {

// Empty strings, negative numbers and a rate of 0: as the camera is set.
struct GenicamSettings {
  std::string camera;
  uint32_t pixel_format = 0;  // of the GenICam Pixel Format Naming Convention
  int width = -1;
  int height = -1;
  int offset_x = -1;
  int offset_y = -1;
  double frames_per_second = 0;
  double exposure_us = -1;
  double gain_db = -1;
  std::string exposure_auto;
  std::string gain_auto;
  // Empty: the camera runs freely.
  std::string trigger_source;
  std::string trigger_activation;
  bool resends_packets = true;
};

struct GenicamSize {
  int width = 0;
  int height = 0;
};

// A camera under the control of this process, given back when it is destroyed.
class GenicamCamera {
 public:
  GenicamCamera() = default;
  ~GenicamCamera();
  GenicamCamera(const GenicamCamera&) = delete;
  GenicamCamera& operator=(const GenicamCamera&) = delete;

  // Opens and sets it. ARAVIS_MISSING, CAMERA_SOURCE_MISSING, CAMERA_SOURCE_FAILED,
  // CAMERA_SETTING_REFUSED: it has not the feature or value that is named, or refuses it.
  Status open(const GenicamSettings& settings, GenicamSize* size);

  // Leaves a camera that does not answer to the end of the process.
  void abandon() { camera_ = nullptr; }

  const Aravis& library() const { return *aravis_; }
  ArvCamera* handle() const { return camera_; }
  // CAMERA_SOURCE_FAILED with what the library said, which is freed; ok when there is no error.
  Status failed(const char* what, GlibError* error) const;

 private:
  Status take_control(const std::string& name);
  Status set_pixel_format(uint32_t format);
  Status set_region(const GenicamSettings& settings);
  Status set_rate(double frames_per_second);
  Status set_exposure(const GenicamSettings& settings);
  Status set_gain(const GenicamSettings& settings);
  Status set_trigger(const GenicamSettings& settings);
  Status set_enumeration(const char* setting, const char* feature, const char* value);
  Status refused(const char* setting, GlibError* error) const;
  bool has_feature(const char* feature) const;
  bool is_true(int (*ask)(ArvCamera*, GlibError**)) const;
  Status check_bounds(const char* setting, double value,
                      void (*ask)(ArvCamera*, double*, double*, GlibError**)) const;

  const Aravis* aravis_ = nullptr;
  ArvCamera* camera_ = nullptr;
};

}  // namespace vedette
