// Ours beside C++ OpenCV on one thread, JPEG beside its entropy decoding alone, and copies of memory.
// Usage: bench compare <rounds> [--frames <folder>] [JPEG file]...   a table, for people
//        bench serve [--frames <folder>] [JPEG file]...              turns by command (serve.cc)
// The folder holds one packed frame of 1920x1080 for each format, named after it; without it frames
// are made up.
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>

#include "compare.h"

using namespace vedette;
using namespace vedette::bench;

namespace {

std::vector<uint8_t> read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    std::fprintf(stderr, "%s cannot be read\n", path.c_str());
    std::exit(1);
  }
  return std::vector<uint8_t>((std::istreambuf_iterator<char>(stream)), {});
}

// Smooth with some noise, like a camera's picture.
std::vector<uint8_t> made_up_frame(size_t bytes) {
  std::mt19937 random(1);
  std::vector<uint8_t> frame(bytes);
  for (size_t i = 0; i < bytes; i++) {
    frame[i] = static_cast<uint8_t>(60 + (i % kWidth + i / kWidth) / 32 + random() % 9);
  }
  return frame;
}

std::string name_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  return name.substr(0, name.rfind('.'));
}

}  // namespace

int main(int count, char** arguments) {
  const bool is_serving = count >= 2 && std::strcmp(arguments[1], "serve") == 0;
  const bool is_comparing = count >= 3 && std::strcmp(arguments[1], "compare") == 0;
  if (!is_serving && !is_comparing) {
    std::fprintf(stderr, "usage: bench serve | compare <rounds> [--frames <folder>] [JPEG]...\n");
    return 2;
  }
  const int rounds = is_comparing ? std::atoi(arguments[2]) : 0;
  std::string folder;
  std::vector<JpegFile> files;
  for (int i = is_serving ? 2 : 3; i < count; i++) {
    if (std::strcmp(arguments[i], "--frames") == 0 && i + 1 < count) {
      folder = arguments[++i];
    } else {
      files.push_back({name_of(arguments[i]), read_file(arguments[i])});
    }
  }
  std::vector<Frame> frames;
  for (const PixelFormat format : {PixelFormat::nv12, PixelFormat::i420, PixelFormat::yuyv}) {
    const size_t bytes = frame_bytes(format);
    frames.push_back({format, folder.empty() ? made_up_frame(bytes)
                                             : read_file(folder + '/' + format_name(format))});
  }
  std::vector<Contender> contenders;
  for (const Frame& frame : frames) {
    add_opencv_contenders(frame, contenders);
    add_raw_contenders(frame, contenders);
  }
  for (const JpegFile& file : files) add_jpeg_contenders(file, contenders);
  if (is_serving) return serve(contenders);
  compare(contenders, rounds > 0 ? rounds : 1);
  return 0;
}
