#pragma once
#include <cstdint>

#include "../core/status.h"

namespace vedette {

// The part of libaravis 0.8 (its headers arv*.h) and of GLib that is called. The library is mapped when
// the first camera is opened, so that no machine without industrial cameras needs it.
struct GlibError {
  uint32_t domain;
  int code;
  char* message;
};
struct ArvCamera;
struct ArvDevice;
struct ArvStream;
struct ArvBuffer;

constexpr int kArvDeviceErrorNotFound = 6;  // arvdevice.h
constexpr int kArvBufferSuccess = 0;        // arvbuffer.h
constexpr int kArvBufferCleared = 1;
constexpr int kArvBufferAborted = 6;

struct Aravis {
  ArvCamera* (*camera_new)(const char* name, GlibError** error);
  ArvDevice* (*camera_get_device)(ArvCamera*);
  int (*camera_is_gv_device)(ArvCamera*);
  int (*gv_device_is_controller)(ArvDevice*);
  uint32_t (*device_error_quark)();

  int (*camera_is_feature_available)(ArvCamera*, const char* feature, GlibError**);
  const char** (*camera_dup_available_enumerations_as_strings)(ArvCamera*, const char* feature,
                                                               unsigned* count, GlibError**);
  void (*camera_set_string)(ArvCamera*, const char* feature, const char* value, GlibError**);
  const char* (*camera_get_string)(ArvCamera*, const char* feature, GlibError**);
  void (*camera_clear_triggers)(ArvCamera*, GlibError**);

  int64_t* (*camera_dup_available_pixel_formats)(ArvCamera*, unsigned* count, GlibError**);
  void (*camera_set_pixel_format)(ArvCamera*, uint32_t format, GlibError**);
  void (*camera_get_region)(ArvCamera*, int* x, int* y, int* width, int* height, GlibError**);
  void (*camera_set_region)(ArvCamera*, int x, int y, int width, int height, GlibError**);
  int (*camera_is_frame_rate_available)(ArvCamera*, GlibError**);
  void (*camera_get_frame_rate_bounds)(ArvCamera*, double* low, double* high, GlibError**);
  void (*camera_set_frame_rate)(ArvCamera*, double per_second, GlibError**);
  int (*camera_is_exposure_time_available)(ArvCamera*, GlibError**);
  int (*camera_is_exposure_auto_available)(ArvCamera*, GlibError**);
  void (*camera_get_exposure_time_bounds)(ArvCamera*, double* low, double* high, GlibError**);
  void (*camera_set_exposure_time)(ArvCamera*, double microseconds, GlibError**);
  int (*camera_is_gain_available)(ArvCamera*, GlibError**);
  int (*camera_is_gain_auto_available)(ArvCamera*, GlibError**);
  void (*camera_get_gain_bounds)(ArvCamera*, double* low, double* high, GlibError**);
  void (*camera_set_gain)(ArvCamera*, double decibels, GlibError**);

  unsigned (*camera_get_payload)(ArvCamera*, GlibError**);
  ArvStream* (*camera_create_stream)(ArvCamera*, void* callback, void* data, GlibError**);
  void (*camera_start_acquisition)(ArvCamera*, GlibError**);
  void (*camera_stop_acquisition)(ArvCamera*, GlibError**);
  ArvBuffer* (*buffer_new_allocate)(size_t bytes);
  void (*stream_push_buffer)(ArvStream*, ArvBuffer*);
  ArvBuffer* (*stream_timeout_pop_buffer)(ArvStream*, uint64_t microseconds);
  void (*stream_get_statistics)(ArvStream*, uint64_t* completed, uint64_t* failed,
                                uint64_t* underruns);
  int (*buffer_get_status)(ArvBuffer*);
  const void* (*buffer_get_data)(ArvBuffer*, size_t* bytes);
  void (*buffer_get_image_region)(ArvBuffer*, int* x, int* y, int* width, int* height);
  uint32_t (*buffer_get_image_pixel_format)(ArvBuffer*);

  void (*object_unref)(void*);
  void (*object_set)(void*, const char* first, ...);
  unsigned long (*signal_connect_data)(void*, const char* signal, void (*handler)(), void* data,
                                       void* destroy, int flags);
  void (*error_free)(GlibError*);
  void (*free)(void*);
};

// ARAVIS_MISSING when the library is not there or lacks a function.
Status load_aravis(const Aravis** out);

}  // namespace vedette
