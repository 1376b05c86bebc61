#pragma once
#include <cstdint>

#include "genicam_camera.h"

namespace vedette {

// What happens while pictures flow, told on the thread that runs the stream.
class GenicamListener {
 public:
  virtual ~GenicamListener() = default;
  // The camera sends from now on, or waits for its trigger.
  virtual void on_open() = 0;
  // A picture came with packets missing. `status` is an ArvBufferStatus.
  virtual void on_incomplete(int status) = 0;
  // Pictures came while every buffer was full.
  virtual void on_overrun(uint64_t pictures) = 0;
};

// Opens a camera, and writes its pictures to a pipe, rows without gaps, until SIGTERM or SIGINT comes
// or the reader closes the pipe. With a descriptor below 0 it only tells the size. It blocks its thread
// and takes over both signals: for a process of its own.
// As GenicamCamera::open, and CAMERA_SOURCE_FAILED when the camera was lost, or when its pictures are of
// another size than `size`, if that is not 0.
Status run_genicam(const GenicamSettings& settings, int descriptor, GenicamListener* listener,
                   GenicamSize* size);

}  // namespace vedette
