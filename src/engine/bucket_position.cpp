#include "engine/bucket_position.h"

#include <memory>
#include <utility>

#include "engine/restore_plan.h"
#include "ltx/header.h"

namespace engine {

namespace {

class Search : public std::enable_shared_from_this<Search> {
 public:
  Search(storage::ObjectStore& store, std::string replica, std::function<void(base::Result<BucketPosition>)> done)
      : store_(store), replica_(std::move(replica)), done_(std::move(done)) {}

  void list(std::string start_after) {
    store_.list({replica_ + "/", std::move(start_after), 1000}, {},
                [self = shared_from_this()](base::Result<storage::ListPage> page) { self->on_page(std::move(page)); });
  }

 private:
  void on_page(base::Result<storage::ListPage> page) {
    if (!page) return done_(base::fail(page.error()));
    for (const storage::ObjectInfo& object : page->objects) {
      const auto name = storage::parse_ltx_key(store_.layout(), replica_, object.key.value);
      if (!name) continue;
      files_.push_back({*name, object.key, object.size_bytes, object.last_modified});
      if (!newest_ || name->max > newest_->max || (name->max == newest_->max && name->level < newest_->level)) {
        newest_ = *name;
      }
    }
    if (page->next_start_after) return list(*page->next_start_after);
    if (!newest_) return done_(BucketPosition{});
    store_.get({storage::ltx_key(store_.layout(), replica_, *newest_), 0, ltx::kHeaderSize}, {},
               [self = shared_from_this()](base::Result<base::Bytes> bytes) { self->on_header(std::move(bytes)); });
  }

  void on_header(base::Result<base::Bytes> bytes) {
    if (!bytes) return done_(base::fail(bytes.error()));
    const auto header = ltx::decode_header(*bytes);
    if (!header) return done_(base::fail(header.error().with_context("newest object of " + replica_)));
    const auto plan = plan_restore(std::move(files_), {});
    const bool restorable = plan && plan->back().name.max == newest_->max;
    done_(BucketPosition{newest_->max, restorable, header->page_size, header->commit, ltx::provenance(*header)});
  }

  storage::ObjectStore& store_;
  std::string replica_;
  std::function<void(base::Result<BucketPosition>)> done_;
  std::vector<BackupFile> files_;
  std::optional<storage::LtxName> newest_;
};

}  // namespace

void find_bucket_position(storage::ObjectStore& store, const std::string& replica,
                          std::function<void(base::Result<BucketPosition>)> done) {
  std::make_shared<Search>(store, replica, std::move(done))->list({});
}

}  // namespace engine
