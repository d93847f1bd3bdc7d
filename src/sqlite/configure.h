// Only for the .cpp files of this module.
#pragma once

namespace sqlite {

// Configures SQLite for the whole process, the first time. Before anything else of SQLite is called.
void configure_once();

}  // namespace sqlite
