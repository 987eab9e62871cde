# Own vector kernels: src/engine/cpu/kernels/*.c, compiled once per instruction set. A table in
# src/engine/cpu/ chooses at start.
file(GLOB kernel_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/engine/cpu/kernels/*.c)
set(kernel_objects)
if(kernel_sources)
  foreach(isa avx2 avx512 avx512_bf16)
    add_library(kernels_${isa} OBJECT ${kernel_sources})
    set_target_properties(kernels_${isa} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(kernels_${isa} PRIVATE tacit_options)
    target_compile_definitions(kernels_${isa} PRIVATE KERNEL_ISA=${isa})
    list(APPEND kernel_objects $<TARGET_OBJECTS:kernels_${isa}>)
  endforeach()
  target_compile_options(kernels_avx2 PRIVATE -Wno-psabi -mavx2 -mfma -mf16c)
  target_compile_options(kernels_avx512 PRIVATE -mavx2 -mfma -mf16c
    -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512)
  target_compile_options(kernels_avx512_bf16 PRIVATE -mavx2 -mfma -mf16c
    -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx512bf16 -mavx512vnni -mprefer-vector-width=512)
  add_library(room_kernels STATIC ${kernel_objects})
  set_target_properties(room_kernels PROPERTIES LINKER_LANGUAGE C)
  target_link_libraries(room_kernels PUBLIC tacit_options)
else()
  add_library(room_kernels INTERFACE)
endif()
