#ifndef PUSHD_CCRYPTO_SHIM_H
#define PUSHD_CCRYPTO_SHIM_H

#include <openssl/evp.h>

#endif
