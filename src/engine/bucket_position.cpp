#include "engine/bucket_position.h"

#include <memory>
#include <utility>

namespace engine {

namespace {

using Files = std::vector<history::BackupFile>;

// Pages of a listing, gathered.
class Listing : public std::enable_shared_from_this<Listing> {
 public:
  Listing(storage::ObjectStore& store, std::string replica, std::function<void(base::Result<Files>)> done)
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
      if (name) files_.push_back({*name, object.key, object.size_bytes, object.last_modified});
    }
    if (page->next_start_after) return list(*page->next_start_after);
    done_(std::move(files_));
  }

  storage::ObjectStore& store_;
  std::string replica_;
  std::function<void(base::Result<Files>)> done_;
  Files files_;
};

void list_files(storage::ObjectStore& store, const std::string& replica,
                std::function<void(base::Result<Files>)> done) {
  std::make_shared<Listing>(store, replica, std::move(done))->list({});
}

// nullopt: not an LTX file, however short. Errors are the store's.
void get_header(storage::ObjectStore& store, const base::ObjectKey& key,
                std::function<void(base::Result<std::optional<ltx::Header>>)> done) {
  store.get({key, 0, ltx::kHeaderSize}, {}, [done = std::move(done)](base::Result<base::Bytes> bytes) {
    const bool empty = !bytes && bytes.error().category == base::Category::invalid;
    if (!bytes && !empty) return done(base::fail(bytes.error()));
    const auto header = bytes ? ltx::decode_header(*bytes) : base::fail(bytes.error());
    done(header ? std::optional(*header) : std::nullopt);
  });
}

const history::BackupFile* newest_of(const Files& files) {
  const history::BackupFile* newest = nullptr;
  for (const history::BackupFile& file : files) {
    if (newest == nullptr || file.name.max > newest->name.max ||
        (file.name.max == newest->name.max && file.name.level < newest->name.level)) {
      newest = &file;
    }
  }
  return newest;
}

Files plan_of(Files files, base::Txid newest) {
  auto plan = history::plan_restore(std::move(files), {});
  return plan && plan->back().name.max == newest ? std::move(*plan) : Files{};
}

}  // namespace

void find_bucket_position(storage::ObjectStore& store, const std::string& replica,
                          std::function<void(base::Result<BucketPosition>)> done) {
  list_files(store, replica, [&store, done = std::move(done)](base::Result<Files> files) {
    if (!files) return done(base::fail(files.error()));
    const history::BackupFile* newest = newest_of(*files);
    if (newest == nullptr) return done(BucketPosition{});
    const base::ObjectKey key = newest->key;
    BucketPosition found;
    found.newest = newest->name.max;
    for (const history::BackupFile& file : *files) {
      found.objects.push_back(history::from_listing(file.name, file.size_bytes, file.created_at));
    }
    found.plan = plan_of(std::move(*files), found.newest);
    get_header(store, key, [found = std::move(found), done](base::Result<std::optional<ltx::Header>> header) mutable {
      if (!header) return done(base::fail(header.error()));
      if (*header) {
        found.page_size = (*header)->page_size;
        found.page_count = (*header)->commit;
        found.provenance = ltx::provenance(**header);
      } else {
        found.plan.clear();
      }
      found.restorable = !found.plan.empty();
      done(std::move(found));
    });
  });
}

void audit_bucket(storage::ObjectStore& store, const std::string& replica, base::Txid stored,
                  std::function<void(base::Result<BucketAudit>)> done) {
  list_files(store, replica, [&store, stored, done = std::move(done)](base::Result<Files> files) {
    if (!files) return done(base::fail(files.error()));
    BucketAudit audit;
    const history::BackupFile* beyond = nullptr;
    for (const history::BackupFile& file : *files) {
      audit.newest = std::max(audit.newest, file.name.max);
      if (file.name.max <= stored) continue;
      const bool next = file.name.level.value == 0 && file.name.min == base::next(stored);
      audit.next_is_taken = audit.next_is_taken || next;
      if (beyond == nullptr || file.name.max < beyond->name.max) beyond = &file;
    }
    std::optional<base::ObjectKey> key;
    if (beyond != nullptr && !audit.next_is_taken) {
      audit.beyond = beyond->name;
      key = beyond->key;
    }
    audit.restorable = !plan_of(std::move(*files), audit.newest).empty();
    if (!key) return done(audit);
    get_header(store, *key, [audit, done](base::Result<std::optional<ltx::Header>> header) mutable {
      if (!header) return done(base::fail(header.error()));
      audit.beyond_header = *header;
      done(audit);
    });
  });
}

}  // namespace engine
