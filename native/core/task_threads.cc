#include "task_threads.h"

#include <signal.h>

#include <cstring>

namespace vedette {

Status TaskThreads::open(int64_t threads, int64_t max_queued, std::unique_ptr<TaskThreads>* out) {
  if (threads < 1 || threads > kMaxThreads) {
    return fail(Code::frame_invalid, "threads must be 1 to %d, got %lld", kMaxThreads,
                static_cast<long long>(threads));
  }
  if (max_queued < 1 || max_queued > kMaxQueued) {
    return fail(Code::frame_invalid, "maxQueued must be 1 to %d, got %lld", kMaxQueued,
                static_cast<long long>(max_queued));
  }
  std::unique_ptr<TaskThreads> made(new TaskThreads(static_cast<size_t>(max_queued)));
  // Signals belong to the threads of Node.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  for (int64_t i = 0; i < threads && error == 0; i++) {
    pthread_t thread;
    error = pthread_create(&thread, nullptr, run, made.get());
    if (error != 0) break;
    pthread_setname_np(thread, "tensors");
    made->threads_.push_back(thread);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    return fail(Code::internal, "no thread could be started: %s", std::strerror(error));
  }
  *out = std::move(made);
  return {};
}

Status TaskThreads::submit(Task* task) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_closed_) return fail(Code::shutting_down, "the threads for tensors are closed");
  if (queue_.size() >= max_queued_) {
    return fail(Code::overloaded, "%zu calls wait already, which is the limit", max_queued_);
  }
  queue_.push_back(task);
  has_work_.notify_one();
  return {};
}

void* TaskThreads::run(void* self) {
  static_cast<TaskThreads*>(self)->work();
  return nullptr;
}

void TaskThreads::work() {
  Workspace workspace;
  for (;;) {
    Task* task;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      while (queue_.empty() && !is_closed_) has_work_.wait(lock);
      if (queue_.empty()) return;
      task = queue_.front();
      queue_.pop_front();
    }
    task->run(workspace);
    release_if_huge(workspace.picture);
    task->end(true);
  }
}

void TaskThreads::close() {
  std::deque<Task*> waiting;
  std::vector<pthread_t> running;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_closed_ = true;
    waiting.swap(queue_);
    running.swap(threads_);
    has_work_.notify_all();
  }
  for (Task* task : waiting) task->end(false);
  for (const pthread_t thread : running) pthread_join(thread, nullptr);
}

}  // namespace vedette
