#include "../core/task_threads.h"

#include <atomic>
#include <thread>

#include "check.h"

using namespace vedette;

namespace {

struct Counts {
  std::atomic<int> ran{0};
  std::atomic<int> ended{0};
  std::atomic<int> cancelled{0};
  std::atomic<bool> may_go_on{true};
};

// Turns a picture of its own into a tensor, as often as it takes to be told to end.
class PictureTask : public TaskThreads::Task {
 public:
  explicit PictureTask(Counts* counts) : counts_(counts) {}

  void run(Workspace& workspace) override {
    uint8_t pixels[6 * 4];
    for (uint8_t& level : pixels) level = 77;
    PixelView image;
    CHECK(
        make_pixel_view(pixels, sizeof pixels, 6, 4, PixelFormat::gray8, nullptr, 0, &image).ok());
    TensorSpec spec;
    spec.width = spec.height = 3;
    float out[27];
    Transform transform;
    CHECK(raw_to_tensor(image, {}, spec, out, sizeof out, workspace, &transform).ok());
    CHECK(out[0] == 77 && out[26] == 77);
    while (!counts_->may_go_on) std::this_thread::yield();
    counts_->ran++;
  }

  void end(bool has_run) override {
    (has_run ? counts_->ended : counts_->cancelled)++;
    delete this;
  }

 private:
  Counts* const counts_;
};

}  // namespace

TEST("a task is run once or ended without, whenever its threads are closed") {
  for (int round = 0; round < 40; round++) {
    Counts counts;
    std::unique_ptr<TaskThreads> threads;
    CHECK(TaskThreads::open(1 + round % 4, 500, &threads).ok());
    std::atomic<int> accepted{0};
    std::thread other([&] {
      for (int i = 0; i < 50; i++) {
        PictureTask* task = new PictureTask(&counts);
        if (threads->submit(task).ok())
          accepted++;
        else
          delete task;
      }
    });
    for (int i = 0; i < 30 * (round % 5); i++) {
      CHECK(threads->submit(new PictureTask(&counts)).ok());
      accepted++;
    }
    if (round % 2 == 0) other.join();
    threads->close();
    if (round % 2 == 1) other.join();
    CHECK(counts.ran == counts.ended);
    CHECK(counts.ended + counts.cancelled == accepted);
    PictureTask* late = new PictureTask(&counts);
    CHECK(threads->submit(late).code == Code::shutting_down);
    delete late;
    threads->close();
  }
}

TEST("a full queue refuses the next task, and a free place takes it") {
  Counts counts;
  counts.may_go_on = false;
  std::unique_ptr<TaskThreads> threads;
  CHECK(TaskThreads::open(2, 3, &threads).ok());
  // Two run, or wait among the three.
  int taken = 0;
  PictureTask* next = new PictureTask(&counts);
  while (taken < 5) {
    if (threads->submit(next).ok()) {
      taken++;
      next = new PictureTask(&counts);
    } else {
      std::this_thread::yield();
    }
  }
  CHECK(threads->submit(next).code == Code::overloaded);
  counts.may_go_on = true;
  while (!threads->submit(next).ok()) std::this_thread::yield();
  while (counts.ended < 6) std::this_thread::yield();
  threads->close();
  CHECK(counts.ran == 6 && counts.cancelled == 0);
}

TEST("threads and queues out of range are refused") {
  std::unique_ptr<TaskThreads> threads;
  for (const int64_t count : {int64_t{0}, int64_t{-1}, int64_t{65}, INT64_MAX, INT64_MIN}) {
    CHECK(TaskThreads::open(count, 1, &threads).code == Code::frame_invalid);
  }
  for (const int64_t queued : {int64_t{0}, int64_t{-1}, int64_t{65537}, INT64_MAX}) {
    CHECK(TaskThreads::open(1, queued, &threads).code == Code::frame_invalid);
  }
  CHECK(threads == nullptr);
}
