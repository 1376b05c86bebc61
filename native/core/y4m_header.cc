#include "y4m_header.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

namespace vedette {
namespace {

constexpr std::string_view kMagic = "YUV4MPEG2";
constexpr size_t kShownBytes = 96;

// They differ in where chroma is sampled, not in bytes.
bool is_i420(std::string_view chroma) {
  return chroma == "420" || chroma == "420jpeg" || chroma == "420mpeg2" || chroma == "420paldv";
}

// A whole positive number without sign, -1 for anything else.
int64_t number_of(std::string_view text) {
  int64_t value = -1;
  const char* const end = text.data() + text.size();
  if (text.empty() || text[0] < '0' || text[0] > '9') return -1;
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end ? value : -1;
}

// The line as it may stand in a message.
void show(const char* line, size_t size, char (&shown)[kShownBytes + 1]) {
  const size_t length = std::min(size, kShownBytes);
  std::transform(line, line + length, shown, [](char c) { return c < ' ' || c > '~' ? '?' : c; });
  shown[length] = 0;
}

Status refused(const char* line, size_t size, int64_t width, int64_t height) {
  char shown[kShownBytes + 1];
  show(line, size, shown);
  return fail(Code::frame_invalid,
              "a YUV4MPEG2 stream of 4:2:0 frames of %lldx%lld is expected, got \"%s\"",
              static_cast<long long>(width), static_cast<long long>(height), shown);
}

}  // namespace

Status check_y4m_header(const char* line, size_t size, int64_t width, int64_t height) {
  std::string_view rest(line, size);
  const auto take = [&rest] {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    return word;
  };
  if (take() != kMagic) return refused(line, size, width, height);
  int widths = 0, heights = 0, chromas = 0;
  bool is_expected = true;
  while (!rest.empty()) {
    const std::string_view word = take();
    if (word.empty()) continue;
    const std::string_view value = word.substr(1);
    if (word[0] == 'W') is_expected &= ++widths == 1 && number_of(value) == width;
    if (word[0] == 'H') is_expected &= ++heights == 1 && number_of(value) == height;
    // 4:2:0 of 8 bits where it is not said.
    if (word[0] == 'C') is_expected &= ++chromas == 1 && is_i420(value);
  }
  if (!is_expected || widths == 0 || heights == 0) return refused(line, size, width, height);
  return {};
}

Status check_y4m_marker(const uint8_t (&marker)[kY4mFrameMarkerBytes]) {
  if (std::memcmp(marker, kY4mFrameMarker, sizeof marker) == 0) return {};
  char shown[kShownBytes + 1];
  show(reinterpret_cast<const char*>(marker), sizeof marker, shown);
  return fail(Code::frame_invalid,
              "a frame of a YUV4MPEG2 stream begins with \"FRAME\" and a line end, got \"%s\"",
              shown);
}

}  // namespace vedette
