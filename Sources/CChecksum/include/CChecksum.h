// The two CRCs that S3 services keep of an object's whole content, by the processor's own instructions where it has them.
// Here and not in Swift, which cannot ask for an instruction that only some processors have.
#pragma once
#include <stddef.h>
#include <stdint.h>

// CRC-64/NVME of `count` more bytes; `crc` is that of the bytes before them, 0 for none.
uint64_t cchecksum_crc64nvme(uint64_t crc, const void *bytes, size_t count);

// CRC-32C (Castagnoli) of `count` more bytes; `crc` is that of the bytes before them, 0 for none.
uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t count);

// The same from tables alone, as on processors without the instructions: for the tests.
uint64_t cchecksum_crc64nvme_portable(uint64_t crc, const void *bytes, size_t count);
uint32_t cchecksum_crc32c_portable(uint32_t crc, const void *bytes, size_t count);
