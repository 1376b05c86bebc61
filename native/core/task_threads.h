#pragma once
#include <pthread.h>

#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "condition.h"
#include "raw_to_tensor.h"

namespace vedette {

// Threads of their own with one bounded queue before them.
class TaskThreads {
 public:
  static constexpr int kMaxThreads = 64;
  static constexpr int kMaxQueued = 65536;

  class Task {
   public:
    virtual ~Task() = default;
    // On one of the threads, with memory that stays with it.
    virtual void run(Workspace& workspace) = 0;
    // Called once: on the same thread after `run`, or on that of `close` when it never ran. The task
    // belongs to whoever is told here.
    virtual void end(bool has_run) = 0;
  };

  // FRAME_INVALID for numbers out of range, INTERNAL when the system refuses a thread.
  static Status open(int64_t threads, int64_t max_queued, std::unique_ptr<TaskThreads>* out);
  TaskThreads(const TaskThreads&) = delete;
  TaskThreads& operator=(const TaskThreads&) = delete;
  ~TaskThreads() { close(); }

  // Takes the task. OVERLOADED when `max_queued` wait already, SHUTTING_DOWN after `close`: then the
  // task is still the caller's.
  Status submit(Task* task);
  // Ends what waits without running it, lets what runs come to its end and stops the threads.
  void close();

 private:
  explicit TaskThreads(size_t max_queued) : max_queued_(max_queued) {}
  static void* run(void* self);
  void work();

  const size_t max_queued_;
  std::mutex mutex_;
  Condition has_work_;
  std::deque<Task*> queue_;
  bool is_closed_ = false;
  std::vector<pthread_t> threads_;
};

}  // namespace vedette
