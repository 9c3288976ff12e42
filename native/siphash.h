/* SipHash-1-3, with a seed that is a secret of the process: who writes the log cannot choose values that meet in one place of
 * a table. A multiplication would not do: there are values that meet by it whatever the seed is.
 */
#ifndef UNMASQ_SIPHASH_H
#define UNMASQ_SIPHASH_H

#include "native.h"

/* Four words that the compiler keeps in registers: as an array they would cost twice the time. */
typedef struct {
    uint64_t a, b, c, d;
} Hash;

static inline uint64_t turned(uint64_t word, int bits) { return word << bits | word >> (64 - bits); }

static inline void stir(Hash *hash)
{
    hash->a += hash->b, hash->c += hash->d;
    hash->b = turned(hash->b, 13) ^ hash->a, hash->d = turned(hash->d, 16) ^ hash->c;
    hash->a = turned(hash->a, 32);
    hash->c += hash->b, hash->a += hash->d;
    hash->b = turned(hash->b, 17) ^ hash->c, hash->d = turned(hash->d, 21) ^ hash->a;
    hash->c = turned(hash->c, 32);
}

static inline void absorb(Hash *hash, uint64_t word) { hash->d ^= word, stir(hash), hash->a ^= word; }

static inline uint64_t hash_of(Text text, uint64_t seed)
{
    Hash hash = {seed ^ 0x736f6d6570736575u, ~seed ^ 0x646f72616e646f6du, seed ^ 0x6c7967656e657261u, ~seed ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)length_of(text) << 56, word;
    for (; length_of(text) >= sizeof word; text.at += sizeof word) memcpy(&word, text.at, sizeof word), absorb(&hash, word);
    for (int shift = 0; text.at < text.end; shift += 8) last |= (uint64_t)*text.at++ << shift;
    absorb(&hash, last);
    hash.c ^= 0xff;
    stir(&hash), stir(&hash), stir(&hash);
    return hash.a ^ hash.b ^ hash.c ^ hash.d;
}

#endif
