// The part of OpenSSL 3 (libcrypto) that SharedCrypto calls. Headers only; nothing else may import this module.
#ifndef MARTLET_COPENSSL_SHIM_H
#define MARTLET_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#endif
