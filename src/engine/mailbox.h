// What happened to one client while nobody was working on it. Any thread posts; the client's worker takes.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/bucket_position.h"
#include "engine/client_policy.h"
#include "engine/file_event.h"
#include "engine/mend.h"
#include "engine/remote_index.h"
#include "engine/uploader.h"

namespace engine {

struct BucketAnswer {
  base::Result<BucketPosition> position;
};

enum class Command : std::uint8_t {
  appear,      // the file is (again) at its path
  vanish,      // the file is gone: store what was captured, then rest
  removed,     // it alone was taken away, as an operator does
  flush,       // shutdown: store everything now
  take_over,   // of a prefix that another writer owns: ask the bucket where it ends, and go on from there
  place_free,  // a database may be read whole again
};

// The client's file is at another place now.
struct NewPath {
  std::string path;
};

// What the bucket holds, page by page.
struct IndexAnswer {
  base::Result<RemoteIndex> index;
};

using Mail = std::variant<FileEvent, StoreAnswer, BucketAnswer, IndexAnswer, Command, NewPath, NewPolicy, Mend>;

class Mailbox {
 public:
  void post(Mail mail) {
    const std::scoped_lock lock(mutex_);
    // A storm of the same hint is one hint.
    if (const auto* event = std::get_if<FileEvent>(&mail); event != nullptr && !mails_.empty()) {
      if (auto* last = std::get_if<FileEvent>(&mails_.back());
          last != nullptr && last->kind == event->kind &&
          (event->kind == FileEventKind::log_modified || event->kind == FileEventKind::database_modified)) {
        last->position = event->position;
        return;
      }
    }
    mails_.push_back(std::move(mail));
  }
  std::vector<Mail> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(mails_, {});
  }
  [[nodiscard]] bool empty() const {
    const std::scoped_lock lock(mutex_);
    return mails_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Mail> mails_;
};

}  // namespace engine
