/* SPDX-License-Identifier: Apache-2.0
 * The vector vocabulary of the templates, in 64-bit ARM's base instruction set. */
#ifndef AQ_KERNELS_VEC_NEON_H
#define AQ_KERNELS_VEC_NEON_H

#include "scalar.h"

#include <arm_neon.h>

#define V_NAME(name) name##_neon
enum { V_LANES = 4 };
typedef float32x4_t vf;
typedef uint32x4_t vi;
typedef uint32x4_t vm;

/* ---- float ---- */

AQ_INLINE vf v_set(float f)
{
    return vdupq_n_f32(f);
}

AQ_INLINE vf v_add(vf a, vf b)
{
    return vaddq_f32(a, b);
}

AQ_INLINE vf v_sub(vf a, vf b)
{
    return vsubq_f32(a, b);
}

AQ_INLINE vf v_mul(vf a, vf b)
{
    return vmulq_f32(a, b);
}

AQ_INLINE vf v_div(vf a, vf b)
{
    return vdivq_f32(a, b);
}

AQ_INLINE vf v_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}

AQ_INLINE vf v_min(vf a, vf b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b); /* of 0 and -0 the second, as on x86 */
}

AQ_INLINE vf v_max(vf a, vf b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

AQ_INLINE vf v_sqrt(vf v)
{
    return vsqrtq_f32(v);
}

AQ_INLINE vm v_eq(vf a, vf b)
{
    return vceqq_f32(a, b);
}

AQ_INLINE vm v_ne(vf a, vf b)
{
    return vmvnq_u32(vceqq_f32(a, b));
}

AQ_INLINE vm v_gt(vf a, vf b)
{
    return vcgtq_f32(a, b);
}

AQ_INLINE vf v_select(vm m, vf yes, vf no)
{
    return vbslq_f32(m, yes, no);
}

/* ---- masks: bit i is lane i ---- */

AQ_INLINE vm v_both(vm a, vm b)
{
    return vandq_u32(a, b);
}

AQ_INLINE unsigned v_mask_bits(vm m)
{
    static const uint32_t lane[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(m, vld1q_u32(lane)));
}

AQ_INLINE vm v_eq_bits(vi a, vi b)
{
    return vceqq_u32(a, b);
}

/* ---- bits ---- */

AQ_INLINE vi v_bits(vf v)
{
    return vreinterpretq_u32_f32(v);
}

AQ_INLINE vf v_from_bits(vi v)
{
    return vreinterpretq_f32_u32(v);
}

AQ_INLINE vi v_load_bits(const void *p)
{
    return vreinterpretq_u32_u8(vld1q_u8(p));
}

AQ_INLINE vi v_set_bits(uint32_t bits)
{
    return vdupq_n_u32(bits);
}

AQ_INLINE vi v_and(vi a, vi b)
{
    return vandq_u32(a, b);
}

AQ_INLINE vi v_xor(vi a, vi b)
{
    return veorq_u32(a, b);
}

#define V_S32(v) vreinterpretq_s32_u32(v)
#define V_S16(v) vreinterpretq_s16_u32(v)
#define V_U64(v) vreinterpretq_u64_u32(v)
#define V_U16(v) vreinterpretq_u16_u32(v)

AQ_INLINE vi v_sub_s32(vi a, vi b)
{
    return vsubq_u32(a, b);
}

AQ_INLINE vi v_times_4(vi v)
{
    return vshlq_n_u32(v, 2);
}

AQ_INLINE vf v_to_float(vi v)
{
    return vcvtq_f32_s32(V_S32(v));
}

AQ_INLINE vi v_max_u32(vi a, vi b)
{
    return vmaxq_u32(a, b);
}

AQ_INLINE vi v_max_u16(vi a, vi b)
{
    return vreinterpretq_u32_u16(vmaxq_u16(V_U16(a), V_U16(b)));
}

AQ_INLINE vi v_max_s32(vi a, vi b)
{
    return vreinterpretq_u32_s32(vmaxq_s32(V_S32(a), V_S32(b)));
}

AQ_INLINE vi v_max_s16(vi a, vi b)
{
    return vreinterpretq_u32_s16(vmaxq_s16(V_S16(a), V_S16(b)));
}

AQ_INLINE vi v_min_s32(vi a, vi b)
{
    return vreinterpretq_u32_s32(vminq_s32(V_S32(a), V_S32(b)));
}

AQ_INLINE vi v_min_s16(vi a, vi b)
{
    return vreinterpretq_u32_s16(vminq_s16(V_S16(a), V_S16(b)));
}

AQ_INLINE vi v_min_u16(vi a, vi b)
{
    return vreinterpretq_u32_u16(vminq_u16(V_U16(a), V_U16(b)));
}

/* All ones where the sign is set. */
AQ_INLINE vi v_signs_32(vi a)
{
    return vreinterpretq_u32_s32(vshrq_n_s32(V_S32(a), 31));
}

AQ_INLINE vi v_signs_16(vi a)
{
    return vreinterpretq_u32_s16(vshrq_n_s16(V_S16(a), 15));
}

AQ_INLINE uint32_t v_greatest_u32(vi v)
{
    return vmaxvq_u32(v);
}

/* ---- interleaving ---- */

AQ_INLINE vi v_low_16(vi a, vi b)
{
    return vreinterpretq_u32_u16(vzip1q_u16(V_U16(a), V_U16(b)));
}

AQ_INLINE vi v_high_16(vi a, vi b)
{
    return vreinterpretq_u32_u16(vzip2q_u16(V_U16(a), V_U16(b)));
}

AQ_INLINE vi v_low_32(vi a, vi b)
{
    return vzip1q_u32(a, b);
}

AQ_INLINE vi v_high_32(vi a, vi b)
{
    return vzip2q_u32(a, b);
}

AQ_INLINE vi v_low_64(vi a, vi b)
{
    return vreinterpretq_u32_u64(vzip1q_u64(V_U64(a), V_U64(b)));
}

AQ_INLINE vi v_high_64(vi a, vi b)
{
    return vreinterpretq_u32_u64(vzip2q_u64(V_U64(a), V_U64(b)));
}

/* ---- floats of a table, by the lowest bits of each lane ---- */

enum { V_TABLE = 1 }; /* whose permutations are of bytes: no gain here */

AQ_INLINE vf v_look_up(const float table[V_TABLE], vi at)
{
    (void)at;
    return vdupq_n_f32(table[0]);
}

/* ---- weights ---- */

AQ_INLINE vf v_widen(aq_dtype source, uint16x4_t h)
{
    return source == AQ_DTYPE_F16 ? vcvt_f32_f16(vreinterpret_f16_u16(h))
                                  : vreinterpretq_f32_u32(vshll_n_u16(h, 16));
}

AQ_INLINE vf v_load(aq_dtype source, const uint8_t *p)
{
    return source == AQ_DTYPE_F32 ? vreinterpretq_f32_u8(vld1q_u8(p))
                                  : v_widen(source, vreinterpret_u16_u8(vld1_u8(p)));
}

/* Half `half` of a vector of 16-bit weights. */
AQ_INLINE vf v_widen_half(aq_dtype source, vi h, int half)
{
    return v_widen(source, half ? vget_high_u16(V_U16(h)) : vget_low_u16(V_U16(h)));
}

AQ_INLINE void v_store(float *p, vf v)
{
    vst1q_f32(p, v);
}

AQ_INLINE vf v_load_f32(const float *p)
{
    return vld1q_f32(p);
}

/* Lanes, a bit each, to be stored one behind the other. */
typedef uint8x16_t v_choice;

AQ_INLINE v_choice v_choose(unsigned bits)
{
    uint8x16_t place = vreinterpretq_u8_u32(vdupq_n_u32(aq_places_of_bits[bits]));
    place = vzip1q_u8(place, place);
    place = vshlq_n_u8(vzip1q_u8(place, place), 2);
    return vaddq_u8(place, vreinterpretq_u8_u32(vdupq_n_u32(0x03020100)));
}

/* Of as many bytes as a vector has, those behind the chosen lanes are anything. */
AQ_INLINE void v_store_chosen(void *p, vf v, v_choice choice)
{
    vst1q_u8(p, vqtbl1q_u8(vreinterpretq_u8_f32(v), choice));
}

AQ_INLINE void v_store_f16(uint16_t *p, vf v)
{
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
}

#endif
