// Whether a sanitizer's runtime has taken over the heap, and mlock(), which then does nothing.
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GIMS_UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define GIMS_UNDER_SANITIZER 1
#endif
#endif
#ifndef GIMS_UNDER_SANITIZER
#define GIMS_UNDER_SANITIZER 0
#endif
