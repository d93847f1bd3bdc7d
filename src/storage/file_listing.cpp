#include "storage/file_listing.h"

#include <algorithm>

#include "os/file.h"
#include "storage/call.h"
#include "storage/file_key.h"

namespace storage {

namespace {

class TreeLister {
 public:
  TreeLister(const std::filesystem::path& root, const ListRequest& request,
             const std::function<base::Result<>()>& go_on)
      : root_(root), request_(request), go_on_(go_on), keys_max_(clamp_max_keys(request.max_keys)) {}

  // `folder` is a key prefix: empty or ending with '/'.
  base::Result<> list(const std::string& folder) {
    TRY(go_on_());
    auto entries = os::list_directory(root_ / folder);
    if (!entries) {
      if (entries.error().category == base::Category::not_found) return {};
      return std::unexpected(std::move(entries).error());
    }
    std::erase_if(*entries, [](const os::DirectoryEntry& entry) { return is_temporary_name(entry.name); });
    // With its '/' a folder's name sorts where its keys do: "a-b" before "a/c" before "a0".
    for (auto& entry : *entries) {
      if (entry.is_directory) entry.name.push_back('/');
    }
    std::ranges::sort(*entries, {}, &os::DirectoryEntry::name);
    for (const auto& entry : *entries) {
      if (page_.next_start_after) return {};
      const std::string key = folder + entry.name;
      TRY(entry.is_directory ? enter(key) : add(key));
    }
    return {};
  }

  ListPage take_page() { return std::move(page_); }

 private:
  base::Result<> enter(const std::string& folder) {
    const std::string& prefix = request_.prefix;
    const bool may_match = folder.starts_with(prefix) || prefix.starts_with(folder);
    const std::string& after = request_.start_after;
    const bool all_before = after >= folder && !after.starts_with(folder);
    if (!may_match || all_before) return {};
    return list(folder);
  }

  base::Result<> add(const std::string& key) {
    if (!key.starts_with(request_.prefix) || key <= request_.start_after) return {};
    const auto stat = os::stat_path(root_ / key);
    if (!stat && stat.error().category == base::Category::not_found) return {};
    if (!stat) return std::unexpected(stat.error());
    if (!stat->is_regular) return {};
    if (page_.objects.size() == keys_max_) {
      page_.next_start_after = page_.objects.back().key.value;
      return {};
    }
    const auto modified = std::chrono::floor<std::chrono::milliseconds>(std::chrono::nanoseconds(stat->modified_ns));
    page_.objects.push_back({base::ObjectKey{key}, stat->size_bytes, modified});
    return {};
  }

  const std::filesystem::path& root_;
  const ListRequest& request_;
  const std::function<base::Result<>()>& go_on_;
  const std::size_t keys_max_;
  ListPage page_;
};

}  // namespace

base::Result<ListPage> list_tree(const std::filesystem::path& root, const ListRequest& request,
                                 const std::function<base::Result<>()>& go_on) {
  TreeLister lister(root, request, go_on);
  TRY(lister.list(""));
  return lister.take_page();
}

}  // namespace storage
