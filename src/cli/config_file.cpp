#include "cli/config_file.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace cli {
namespace {

constexpr std::size_t kMistakesMax = 20;

Place place_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

std::string dotted(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : std::string(prefix) + "." + std::string(name);
}

FileValue value_of(std::string name, const toml::node& node, Place place) {
  FileValue value{std::move(name), FileValueKind::other, {}, place};
  if (const auto* text = node.as_string()) {
    value.kind = FileValueKind::text;
    value.texts.push_back(text->get());
  } else if (const auto* number = node.as_integer()) {
    value.kind = FileValueKind::number;
    value.texts.push_back(std::to_string(number->get()));
  } else if (const auto* truth = node.as_boolean()) {
    value.kind = FileValueKind::boolean;
    value.texts.emplace_back(truth->get() ? "true" : "false");
  } else if (const auto* list = node.as_array()) {
    for (const toml::node& entry : *list) {
      const auto* entry_text = entry.as_string();
      if (entry_text == nullptr) return value;
      value.texts.push_back(entry_text->get());
    }
    value.kind = FileValueKind::list_of_texts;
  }
  return value;
}

void collect(const toml::table& table, std::string_view prefix, std::vector<FileValue>& out) {
  for (auto&& [key, node] : table) {
    std::string name = dotted(prefix, key.str());
    if (const toml::table* below = node.as_table(); below != nullptr && !below->empty()) {
      collect(*below, name, out);
    } else {
      out.push_back(value_of(std::move(name), node, place_of(key.source())));
    }
  }
}

FileTable table_of(const toml::table& table) {
  FileTable result;
  result.place = place_of(table.source());
  collect(table, {}, result.values);
  std::ranges::sort(result.values, {}, [](const FileValue& v) { return std::pair(v.place.line, v.place.column); });
  return result;
}

void collect_file(const toml::table& root, FileContent& content) {
  content.top = table_of(root);
  const toml::array* blocks = root["client"].as_array();
  if (blocks == nullptr || blocks->empty() || !blocks->is_array_of_tables()) return;
  std::erase_if(content.top.values, [](const FileValue& value) { return value.name == "client"; });
  for (const toml::node& block : *blocks) content.clients.push_back(table_of(*block.as_table()));
}

std::string_view line_at(std::string_view text, std::uint32_t line) {
  for (std::uint32_t i = 1; i < line; ++i) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

// The parser's own words, without what they quote: that may be a piece of a value.
std::string explain_syntax(const toml::parse_error& error, std::string_view line) {
  const std::string_view said = error.description();
  if (names_a_secret(line.substr(0, line.find('=')))) return "this cannot be read";
  if (said.find("redefine") != std::string_view::npos) {
    return "this is given a second time; keep one of the two";
  }
  if (line.find('=') != std::string_view::npos && line.find('"') == std::string_view::npos) {
    return "this is no value; texts, durations and words stand in quotation marks: sync-interval = \"1s\"";
  }
  return "this is not TOML; write name = \"text\", name = 8080, name = true, name = [\"/a\", \"/b\"], or [[client]]";
}

}  // namespace

FileContent parse_config_text(std::string_view text) {
  FileContent content;
  std::string readable(text);
  for (;;) {
    const toml::parse_result parsed = toml::parse(readable);
    if (parsed) {
      collect_file(parsed.table(), content);
      return content;
    }
    const Place place = place_of(parsed.error().source());
    const std::string_view line = line_at(readable, place.line);
    const bool said_before = !content.mistakes.empty() && content.mistakes.back().place.line >= place.line;
    if (said_before || line.empty() || content.mistakes.size() == kMistakesMax) {
      if (content.mistakes.empty()) content.mistakes.push_back({place, "the file ends too early"});
      return content;
    }
    content.mistakes.push_back({place, explain_syntax(parsed.error(), line)});
    // Without its header, what stands below would be taken for another table's.
    if (line.substr(std::min(line.find_first_not_of(" \t"), line.size())).starts_with('[')) return content;
    // As blanks, so that the places of what follows stay true.
    std::fill_n(readable.begin() + (line.data() - readable.data()), line.size(), ' ');
  }
}

bool names_a_secret(std::string_view name) {
  std::string letters;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      letters += static_cast<char>(c - 'A' + 'a');
    } else if (c >= 'a' && c <= 'z') {
      letters += c;
    }
  }
  constexpr std::array<std::string_view, 5> kParts{"secret", "accesskey", "token", "password", "credential"};
  return std::ranges::any_of(kParts, [&](std::string_view part) { return letters.find(part) != std::string::npos; });
}

}  // namespace cli
