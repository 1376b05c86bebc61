#pragma once
#include "contender.h"

namespace vedette::bench {

// Prints medians and ratios to the first contender of each work. Exits with 1 when two of the same
// work do not make the same tensor.
void compare(const std::vector<Contender>& contenders, int rounds);

// Answers each line of the standard input with one of JSON, until it ends:
//   list                   {"cacheBytes", "compiler", "contenders": [{"work", "name"}, ...]}
//   tensor <index> <file>  {"values"}: one run, whose float32 values are written to the file
//   turn <index> <ms>      [ms, ...]: each call of a turn
//   cold <index> <ms>      the same with caches that hold nothing of it before each call
//   copy <bytes> <ms>      [ms, ...]: each copy of so many bytes
int serve(const std::vector<Contender>& contenders);

}  // namespace vedette::bench
