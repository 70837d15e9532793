// Whether this is a sanitizer build, whose runtime needs more of the system than a released one.
#pragma once

namespace gims::sys {

#if defined(GIMS_SANDBOX_WIDE) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sandbox_is_wide = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
inline constexpr bool sandbox_is_wide = true;
#else
inline constexpr bool sandbox_is_wide = false;
#endif
#else
inline constexpr bool sandbox_is_wide = false;
#endif

}  // namespace gims::sys
