// Arguments, one a line. A refusal always says something and shows usage.
#include "cli/command_line.h"

#include <string>
#include <vector>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  std::vector<std::string> arguments;
  std::string_view rest = input.text();
  while (!rest.empty() && arguments.size() < 32) {
    const std::size_t end = rest.find('\n');
    arguments.emplace_back(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  auto command = cli::parse_command_line(arguments);
  if (!command) {
    MUST(command.error().category == base::Category::invalid);
    MUST(command.error().message.size() > 10);
  }
  return 0;
}
