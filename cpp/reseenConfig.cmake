# What reseen::reseen is linked with.
include(CMakeFindDependencyMacro)
find_dependency(OpenVINO COMPONENTS Runtime)
find_dependency(JPEG)
find_dependency(PNG)
find_dependency(OpenSSL COMPONENTS Crypto)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/reseenTargets.cmake)
