#ifndef PUSHD_CCURL_SHIM_H
#define PUSHD_CCURL_SHIM_H

#include <curl/curl.h>

#endif
