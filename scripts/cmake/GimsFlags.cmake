# Flags every target is built with. The sanitizers of a preset come in by GIMS_SANITIZE.
set(GIMS_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them")
option(GIMS_COVERAGE "Count how often each line runs (clang)" OFF)
option(GIMS_HARDEN "Hardening flags that need optimisation and no sanitizer" ON)

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported()

add_compile_options(
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2 -Wimplicit-fallthrough
  -ftrivial-auto-var-init=zero -fstack-protector-strong -fno-plt)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # With -O2 it takes the value of a std::expected that holds an error for one that may be read.
  add_compile_options(-Wno-maybe-uninitialized)
  # -Wnull-dereference stays off: what GCC 14 reports at -O2 lies within libstdc++, where
  # unordered_map::erase() is given the iterator of min_element() over a table that is full.
  # clang-analyzer-core.NullDereference (.clang-tidy) and the sanitizers look for it instead.
endif()
# C++ only, so that a C file would not warn about them.
add_compile_options("$<$<COMPILE_LANGUAGE:C>:-Wno-error>")

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-fcf-protection=full)
endif()

if(GIMS_SANITIZE)
  add_compile_options(-fsanitize=${GIMS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${GIMS_SANITIZE})
elseif(GIMS_COVERAGE)
  # The counters lie in the profile's file, mapped from the start: a sandboxed daemon can open no
  # file at its end, and one that is killed has no end.
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping
                      "SHELL:-mllvm -runtime-counter-relocation")
  add_link_options(-fprofile-instr-generate)
elseif(GIMS_HARDEN)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS
                      -fstack-clash-protection)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed)
