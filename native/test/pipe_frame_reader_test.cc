#include "../core/pipe_frame_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "../core/y4m_header.h"
#include "check.h"

using namespace vedette;

namespace {

constexpr int kWidth = 5;
constexpr int kHeight = 3;
// Odd sizes round their chroma up.
constexpr size_t kFrameBytes = kWidth * kHeight + 2 * 3 * 2;
const std::string kHeader = "YUV4MPEG2 W5 H3 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG\n";

bool is_accepted(const std::string& line) {
  // Ends where its memory does.
  const std::vector<char> exact(line.begin(), line.end());
  return check_y4m_header(exact.data(), exact.size(), kWidth, kHeight).ok();
}

std::string picture(int level) { return std::string(kFrameBytes, static_cast<char>(level)); }

std::string stream_of(int frames) {
  std::string all = kHeader;
  for (int i = 0; i < frames; i++) all += "FRAME\n" + picture(i + 1);
  return all;
}

struct Read {
  PipeCounts last;
  int64_t published = 0;
};

PipeFrameReader::Options options_for(const std::shared_ptr<FrameRing>& ring) {
  PipeFrameReader::Options options;
  options.ring = ring;
  options.note.format = static_cast<int>(PixelFormat::i420);
  options.note.width = kWidth;
  options.note.height = kHeight;
  options.note.byte_length = kFrameBytes;
  options.notify = [](void*) {};
  return options;
}

// Writes `parts` one after the other, each once the one before was read, and reads to the end. Each
// frame must be that of its number.
Read read_all(const std::vector<std::string>& parts) {
  std::signal(SIGPIPE, SIG_IGN);
  std::shared_ptr<FrameRing> ring;
  CHECK(FrameRing::create(2, kFrameBytes, &ring).ok());
  PipeFrameReader::Options options = options_for(ring);
  options.is_y4m = true;
  std::unique_ptr<PipeFrameReader> reader;
  CHECK(PipeFrameReader::open(options, &reader).ok());
  const int fd = dup(reader->write_fd());
  reader->close_write_end();
  std::thread writer([fd, &parts] {
    for (const std::string& part : parts) {
      size_t done = 0;
      while (done < part.size()) {
        const ssize_t got = write(fd, part.data() + done, part.size() - done);
        if (got <= 0) break;
        done += static_cast<size_t>(got);
      }
      if (parts.size() > 1) usleep(50);
    }
    close(fd);
  });
  Read read;
  for (bool has_ended = false; !has_ended;) {
    const PipeCounts counts = reader->take_counts();
    read.published += counts.published;
    read.last = counts;
    FrameHold hold;
    ring->take_oldest(1, &hold);
    if (hold.slot >= 0) {
      const std::string expected = picture(static_cast<int>(hold.note.sequence) + 1);
      CHECK(std::memcmp(ring->slot_data(hold.slot), expected.data(), kFrameBytes) == 0);
      CHECK(ring->release(hold.slot, hold.token).ok());
    } else {
      has_ended = counts.has_ended;
    }
  }
  writer.join();
  reader.reset();
  CHECK(ring->statistics().writing == 0);
  ring->close();
  return read;
}

}  // namespace

TEST("the first line of a YUV4MPEG2 stream announces 4:2:0 of 8 bits and the expected size") {
  for (const char* line :
       {"YUV4MPEG2 W5 H3", "YUV4MPEG2 W5 H3 C420", "YUV4MPEG2 C420mpeg2 H3 W5 F0:0 Ib A0:0",
        "YUV4MPEG2 W5 H3 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=FULL",
        "YUV4MPEG2  W5 H3 C420paldv ", "YUV4MPEG2 W05 H3"}) {
    CHECK(is_accepted(line));
  }
  for (const char* line : {"",
                           " ",
                           "YUV4MPEG",
                           "YUV4MPEG2",
                           "YUV4MPEG2W5 H3",
                           "YUV4MPEG2 W5",
                           "YUV4MPEG2 H3",
                           "YUV4MPEG2 W6 H3",
                           "YUV4MPEG2 W5 H4",
                           "YUV4MPEG2 W3 H5",
                           "YUV4MPEG2 W5 H3 C422",
                           "YUV4MPEG2 W5 H3 C420p10",
                           "YUV4MPEG2 W5 H3 Cmono",
                           "YUV4MPEG2 W5 H3 C",
                           "YUV4MPEG2 W5 H3 W5",
                           "YUV4MPEG2 W5 H3 H9",
                           "YUV4MPEG2 W5 H3 C420 C444",
                           "YUV4MPEG2 W+5 H3",
                           "YUV4MPEG2 W-5 H3",
                           "YUV4MPEG2 W5x H3",
                           "YUV4MPEG2 W H3",
                           "YUV4MPEG2 W18446744073709551621 H3",
                           "yuv4mpeg2 W5 H3"}) {
    CHECK(!is_accepted(line));
  }
  CHECK(!is_accepted(std::string(kMaxY4mHeaderBytes, '\xff')));
}

TEST("what a refused first line was is told without what a terminal would obey") {
  const std::string line = "YUV4MPEG2 W6 H3 \x1b[2J\x01\xff" + std::string(400, 'x');
  const Status status = check_y4m_header(line.data(), line.size(), kWidth, kHeight);
  CHECK(std::strstr(status.text, "5x3") != nullptr);
  CHECK(std::strstr(status.text, "YUV4MPEG2 W6 H3 ?[2J??xxx") != nullptr);
}

TEST("a YUV4MPEG2 stream gives its pictures wherever it is split") {
  const std::string all = stream_of(2);
  for (size_t at = 1; at < all.size(); at++) {
    const Read read = read_all({all.substr(0, at), all.substr(at)});
    CHECK(read.published == 2 && read.last.fault.ok() && read.last.partial_bytes == 0);
  }
  std::vector<std::string> bytes;
  for (const char one : all) bytes.emplace_back(1, one);
  CHECK(read_all(bytes).published == 2);
  CHECK(read_all({stream_of(100)}).published == 100);
}

TEST("a YUV4MPEG2 stream that is cut anywhere gives its whole pictures and says what is left") {
  const std::string all = stream_of(2);
  const size_t each = kFrameBytes + kY4mFrameMarkerBytes;
  for (size_t size = 0; size < all.size(); size++) {
    const Read read = read_all({all.substr(0, size)});
    const size_t beyond = size < kHeader.size() ? size : size - kHeader.size();
    const bool is_begun = size >= kHeader.size();
    CHECK(read.published == static_cast<int64_t>(is_begun ? beyond / each : 0));
    CHECK(read.last.partial_bytes == static_cast<int64_t>(is_begun ? beyond % each : beyond));
    CHECK(read.last.fault.ok() && read.last.error == 0);
  }
}

TEST("what is no YUV4MPEG2 stream is refused, and its writer is not left waiting") {
  const std::string much(4 << 20, 'x');
  for (const std::string& start :
       {std::string(), std::string("\n"), std::string("YUV4MPEG2 W6 H3\n"),
        std::string("YUV4MPEG2 W5 H3 C444\n"), kHeader, kHeader + "FRAME \n", kHeader + "FRAME",
        kHeader + "frame\n"}) {
    const Read read = read_all({start + much});
    CHECK(read.published == 0 && !read.last.fault.ok());
  }
  // A line too long, without an end.
  CHECK(!read_all({"YUV4MPEG2 W5 H3 X" + std::string(kMaxY4mHeaderBytes, 'a')}).last.fault.ok());
  // After a byte too many, no picture is delivered shifted.
  const std::string next = "FRAME\n" + picture(3);
  const Read read = read_all({stream_of(2) + "!" + next + much});
  CHECK(read.published == 2 && !read.last.fault.ok());
}

TEST("a YUV4MPEG2 stream is read as i420 only") {
  std::shared_ptr<FrameRing> ring;
  CHECK(FrameRing::create(2, 64, &ring).ok());
  PipeFrameReader::Options options;
  options.ring = ring;
  options.note.format = static_cast<int>(PixelFormat::gray8);
  options.note.width = options.note.height = 8;
  options.note.byte_length = 64;
  options.is_y4m = true;
  std::unique_ptr<PipeFrameReader> reader;
  CHECK(PipeFrameReader::open(options, &reader).code == Code::frame_invalid);
  ring->close();
}

TEST("a writer that is ahead when nobody reads any more gets EPIPE, also while it waits") {
  std::signal(SIGPIPE, SIG_IGN);
  std::shared_ptr<FrameRing> ring;
  CHECK(FrameRing::create(2, kFrameBytes, &ring).ok());
  PipeFrameReader::Options options = options_for(ring);
  std::unique_ptr<PipeFrameReader> reader;
  CHECK(PipeFrameReader::open(options, &reader).ok());
  const int fd = dup(reader->write_fd());
  reader->close_write_end();
  int error = 0;
  std::thread writer([fd, &error] {
    // Nobody takes a frame, so that one of these writes waits.
    const std::string piece(64 * 1024, '\1');
    while (write(fd, piece.data(), piece.size()) > 0) {
    }
    error = errno;
  });
  pollfd full = {fd, POLLOUT, 0};
  while (poll(&full, 1, 0) != 0) usleep(1000);
  reader->close();
  writer.join();
  close(fd);
  CHECK(error == EPIPE);
  ring->close();
}
