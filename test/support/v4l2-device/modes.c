// What a USB camera can send and is set to: its formats, sizes and rates.
#include "camera.h"

#include <errno.h>
#include <stdio.h>

static const struct mode MODES[] = {
    {V4L2_PIX_FMT_YUYV, 640, 480, {30, 15}},
    {V4L2_PIX_FMT_YUYV, 320, 240, {120, 30, 5}},
    {V4L2_PIX_FMT_MJPEG, 768, 576, {60, 30}},
};
enum { MODE_COUNT = sizeof MODES / sizeof MODES[0] };

static const struct {
  uint32_t fourcc, flags;
  const char* description;
} FORMATS[] = {
    {V4L2_PIX_FMT_YUYV, 0, "YUYV 4:2:2"},
    {V4L2_PIX_FMT_MJPEG, V4L2_FMT_FLAG_COMPRESSED, "Motion-JPEG"},
};
enum { FORMAT_COUNT = sizeof FORMATS / sizeof FORMATS[0] };

static uint32_t distance(uint32_t a, uint32_t b) { return a > b ? a - b : b - a; }

static const struct mode* nearest_mode(const struct v4l2_pix_format* asked) {
  uint32_t fourcc = MODES[0].fourcc;
  for (int i = 0; i < FORMAT_COUNT; i += 1) {
    if (FORMATS[i].fourcc == asked->pixelformat) fourcc = asked->pixelformat;
  }
  const struct mode* best = NULL;
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < MODE_COUNT; i += 1) {
    const struct mode* mode = &MODES[i];
    const uint64_t far =
        (uint64_t)distance(mode->width, asked->width) + distance(mode->height, asked->height);
    if (mode->fourcc != fourcc || far >= least) continue;
    best = mode;
    least = far;
  }
  return best;
}

void describe_format(const struct mode* mode, struct v4l2_pix_format* format) {
  const bool is_raw = mode->fourcc == V4L2_PIX_FMT_YUYV;
  *format = (struct v4l2_pix_format){
      .width = mode->width,
      .height = mode->height,
      .pixelformat = mode->fourcc,
      .field = V4L2_FIELD_NONE,
      .bytesperline = is_raw ? 2 * mode->width : 0,
      .sizeimage = 2 * mode->width * mode->height,
      .colorspace = V4L2_COLORSPACE_SRGB,
      .priv = V4L2_PIX_FMT_PRIV_MAGIC,
  };
}

int set_format(struct handle* handle, struct v4l2_format* format, bool is_try) {
  if (format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
  const struct mode* mode = nearest_mode(&format->fmt.pix);
  if (!is_try) {
    if (!may_stream(handle) || handle->buffer_count > 0) return fail(EBUSY);
    handle->mode = mode;
    handle->rate = mode->rates[0];
  }
  describe_format(mode, &format->fmt.pix);
  return 0;
}

int set_rate(struct handle* handle, struct v4l2_streamparm* parameters, bool is_set) {
  if (parameters->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
  const struct v4l2_fract asked = parameters->parm.capture.timeperframe;
  if (is_set) {
    if (!may_stream(handle) || handle->is_streaming) return fail(EBUSY);
    const uint32_t rate = asked.numerator == 0 ? handle->rate : asked.denominator / asked.numerator;
    handle->rate = handle->mode->rates[0];
    for (int i = 1; i < MAX_RATES && handle->mode->rates[i] != 0; i += 1) {
      if (distance(handle->mode->rates[i], rate) < distance(handle->rate, rate)) {
        handle->rate = handle->mode->rates[i];
      }
    }
  }
  parameters->parm.capture = (struct v4l2_captureparm){
      .capability = V4L2_CAP_TIMEPERFRAME,
      .timeperframe = {.numerator = 1, .denominator = handle->rate},
  };
  return 0;
}

int enumerate_format(struct v4l2_fmtdesc* asked) {
  if (asked->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || asked->index >= FORMAT_COUNT)
    return fail(EINVAL);
  asked->flags = FORMATS[asked->index].flags;
  asked->pixelformat = FORMATS[asked->index].fourcc;
  snprintf((char*)asked->description, sizeof asked->description, "%s",
           FORMATS[asked->index].description);
  return 0;
}

int enumerate_size(struct v4l2_frmsizeenum* asked) {
  uint32_t index = asked->index;
  for (int i = 0; i < MODE_COUNT; i += 1) {
    if (MODES[i].fourcc != asked->pixel_format || index-- > 0) continue;
    asked->type = V4L2_FRMSIZE_TYPE_DISCRETE;
    asked->discrete = (struct v4l2_frmsize_discrete){MODES[i].width, MODES[i].height};
    return 0;
  }
  return fail(EINVAL);
}

int enumerate_rate(struct v4l2_frmivalenum* asked) {
  for (int i = 0; i < MODE_COUNT; i += 1) {
    const struct mode* mode = &MODES[i];
    if (mode->fourcc != asked->pixel_format || mode->width != asked->width ||
        mode->height != asked->height)
      continue;
    if (asked->index >= MAX_RATES || mode->rates[asked->index] == 0) break;
    asked->type = V4L2_FRMIVAL_TYPE_DISCRETE;
    asked->discrete = (struct v4l2_fract){1, mode->rates[asked->index]};
    return 0;
  }
  return fail(EINVAL);
}

void choose_first_mode(struct handle* handle) {
  handle->mode = &MODES[0];
  handle->rate = MODES[0].rates[0];
}
