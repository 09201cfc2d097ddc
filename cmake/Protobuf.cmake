# Message classes from .proto files, generated when the tree is built.
find_package(Protobuf REQUIRED)

# tf2_protobuf_library(NAME FILE.proto)
# A static library of the messages in FILE; its header is included as "<path below src>/FILE.pb.h". Generated code is
# exempt from the warnings of the tree.
function(tf2_protobuf_library name proto)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR}/src ${CMAKE_CURRENT_SOURCE_DIR})
  string(REGEX REPLACE "\\.proto$" "" stem "${proto}")
  set(root ${PROJECT_BINARY_DIR}/generated)
  set(generated ${root}/${folder}/${stem}.pb.cc ${root}/${folder}/${stem}.pb.h)
  file(MAKE_DIRECTORY ${root})
  add_custom_command(OUTPUT ${generated}
    COMMAND protobuf::protoc --cpp_out=${root} -I ${PROJECT_SOURCE_DIR}/src ${folder}/${proto}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/src
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto} protobuf::protoc
    COMMENT "Generating ${folder}/${stem}.pb.h")
  add_library(${name} STATIC ${generated})
  target_include_directories(${name} SYSTEM PUBLIC ${root})
  target_link_libraries(${name} PUBLIC protobuf::libprotobuf)
  target_compile_options(${name} PRIVATE -w)
endfunction()
