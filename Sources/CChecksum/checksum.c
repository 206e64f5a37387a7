// CRCs of bytes whose lowest bit comes first ("reflected"): in a register of n bits, bit i stands for x^(n-1-i).
#include "CChecksum.h"
#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// The polynomials without their highest term, reflected. Source: catalogue of parametrised CRC algorithms
// (CRC-64/NVME, CRC-32/ISCSI), read 2026-11.
static const uint64_t polynomial64 = 0x9a6c9329ac4bc9b5;
static const uint32_t polynomial32 = 0x82f63b78;

// table[k][b]: what byte b adds when k bytes follow it.
static uint64_t table64[8][256];
static uint32_t table32[8][256];

#if defined(__x86_64__)
static bool has_carryless_multiply, has_crc32;
// x^n modulo the polynomial; the first is for the half of a block that comes first.
static uint64_t fold_one_block[2], fold_four_blocks[2];

static uint64_t power_of_x(unsigned exponent) {
    uint64_t power = UINT64_C(1) << 63;
    for (; exponent > 0; exponent--) power = power >> 1 ^ (power & 1 ? polynomial64 : 0);
    return power;
}
#endif

__attribute__((constructor)) static void prepare(void) {
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t wide = byte;
        uint32_t narrow = byte;
        for (int bit = 0; bit < 8; bit++) {
            wide = wide >> 1 ^ (wide & 1 ? polynomial64 : 0);
            narrow = narrow >> 1 ^ (narrow & 1 ? polynomial32 : 0);
        }
        table64[0][byte] = wide;
        table32[0][byte] = narrow;
    }
    for (int k = 1; k < 8; k++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint64_t wide = table64[k - 1][byte];
            uint32_t narrow = table32[k - 1][byte];
            table64[k][byte] = wide >> 8 ^ table64[0][wide & 255];
            table32[k][byte] = narrow >> 8 ^ table32[0][narrow & 255];
        }
    }
#if defined(__x86_64__)
    __builtin_cpu_init();
    has_carryless_multiply = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
    has_crc32 = __builtin_cpu_supports("sse4.2");
    // A product of two reflected numbers stands one bit too low: hence the -1.
    fold_one_block[0] = power_of_x(128 + 64 - 1);
    fold_one_block[1] = power_of_x(128 - 1);
    fold_four_blocks[0] = power_of_x(512 + 64 - 1);
    fold_four_blocks[1] = power_of_x(512 - 1);
#endif
}

static uint64_t word(const uint8_t *bytes) {
    uint64_t value;
    memcpy(&value, bytes, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

// Without the inversions at both ends.
static uint64_t step64(uint64_t crc, const uint8_t *bytes, size_t count) {
    for (; count >= 8; bytes += 8, count -= 8) {
        crc ^= word(bytes);
        uint64_t next = 0;
        for (int k = 0; k < 8; k++) next ^= table64[7 - k][crc >> 8 * k & 255];
        crc = next;
    }
    for (; count > 0; bytes++, count--) crc = crc >> 8 ^ table64[0][(crc ^ *bytes) & 255];
    return crc;
}

static uint32_t step32(uint32_t crc, const uint8_t *bytes, size_t count) {
    for (; count >= 8; bytes += 8, count -= 8) {
        uint64_t value = word(bytes) ^ crc;
        crc = 0;
        for (int k = 0; k < 8; k++) crc ^= table32[7 - k][value >> 8 * k & 255];
    }
    for (; count > 0; bytes++, count--) crc = crc >> 8 ^ table32[0][(crc ^ *bytes) & 255];
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("pclmul,sse4.1"))) static __m128i fold(__m128i block, __m128i powers, __m128i next) {
    __m128i first = _mm_clmulepi64_si128(block, powers, 0x00);
    __m128i second = _mm_clmulepi64_si128(block, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, second), next);
}

__attribute__((target("pclmul,sse4.1"))) static __m128i block_at(const uint8_t *bytes) {
    return _mm_loadu_si128((const __m128i *)bytes);
}

// Folds each block of 16 bytes into the one 64 bytes on, four at once, until a last block has the same remainder as
// all of them. `count` is 64 or more.
__attribute__((target("pclmul,sse4.1"))) static uint64_t folded64(uint64_t crc, const uint8_t *bytes, size_t count) {
    const __m128i one = _mm_set_epi64x((int64_t)fold_one_block[1], (int64_t)fold_one_block[0]);
    const __m128i four = _mm_set_epi64x((int64_t)fold_four_blocks[1], (int64_t)fold_four_blocks[0]);
    __m128i blocks[4];
    for (int k = 0; k < 4; k++) blocks[k] = block_at(bytes + 16 * k);
    blocks[0] = _mm_xor_si128(blocks[0], _mm_set_epi64x(0, (int64_t)crc));
    for (bytes += 64, count -= 64; count >= 64; bytes += 64, count -= 64) {
        for (int k = 0; k < 4; k++) blocks[k] = fold(blocks[k], four, block_at(bytes + 16 * k));
    }
    __m128i last = blocks[0];
    for (int k = 1; k < 4; k++) last = fold(last, one, blocks[k]);
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)rest, last);
    return step64(step64(0, rest, 16), bytes, count);
}

__attribute__((target("sse4.2"))) static uint32_t instructed32(uint32_t crc, const uint8_t *bytes, size_t count) {
    uint64_t value = crc;
    for (; count >= 8; bytes += 8, count -= 8) value = _mm_crc32_u64(value, word(bytes));
    for (; count > 0; bytes++, count--) value = _mm_crc32_u8((uint32_t)value, *bytes);
    return (uint32_t)value;
}
#endif

uint64_t cchecksum_crc64nvme(uint64_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (has_carryless_multiply && count >= 64) return ~folded64(~crc, bytes, count);
#endif
    return ~step64(~crc, bytes, count);
}

uint32_t cchecksum_crc32c(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (has_crc32) return ~instructed32(~crc, bytes, count);
#endif
    return ~step32(~crc, bytes, count);
}

uint64_t cchecksum_crc64nvme_portable(uint64_t crc, const void *bytes, size_t count) {
    return ~step64(~crc, bytes, count);
}

uint32_t cchecksum_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    return ~step32(~crc, bytes, count);
}
