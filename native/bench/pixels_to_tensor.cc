// Ours beside C++ OpenCV on one thread, in turns within one process, and JPEG beside libjpeg-turbo's
// entropy decoding alone. Prints medians in milliseconds of processor time and ratios.
// Usage: pixels_to_tensor <rounds> <JPEG file>...
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include <jpeglib.h>

#include <opencv2/dnn.hpp>
#include <opencv2/imgproc.hpp>

#include "../core/jpeg_decoder.h"
#include "../core/raw_to_tensor.h"

using namespace vedette;

namespace {

constexpr int kWidth = 1920;
constexpr int kHeight = 1080;
constexpr double kPad = 114;

struct Contender {
  std::string name;
  std::function<void()> run;
  std::vector<double> times;

  double median() const {
    std::vector<double> sorted = times;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

// Processor time of this thread, on which all contenders do all of their work: what else the machine
// does counts less than by the clock on the wall.
double thread_ms() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

// One call of each in every round, so that a slow moment hits all alike.
void measure(std::vector<Contender>& contenders, int rounds) {
  for (int round = -2; round < rounds; round++) {
    for (Contender& contender : contenders) {
      const double start = thread_ms();
      contender.run();
      const double time = thread_ms() - start;
      if (round >= 0) contender.times.push_back(time);
    }
  }
}

// `peer` is the first contender; ratios are its time by theirs.
void print(const char* title, const std::vector<Contender>& contenders) {
  std::printf("%s\n", title);
  for (const Contender& contender : contenders) {
    std::printf("  %-28s %8.3f ms   %6.2fx\n", contender.name.c_str(), contender.median(),
                contenders[0].median() / contender.median());
  }
}

void require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.text);
  std::exit(1);
}

TensorSpec letterbox(int side, Interpolation interpolation) {
  TensorSpec spec;
  spec.width = spec.height = side;
  spec.resize = Resize::letterbox;
  spec.interpolation = interpolation;
  spec.scale = 1 / 255.0;
  spec.pad_value = kPad;
  return spec;
}

std::vector<Contender> for_each_kernel(const std::function<void()>& run) {
  std::vector<Contender> contenders;
  for (int i = 0; available_row_kernels(i) != nullptr; i++) {
    const char* const name = available_row_kernels(i)->name;
    contenders.push_back({std::string("Vedette, ") + name,
                          [name, run] {
                            require(choose_row_kernels(name));
                            run();
                          },
                          {}});
  }
  return contenders;
}

void compare_raw(PixelFormat format, int conversion, int side, int rounds) {
  const bool is_planar = format == PixelFormat::nv12 || format == PixelFormat::i420;
  cv::Mat frame(is_planar ? kHeight * 3 / 2 : kHeight, kWidth, is_planar ? CV_8UC1 : CV_8UC2);
  std::mt19937 random(1);
  // Smooth with some noise, like a camera's picture.
  for (int y = 0; y < frame.rows; y++) {
    for (size_t x = 0; x < frame.step; x++) {
      frame.ptr(y)[x] = static_cast<uint8_t>(60 + (x + static_cast<size_t>(y)) / 32 + random() % 9);
    }
  }
  const TensorSpec spec = letterbox(side, Interpolation::bilinear);
  const size_t elements = static_cast<size_t>(3 * side * side);
  std::vector<float> out(elements, 1);
  cv::Mat rgb, resized, boxed, blob;
  const int fitted = side * kHeight / kWidth;
  const int top = (side - fitted) / 2;
  std::vector<Contender> contenders;
  contenders.push_back({"OpenCV C++, 1 thread",
                        [&] {
                          cv::cvtColor(frame, rgb, conversion);
                          cv::resize(rgb, resized, cv::Size(side, fitted), 0, 0, cv::INTER_LINEAR);
                          cv::copyMakeBorder(resized, boxed, top, side - fitted - top, 0, 0,
                                             cv::BORDER_CONSTANT, cv::Scalar::all(kPad));
                          cv::dnn::blobFromImage(boxed, blob, 1 / 255.0);
                        },
                        {}});
  Workspace workspace;
  PixelView image;
  require(make_pixel_view(frame.data, frame.total() * frame.elemSize(), kWidth, kHeight, format,
                          nullptr, 0, &image));
  Transform transform;
  BarNote bars;
  const auto ours = [&] {
    require(raw_to_tensor(image, {}, spec, out.data(), elements * sizeof(float), workspace,
                          &transform));
  };
  const auto keeping = [&] {
    require(raw_to_tensor(image, {}, spec, out.data(), elements * sizeof(float), workspace,
                          &transform, &bars));
  };
  for (Contender& contender : for_each_kernel(ours)) contenders.push_back(std::move(contender));
  contenders.push_back({"Vedette, bars kept",
                        [&] {
                          require(choose_row_kernels(nullptr));
                          keeping();
                        },
                        {}});
  measure(contenders, rounds);
  double apart = 0;
  for (size_t i = 0; i < elements; i++) {
    apart = std::max(apart, std::fabs(static_cast<double>(out[i]) - blob.ptr<float>()[i]) * 255);
  }
  const std::string title = std::string(format_name(format)) + " 1920x1080 -> " +
                            std::to_string(side) + "x" + std::to_string(side) +
                            " letterbox, float32 NCHW (at most " +
                            std::to_string(static_cast<int>(apart + 0.5)) + " levels apart)";
  print(title.c_str(), contenders);
}

void compare_interpolations(int rounds) {
  std::vector<uint8_t> frame(kWidth * kHeight * 3 / 2, 77);
  PixelView image;
  require(make_pixel_view(frame.data(), frame.size(), kWidth, kHeight, PixelFormat::nv12, nullptr,
                          0, &image));
  std::vector<float> out(3 * 640 * 640, 1);
  std::vector<Workspace> workspaces(2);
  std::vector<Contender> contenders;
  for (int i = 0; i < 2; i++) {
    const TensorSpec spec = letterbox(640, i == 0 ? Interpolation::area : Interpolation::bilinear);
    contenders.push_back({i == 0 ? "area" : "bilinear",
                          [&, i, spec] {
                            Transform transform;
                            require(raw_to_tensor(image, {}, spec, out.data(),
                                                  out.size() * sizeof(float), workspaces[i],
                                                  &transform));
                          },
                          {}});
  }
  require(choose_row_kernels(nullptr));
  measure(contenders, rounds);
  print("nv12 1920x1080 -> 640x640 letterbox: how much longer area takes", contenders);
}

void decode_entropy(const std::vector<uint8_t>& file) {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  decoder.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&decoder);
  jpeg_mem_src(&decoder, file.data(), file.size());
  jpeg_read_header(&decoder, TRUE);
  jpeg_read_coefficients(&decoder);
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
}

void compare_jpeg(const char* path, int side, Interpolation interpolation, int rounds) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<uint8_t> file((std::istreambuf_iterator<char>(stream)), {});
  const TensorSpec spec = letterbox(side, interpolation);
  std::vector<float> out(static_cast<size_t>(3 * side * side), 1);
  std::vector<Contender> contenders;
  contenders.push_back({"entropy decoding alone", [&] { decode_entropy(file); }, {}});
  Workspace workspace;
  const auto ours = [&] {
    JpegPicture picture;
    Transform transform;
    require(decode_jpeg(file.data(), file.size(), 100'000'000, nullptr, nullptr, workspace.picture,
                        &picture));
    require(raw_to_tensor(picture.view, {}, spec, out.data(), out.size() * sizeof(float), workspace,
                          &transform));
  };
  for (Contender& contender : for_each_kernel(ours)) contenders.push_back(std::move(contender));
  measure(contenders, rounds);
  const char* const kind = interpolation == Interpolation::area ? "area" : "bilinear";
  const std::string title = std::string(path) + " (" + std::to_string(file.size() / 1024) +
                            " KiB) -> " + std::to_string(side) + " letterbox, " + kind;
  print(title.c_str(), contenders);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: pixels_to_tensor <rounds> <JPEG file>...\n");
    return 2;
  }
  const int rounds = std::max(1, std::atoi(arguments[1]));
  cv::setNumThreads(1);
  for (const int side : {640, 224}) {
    compare_raw(PixelFormat::nv12, cv::COLOR_YUV2RGB_NV12, side, rounds);
    compare_raw(PixelFormat::i420, cv::COLOR_YUV2RGB_I420, side, rounds);
    compare_raw(PixelFormat::yuyv, cv::COLOR_YUV2RGB_YUYV, side, rounds);
  }
  compare_raw(PixelFormat::nv12, cv::COLOR_YUV2RGB_NV12, 512, rounds);
  compare_interpolations(rounds);
  for (int i = 2; i < count; i++) {
    compare_jpeg(arguments[i], 640, Interpolation::bilinear, std::max(1, rounds / 4));
    compare_jpeg(arguments[i], 640, Interpolation::area, std::max(1, rounds / 4));
    compare_jpeg(arguments[i], 224, Interpolation::bilinear, std::max(1, rounds / 4));
  }
  return 0;
}
