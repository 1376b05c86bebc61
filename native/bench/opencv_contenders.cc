// The same as people write it with OpenCV in C++, on one thread.
#include <memory>

#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>

#include "contender.h"

namespace vedette::bench {

namespace {

int conversion(PixelFormat format) {
  switch (format) {
    case PixelFormat::nv12: return cv::COLOR_YUV2RGB_NV12;
    case PixelFormat::i420: return cv::COLOR_YUV2RGB_I420;
    case PixelFormat::yuyv: return cv::COLOR_YUV2RGB_YUYV;
    default: return -1;
  }
}

struct OpencvWork {
  cv::Mat frame, rgb, resized, boxed, blob;
};

}  // namespace

void add_opencv_contenders(const Frame& frame, std::vector<Contender>& contenders) {
  const int code = conversion(frame.format);
  if (code < 0) return;
  cv::setNumThreads(1);
  const bool is_yuyv = frame.format == PixelFormat::yuyv;
  for (const int side : kSides) {
    for (const int interpolation : {cv::INTER_LINEAR, cv::INTER_AREA}) {
      const auto state = std::make_shared<OpencvWork>();
      state->frame = cv::Mat(is_yuyv ? kHeight : kHeight * 3 / 2, kWidth,
                             is_yuyv ? CV_8UC2 : CV_8UC1, const_cast<uint8_t*>(frame.bytes.data()));
      const int fitted = side * kHeight / kWidth;
      const int top = (side - fitted) / 2;
      const std::string work = std::string(format_name(frame.format)) + ' ' + std::to_string(side) +
                               (interpolation == cv::INTER_AREA ? " area" : "");
      contenders.push_back(
          {work, "OpenCV C++",
           [state, code, side, fitted, top, interpolation] {
             cv::cvtColor(state->frame, state->rgb, code);
             cv::resize(state->rgb, state->resized, cv::Size(side, fitted), 0, 0, interpolation);
             cv::copyMakeBorder(state->resized, state->boxed, top, side - fitted - top, 0, 0,
                                cv::BORDER_CONSTANT, cv::Scalar::all(kPad));
             cv::dnn::blobFromImage(state->boxed, state->blob, 1 / 255.0);
           },
           [state] {
             return Output{state->blob.ptr<float>(), static_cast<size_t>(state->blob.total())};
           }});
    }
  }
}

}  // namespace vedette::bench
