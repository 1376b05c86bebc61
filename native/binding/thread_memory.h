#pragma once
#include "../core/jpeg_encoder.h"
#include "../core/raw_to_tensor.h"

namespace vedette {

// Each worker thread keeps its own tables and scratch memory.
struct ThreadMemory {
  Workspace workspace;
  EncodedJpeg jpeg;

  // A single huge picture must not hold its memory for ever.
  void drop_huge_picture() {
    if (workspace.picture.capacity() > (64u << 20)) workspace.picture.release();
  }
};

inline ThreadMemory& thread_memory() {
  static thread_local ThreadMemory memory;
  return memory;
}

}  // namespace vedette
