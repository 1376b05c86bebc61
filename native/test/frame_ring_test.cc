#include "../core/frame_ring.h"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "../core/pipe_frame_reader.h"
#include "check.h"

using namespace vedette;

namespace {

constexpr int kSide = 40;

FrameNote note_of(int64_t sequence) {
  FrameNote note;
  note.format = static_cast<int>(PixelFormat::gray8);
  note.width = note.height = kSide;
  note.byte_length = kSide * kSide;
  note.sequence = sequence;
  return note;
}

bool is_whole(const FrameHold& hold, FrameRing& ring) {
  const uint8_t* pixels = ring.slot_data(hold.slot);
  for (int i = 0; i < kSide * kSide; i++) {
    if (pixels[i] != static_cast<uint8_t>(hold.note.sequence)) return false;
  }
  return true;
}

}  // namespace

TEST("a writer and readers on several threads tear no frame and lose no slot") {
  std::shared_ptr<FrameRing> ring;
  CHECK(FrameRing::create(5, kSide * kSide, &ring).ok());
  std::atomic<bool> is_done{false};
  std::atomic<int> taken{0};
  std::vector<std::thread> readers;
  for (int owner = 1; owner <= 3; owner++) {
    readers.emplace_back([&, owner] {
      while (true) {
        const bool was_done = is_done.load();
        FrameHold hold;
        int skipped = 0;
        if (owner == 3) {
          ring->take_newest(owner, &hold, &skipped);
        } else {
          ring->take_oldest(owner, &hold);
        }
        taken += skipped;
        if (hold.slot < 0) {
          if (was_done) return;
          std::this_thread::yield();
          continue;
        }
        taken++;
        CHECK(is_whole(hold, *ring));
        FrameHold again;
        CHECK(ring->retain(hold.slot, hold.token, owner, &again).ok());
        CHECK(ring->release(hold.slot, hold.token).ok());
        CHECK(!ring->release(hold.slot, hold.token).ok());
        CHECK(is_whole(again, *ring));
        CHECK(ring->release(again.slot, again.token).ok());
      }
    });
  }
  int64_t refused = 0;
  constexpr int kFrames = 20000;
  for (int sequence = 0; sequence < kFrames; sequence++) {
    int slot;
    bool has_overwritten;
    CHECK(ring->begin_write(sequence % 2 == 0, &slot, &has_overwritten).ok());
    if (slot < 0) {
      refused++;
      std::this_thread::yield();
      continue;
    }
    std::memset(ring->slot_data(slot), sequence & 255, kSide * kSide);
    CHECK(ring->publish(slot, note_of(sequence)).ok());
  }
  is_done.store(true);
  for (std::thread& reader : readers) reader.join();
  const RingStatistics statistics = ring->statistics();
  CHECK(statistics.free == 5);
  CHECK(statistics.published + refused == kFrames);
  CHECK(taken + statistics.overwritten == statistics.published);
  ring->close();
}

TEST("a waiting writer wakes for a slot, for its own end and for the ring's") {
  for (int end = 0; end < 3; end++) {
    std::shared_ptr<FrameRing> ring;
    CHECK(FrameRing::create(1, 16, &ring).ok());
    int slot;
    bool has_overwritten;
    CHECK(ring->begin_write(false, &slot, &has_overwritten).ok() && slot == 0);
    std::atomic<bool> is_cancelled{false};
    int got = -2;
    std::thread waiter([&] { ring->wait_write(is_cancelled, &got); });
    if (end == 0) CHECK(ring->cancel_write(slot).ok());
    if (end == 1) {
      is_cancelled.store(true);
      ring->wake();
    }
    if (end == 2) ring->close();
    waiter.join();
    CHECK(got == (end == 0 ? 0 : -1));
    ring->close();
  }
}

TEST("frames from a pipe fill slots, and a reader closes at any moment") {
  for (int round = 0; round < 60; round++) {
    std::shared_ptr<FrameRing> ring;
    CHECK(FrameRing::create(3, kSide * kSide, &ring).ok());
    std::atomic<int> notified{0};
    PipeFrameReader::Options options;
    options.ring = ring;
    options.note = note_of(0);
    options.may_overwrite = round % 2 == 0;
    options.notify = [](void* context) { ++*static_cast<std::atomic<int>*>(context); };
    options.context = &notified;
    std::unique_ptr<PipeFrameReader> reader;
    CHECK(PipeFrameReader::open(options, &reader).ok());
    const int fd = dup(reader->write_fd());
    reader->close_write_end();
    std::thread writer([fd, round] {
      uint8_t frame[kSide * kSide];
      for (int sequence = 0; sequence < 3 + round; sequence++) {
        std::memset(frame, sequence & 255, sizeof frame);
        if (write(fd, frame, sizeof frame) < 0) break;
      }
      close(fd);
    });
    if (round % 3 == 0) {
      std::this_thread::yield();
      reader->close();
    } else {
      for (bool has_ended = false; !has_ended;) {
        FrameHold hold;
        ring->take_oldest(1, &hold);
        if (hold.slot >= 0) {
          CHECK(is_whole(hold, *ring));
          CHECK(ring->release(hold.slot, hold.token).ok());
        }
        has_ended = hold.slot < 0 && reader->take_counts().has_ended;
      }
      CHECK(notified > 0);
    }
    reader.reset();
    writer.join();
    CHECK(ring->statistics().writing == 0);
    ring->close();
  }
}
