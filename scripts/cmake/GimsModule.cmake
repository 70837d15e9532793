# A module is a folder, a static library and a namespace (docs/architecture.md).
#
#   gims_module(store DEPENDS gims_sql gims_base LIBRARIES PkgConfig::sqlite3)
#
# makes the library gims_store of every .cpp file in the folder and below it, main.cpp left out.
function(gims_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;LIBRARIES;EXCLUDE")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main(_[a-z_]+)?\\.cpp$")
  foreach(pattern IN LISTS arg_EXCLUDE)
    list(FILTER sources EXCLUDE REGEX "${pattern}")
  endforeach()
  if(NOT sources)
    add_library(gims_${name} INTERFACE)
    target_link_libraries(gims_${name} INTERFACE ${arg_DEPENDS})
    target_include_directories(gims_${name} INTERFACE ${CMAKE_SOURCE_DIR}/daemon ${CMAKE_SOURCE_DIR})
    return()
  endif()
  add_library(gims_${name} STATIC ${sources})
  target_include_directories(gims_${name} PUBLIC ${CMAKE_SOURCE_DIR}/daemon ${CMAKE_SOURCE_DIR})
  target_link_libraries(gims_${name} PUBLIC ${arg_DEPENDS} PRIVATE ${arg_LIBRARIES})
endfunction()

# The unit tests of a module: every .cpp file of tests/unit/<name>, one executable, one CTest entry a
# test case. DEPENDS names the libraries under test.
function(gims_unit_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS;LIBRARIES")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(unit_${name} ${sources})
  target_include_directories(unit_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  # What is tested is optimised as it ships; the tests themselves need not be, and compile faster.
  target_compile_options(unit_${name} PRIVATE $<$<CONFIG:RelWithDebInfo>:-Og;-g1>)
  target_link_libraries(unit_${name} PRIVATE ${arg_DEPENDS} ${arg_LIBRARIES}
                        GTest::gmock GTest::gtest_main)
  add_test(NAME unit.${name} COMMAND unit_${name})
  set_tests_properties(unit.${name} PROPERTIES LABELS unit)
endfunction()

# A program that the appliance has: `cmake --install BUILD --component gims --strip` puts it in its place below
# the prefix. The daemons lie where no shell looks for them; gimsctl is the only command.
function(gims_install_program name folder)
  install(TARGETS ${name} RUNTIME DESTINATION ${folder} COMPONENT gims)
endfunction()
