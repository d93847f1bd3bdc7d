#include "storage/arrival.h"

namespace storage {

void Arrival::announce() {
  arrived_.notify_one();
}

void Arrival::wait(std::unique_lock<std::mutex>& lock) {
  arrived_.wait(lock);
}

}  // namespace storage
