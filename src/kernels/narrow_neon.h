/* SPDX-License-Identifier: Apache-2.0
 * 32 values at a time, rounded, clamped and packed, in 64-bit ARM's base instruction set. */
#ifndef AQ_KERNELS_NARROW_NEON_H
#define AQ_KERNELS_NARROW_NEON_H

#include "vec_neon.h"

typedef struct v_block {
    vf v[32 / V_LANES];
} v_block;

typedef struct v_bytes {
    uint8x16_t v[2];
} v_bytes;

/* The low byte of each of 32 values. */
AQ_INLINE v_bytes v_low_bytes(const int32x4_t q[8])
{
    v_bytes bytes;
    for (int i = 0; i < 2; i++) {
        int16x8_t a = vcombine_s16(vmovn_s32(q[4 * i]), vmovn_s32(q[4 * i + 1]));
        int16x8_t b = vcombine_s16(vmovn_s32(q[4 * i + 2]), vmovn_s32(q[4 * i + 3]));
        bytes.v[i] = vreinterpretq_u8_s8(vcombine_s8(vmovn_s16(a), vmovn_s16(b)));
    }
    return bytes;
}

AQ_INLINE void v_store_low_bytes(uint8_t *out, v_block x)
{
    int32x4_t q[8];
    for (int i = 0; i < 8; i++)
        q[i] = vreinterpretq_s32_f32(x.v[i]);
    v_bytes bytes = v_low_bytes(q);
    vst1q_u8(out, bytes.v[0]);
    vst1q_u8(out + 16, bytes.v[1]);
}

AQ_INLINE void v_store_rounded(uint8_t *out, v_block x)
{
    int32x4_t q[8];
    for (int i = 0; i < 8; i++)
        q[i] = vcvtaq_s32_f32(x.v[i]); /* roundf is an instruction here */
    v_bytes bytes = v_low_bytes(q);
    vst1q_u8(out, bytes.v[0]);
    vst1q_u8(out + 16, bytes.v[1]);
}

/* Bit i is the fifth bit of level i. */
AQ_INLINE uint32_t v_fifth_bits(v_bytes levels)
{
    static const uint8_t place[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint32_t fifth = 0;
    for (int i = 0; i < 2; i++) {
        uint8x16_t set = vandq_u8(vtstq_u8(levels.v[i], vdupq_n_u8(16)), vld1q_u8(place));
        fifth |= (uint32_t)vaddv_u8(vget_low_u8(set)) << 16 * i;
        fifth |= (uint32_t)vaddv_u8(vget_high_u8(set)) << (16 * i + 8);
    }
    return fifth;
}

/* Truncated and at most top; see store_levels of the scalar twins. A NaN gives 0 here too. */
AQ_INLINE void v_store_levels(uint8_t *out, int five_bits, v_block x)
{
    int32x4_t top = vdupq_n_s32(five_bits ? 31 : 15), q[8];
    for (int i = 0; i < 8; i++)
        q[i] = vminq_s32(vcvtq_s32_f32(x.v[i]), top);
    v_bytes levels = v_low_bytes(q);
    if (five_bits) {
        uint32_t fifth = v_fifth_bits(levels);
        memcpy(out, &fifth, sizeof fifth);
        out += sizeof fifth;
        levels.v[0] = vandq_u8(levels.v[0], vdupq_n_u8(15));
    }
    vst1q_u8(out, vorrq_u8(levels.v[0], vshlq_n_u8(levels.v[1], 4)));
}

/* clamp(rint(v), least, least + steps) - least, one to a byte. */
AQ_INLINE v_bytes v_quantized(v_block x, int least, int steps)
{
    int32x4_t low = vdupq_n_s32(least), high = vdupq_n_s32(least + steps), q[8];
    for (int i = 0; i < 8; i++)
        q[i] = vsubq_s32(vminq_s32(vmaxq_s32(vcvtnq_s32_f32(x.v[i]), low), high), low);
    return v_low_bytes(q);
}

/* clamp(high word - least, 0, steps), one to a byte. */
AQ_INLINE v_bytes v_high_levels(v_block x, int least, int steps)
{
    uint16x8_t zero = vdupq_n_u16((uint16_t)least);
    uint8x8_t top = vdup_n_u8((uint8_t)steps), bytes[4];
    for (int i = 0; i < 4; i++) {
        vi first = v_bits(x.v[2 * i]), second = v_bits(x.v[2 * i + 1]);
        uint16x8_t words = vcombine_u16(vshrn_n_u32(first, 16), vshrn_n_u32(second, 16));
        bytes[i] = vmin_u8(vqmovn_u16(vqsubq_u16(words, zero)), top);
    }
    return (v_bytes){{vcombine_u8(bytes[0], bytes[1]), vcombine_u8(bytes[2], bytes[3])}};
}

AQ_INLINE uint8x16_t v_join(uint8x16_t a, uint8x16_t b, int bits)
{
    uint8x16_t odd = vuzp2q_u8(a, b);
    return vorrq_u8(vuzp1q_u8(a, b), bits == 4 ? vshlq_n_u8(odd, 4) : vshlq_n_u8(odd, 2));
}

/* 32 levels, one to a byte, as 32, 16 or 8 bytes of 8, 4 or 2 bits; the first level lowest. */
AQ_INLINE void v_store_packed(uint8_t *out, unsigned bits, v_bytes levels)
{
    if (bits == 8) {
        vst1q_u8(out, levels.v[0]);
        vst1q_u8(out + 16, levels.v[1]);
    } else if (bits == 4) {
        vst1q_u8(out, v_join(levels.v[0], levels.v[1], 4));
    } else {
        uint8x16_t pairs = v_join(levels.v[0], levels.v[1], 2);
        vst1_u8(out, vget_low_u8(v_join(pairs, pairs, 4)));
    }
}

#endif
