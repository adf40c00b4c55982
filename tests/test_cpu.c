/* SPDX-License-Identifier: Apache-2.0
 * CPU counts and memory from made-up cgroup trees, ISA names, and half-precision conversions. */
#include <config.h>

#include "arrowquant.h"
#include "base/half.h"
#include "base/process.h"
#include "cpu.h"
#include "scratch.h"
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void in_group_v2(const char *groups)
{
    scratch_text("/proc/self/mountinfo",
                 "1 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                 "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
    scratch_text("/proc/self/cgroup", groups);
}

/* The quota, the memory once this file is there, too. */
static unsigned quota_with(const char *path, const char *text)
{
    scratch_text(path, text);
    return aq_cpu_quota(scratch_dir);
}

static uint64_t memory_with(const char *path, const char *text)
{
    scratch_text(path, text);
    return aq_process_available_memory(scratch_dir);
}

START_TEST(no_cgroups)
{
    ck_assert_uint_eq(aq_cpu_quota(scratch_dir), 0);
    ck_assert_uint_eq(quota_with("/proc/self/cgroup", "0::/\n"), 0);
}
END_TEST

START_TEST(v2_least_of_ancestors)
{
    in_group_v2("0::/a/b/c\n");
    ck_assert_uint_eq(quota_with("/sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n"), 0);
    ck_assert_uint_eq(quota_with("/sys/fs/cgroup/a/b/cpu.max", "800000 100000\n"), 8);
    ck_assert_uint_eq(quota_with("/sys/fs/cgroup/a/cpu.max", "250000 100000\n"), 3);
    ck_assert_uint_eq(quota_with("/sys/fs/cgroup/a/b/c/cpu.max", "1000 100000\n"), 1);
}
END_TEST

/* In a container the mount's root is the container's group, which its own files call "/". */
START_TEST(v2_container)
{
    scratch_text("/proc/self/mountinfo",
                 "30 23 0:26 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    scratch_text("/proc/self/cgroup", "0::/docker/1/inner\n");
    ck_assert_uint_eq(quota_with("/sys/fs/cgroup/cpu.max", "400000 100000\n"), 4);
    ck_assert_uint_eq(quota_with("/sys/fs/cgroup/inner/cpu.max", "200000 100000\n"), 2);
    ck_assert_uint_eq(quota_with("/proc/self/cgroup", "0::/\n"), 4);
}
END_TEST

START_TEST(v1_cpu_controller)
{
    scratch_text("/proc/self/mountinfo",
                 "33 30 0:30 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n"
                 "34 30 0:31 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n");
    scratch_text("/proc/self/cgroup", "5:cpuset:/x\n4:cpu,cpuacct:/x/y\n");
    scratch_text("/cg/cpu/x/y/cpu.cfs_quota_us", "-1\n");
    ck_assert_uint_eq(quota_with("/cg/cpu/x/y/cpu.cfs_period_us", "100000\n"), 0);
    scratch_text("/cg/cpu/x/cpu.cfs_quota_us", "150000\n");
    ck_assert_uint_eq(quota_with("/cg/cpu/x/cpu.cfs_period_us", "50000\n"), 3);
    scratch_text("/cg/cpuset/x/cpu.cfs_quota_us", "1\n"); /* not that controller's to say */
    ck_assert_uint_eq(quota_with("/cg/cpuset/x/cpu.cfs_period_us", "1\n"), 3);
}
END_TEST

START_TEST(nonsense_is_no_quota)
{
    in_group_v2("0::/a\nrubbish\n1:\n");
    const char *const texts[] = {"", "5", "x y", "-5 100", "100 0", "0 100", "99999999999999999 1"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_uint_eq(quota_with("/sys/fs/cgroup/a/cpu.max", texts[i]), 0);
}
END_TEST

START_TEST(memory_v2_least_of_ancestors)
{
    ck_assert(aq_process_available_memory(scratch_dir) == UINT64_MAX);
    scratch_text("/proc/meminfo", "MemFree: 5 kB\nMemAvailable: 1000 kB\n");
    in_group_v2("0::/a/b\n");
    ck_assert_uint_eq(aq_process_available_memory(scratch_dir), 1024000);
    scratch_text("/sys/fs/cgroup/a/b/memory.max", "max\n");
    ck_assert_uint_eq(memory_with("/sys/fs/cgroup/a/b/memory.current", "300000\n"), 1024000);
    scratch_text("/sys/fs/cgroup/a/memory.max", "700000\n");
    ck_assert_uint_eq(memory_with("/sys/fs/cgroup/a/memory.current", "600000\n"), 100000);
    ck_assert_uint_eq(memory_with("/sys/fs/cgroup/a/memory.stat",
                                  "anon 1\ninactive_file 30000\nactive_file 4000\n"),
                      134000);
    ck_assert_uint_eq(memory_with("/sys/fs/cgroup/a/b/memory.max", "310000\n"), 10000);
    ck_assert_uint_eq(memory_with("/sys/fs/cgroup/a/b/memory.max", "200000\n"), 0);
}
END_TEST

START_TEST(memory_v1_controller)
{
    scratch_text("/proc/meminfo", "MemAvailable: 1000 kB\n");
    scratch_text("/proc/self/mountinfo", "33 30 0:30 / /cg/cpu rw - cgroup cgroup rw,cpu\n"
                                         "34 30 0:31 / /cg/memory rw - cgroup cgroup rw,memory\n");
    scratch_text("/proc/self/cgroup", "5:cpu:/x\n4:memory:/x/y\n");
    scratch_text("/cg/memory/x/y/memory.limit_in_bytes", "9223372036854771712\n");
    ck_assert_uint_eq(memory_with("/cg/memory/x/y/memory.usage_in_bytes", "900000\n"), 1024000);
    scratch_text("/cg/memory/x/memory.limit_in_bytes", "800000\n");
    ck_assert_uint_eq(memory_with("/cg/memory/x/memory.usage_in_bytes", "700000\n"), 100000);
    ck_assert_uint_eq(
        memory_with("/cg/memory/x/memory.stat", "active_file 7\ntotal_inactive_file 200000\n"),
        300000);
    scratch_text("/cg/cpu/x/memory.limit_in_bytes", "1\n"); /* not that controller's to say */
    ck_assert_uint_eq(memory_with("/cg/cpu/x/memory.usage_in_bytes", "1\n"), 300000);
}
END_TEST

START_TEST(usable_cpus)
{
    ck_assert_uint_ge(aq_usable_cpus(), 1);
    ck_assert_uint_le(aq_usable_cpus(), (unsigned)sysconf(_SC_NPROCESSORS_CONF));
}
END_TEST

START_TEST(isa_names)
{
    for (int i = 0; i < AQ_ISA_COUNT; i++) {
        aq_isa isa;
        ck_assert_int_eq(aq_isa_parse(aq_isa_name((aq_isa)i), &isa), 0);
        ck_assert_int_eq(isa, i);
    }
    aq_isa isa;
    ck_assert_int_eq(aq_isa_parse("sse", &isa), -1);
    ck_assert_int_eq(aq_isa_parse("", &isa), -1);
    ck_assert_ptr_null(aq_isa_name(AQ_ISA_COUNT));
    ck_assert(aq_isa_usable(AQ_ISA_SCALAR));
    ck_assert(aq_isa_usable(aq_isa_best()));
    ck_assert(!aq_isa_usable(AQ_ISA_COUNT));
}
END_TEST

static double f16_value(unsigned h)
{
    int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
    double v = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return h & 0x8000u ? -v : v;
}

START_TEST(f16_widens_exactly)
{
    for (unsigned h = 0; h < 65536; h++) {
        float f = aq_f16_to_f32((uint16_t)h);
        if ((h & 0x7c00u) != 0x7c00u)
            ck_assert(f == (float)f16_value(h) && !signbit(f) == !(h >> 15));
        else
            ck_assert((h & 0x3ffu) != 0 ? isnan(f) : isinf(f) && (f < 0) == (h >> 15));
        if (!isnan(f))
            ck_assert_uint_eq(aq_f32_to_f16(f), h);
        else
            ck_assert_uint_gt(aq_f32_to_f16(f) & 0x7fffu, 0x7c00u);
    }
}
END_TEST

/* The middle between neighbours goes to the even one; a float32 step off it to the nearer. */
START_TEST(f16_rounds_to_nearest_even)
{
    for (unsigned h = 0; h < 0x7c00u; h++) {
        double next = h == 0x7bffu ? 65536.0 : f16_value(h + 1);
        float middle = (float)((f16_value(h) + next) / 2);
        ck_assert_uint_eq(aq_f32_to_f16(middle), (h + 1) & ~1u);
        ck_assert_uint_eq(aq_f32_to_f16(nextafterf(middle, 0.0f)), h);
        ck_assert_uint_eq(aq_f32_to_f16(nextafterf(middle, INFINITY)), h + 1);
        ck_assert_uint_eq(aq_f32_to_f16(-middle), 0x8000u | ((h + 1) & ~1u));
    }
    ck_assert_uint_eq(aq_f32_to_f16(INFINITY), 0x7c00u);
    ck_assert_uint_eq(aq_f32_to_f16(0x1p-149f), 0);
}
END_TEST

START_TEST(bf16_rounds_to_nearest_even)
{
    for (uint32_t h = 0; h < 0x7f80u; h++) {
        ck_assert_uint_eq(aq_f32_to_bf16(aq_bf16_to_f32((uint16_t)h)), h);
        ck_assert_uint_eq(aq_f32_to_bf16(aq_f32_from_bits(h << 16 | 0x8000u)), (h + 1) & ~1u);
        ck_assert_uint_eq(aq_f32_to_bf16(aq_f32_from_bits(h << 16 | 0x7fffu)), h);
        ck_assert_uint_eq(aq_f32_to_bf16(aq_f32_from_bits(h << 16 | 0x8001u)), h + 1);
    }
    ck_assert_uint_eq(aq_f32_to_bf16(-INFINITY), 0xff80u);
    ck_assert_uint_gt(aq_f32_to_bf16(aq_f32_from_bits(0x7f800001u)) & 0x7fffu, 0x7f80u);
}
END_TEST

START_TEST(rows_reject_bad_arguments)
{
    float x[64] = {1.0f};
    uint8_t out[80];
    aq_error err;
    aq_isa best = aq_isa_best();
    ck_assert_int_eq(aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, x, 2, 32, out, best, &err),
                     AQ_OK);
    ck_assert_int_eq(aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, x, 1, 33, out, best, &err),
                     AQ_USAGE);
    ck_assert_ptr_nonnull(strstr(err.message, "33"));
    ck_assert_int_eq(aq_quantize_rows(AQ_TYPE_INT8, AQ_DTYPE_F32, x, 1, 32, out, best, NULL),
                     AQ_USAGE);
    ck_assert_int_eq(aq_quantize_rows(AQ_TYPE_COUNT, AQ_DTYPE_F32, x, 1, 32, out, best, &err),
                     AQ_USAGE);
    ck_assert_int_eq(aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_I8, x, 1, 32, out, best, &err),
                     AQ_USAGE);
    ck_assert_int_eq(aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_COUNT, x, 1, 32, out, best, &err),
                     AQ_USAGE);
    ck_assert_int_eq(
        aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, x, 1, 32, out, AQ_ISA_COUNT, &err), AQ_USAGE);
    ck_assert_int_eq(aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, NULL, 1, 32, out, best, &err),
                     AQ_USAGE);
    ck_assert_int_eq(aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, NULL, 0, 32, NULL, best, &err),
                     AQ_OK);
    ck_assert_int_eq(
        aq_quantize_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, x, UINT64_MAX / 16, 32, out, best, &err),
        AQ_USAGE);
}
END_TEST

/* One row of two groups, and a second: levels, scales and zero points lie where the header says. */
START_TEST(packed_rows)
{
    enum { COLS = 24, GROUP = 16, WORDS = 6 };
    float x[2 * COLS] = {1.0f}, scales[4] = {0};
    uint32_t levels[2 * WORDS + 1];
    uint8_t zeros[5];
    aq_error err;
    aq_isa best = aq_isa_best();
    memset(levels, 0x5a, sizeof levels);
    memset(zeros, 0x5a, sizeof zeros);
    x[COLS + GROUP] = -3.0f;
    ck_assert_uint_eq(aq_type_bits(AQ_TYPE_INT8), 8);
    ck_assert_int_eq(aq_quantize_packed_rows(AQ_TYPE_INT8, AQ_DTYPE_F32, x, 2, COLS, GROUP, levels,
                                             scales, zeros, best, &err),
                     AQ_OK);
    ck_assert_float_eq(scales[0], 1.0f / 255.0f);
    ck_assert_float_eq(scales[3], 3.0f / 255.0f);
    ck_assert_uint_eq(levels[0] & 0xff, 255);
    ck_assert_uint_eq(levels[WORDS + GROUP / 4] & 0xff, 0);
    ck_assert_uint_eq(zeros[0], 0);
    ck_assert_uint_eq(zeros[3], 255);
    ck_assert_uint_eq(levels[2 * WORDS], 0x5a5a5a5a);
    ck_assert_uint_eq(zeros[4], 0x5a);
    ck_assert_int_eq(aq_quantize_packed_rows(AQ_TYPE_INT8, AQ_DTYPE_F32, x, 2, COLS, 12, levels,
                                             scales, NULL, best, &err),
                     AQ_USAGE);
    ck_assert_int_eq(aq_quantize_packed_rows(AQ_TYPE_Q8_0, AQ_DTYPE_F32, x, 2, COLS, 0, levels,
                                             scales, NULL, best, &err),
                     AQ_USAGE);
    x[COLS + 1] = __builtin_inff();
    ck_assert_int_eq(aq_quantize_packed_rows(AQ_TYPE_INT4, AQ_DTYPE_F32, x, 2, COLS, 0, levels,
                                             scales, NULL, best, &err),
                     AQ_NUMERIC);
    ck_assert_ptr_nonnull(strstr(err.message, "weights 24 to 47"));
}
END_TEST

START_TEST(what_is_no_type_has_nothing)
{
    static const int none[] = {-1, AQ_TYPE_COUNT, 1000};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        ck_assert_ptr_null(aq_type_name((aq_type)none[i]));
        ck_assert_uint_eq(aq_type_block((aq_type)none[i]), 0);
        ck_assert_uint_eq(aq_type_bytes((aq_type)none[i], 256), 0);
        ck_assert_uint_eq(aq_type_bits((aq_type)none[i]), 0);
    }
    ck_assert_ptr_null(aq_dtype_name((aq_dtype)-1));
    ck_assert_ptr_null(aq_dtype_name(AQ_DTYPE_COUNT));
}
END_TEST

START_TEST(kernel_isa_is_what_runs)
{
    ck_assert_int_eq(aq_kernel_isa(AQ_TYPE_Q8_0, AQ_DTYPE_F16, AQ_ISA_SCALAR), AQ_ISA_SCALAR);
    ck_assert_int_eq(aq_kernel_isa(AQ_TYPE_INT4, AQ_DTYPE_F32, aq_isa_best()), aq_isa_best());
    ck_assert_int_eq(aq_kernel_isa(AQ_TYPE_Q8_0, AQ_DTYPE_I8, aq_isa_best()), AQ_ISA_COUNT);
    ck_assert_int_eq(aq_kernel_isa(AQ_TYPE_COUNT, AQ_DTYPE_F32, aq_isa_best()), AQ_ISA_COUNT);
}
END_TEST

START_TEST(rows_name_nonfinite_weights)
{
    enum { WEIGHTS = 32 * 8200 };
    float *x = calloc(WEIGHTS, sizeof *x);
    uint8_t *out = malloc((size_t)aq_type_bytes(AQ_TYPE_Q4_0, WEIGHTS));
    aq_error err;
    ck_assert(x != NULL && out != NULL);
    x[WEIGHTS - 1] = NAN;
    ck_assert_int_eq(
        aq_quantize_rows(AQ_TYPE_Q4_0, AQ_DTYPE_F32, x, WEIGHTS / 32, 32, out, AQ_ISA_SCALAR, &err),
        AQ_NUMERIC);
    ck_assert_int_eq(err.status, AQ_NUMERIC);
    ck_assert_ptr_nonnull(strstr(err.message, "to 262399"));
    free(x);
    free(out);
}
END_TEST

int main(void)
{
    TCase *quota = tcase_create("quota"), *pure = tcase_create("pure");
    tcase_add_checked_fixture(quota, scratch_make, scratch_remove);
    tcase_add_test(quota, no_cgroups);
    tcase_add_test(quota, v2_least_of_ancestors);
    tcase_add_test(quota, v2_container);
    tcase_add_test(quota, v1_cpu_controller);
    tcase_add_test(quota, nonsense_is_no_quota);
    tcase_add_test(quota, memory_v2_least_of_ancestors);
    tcase_add_test(quota, memory_v1_controller);
    tcase_add_test(pure, usable_cpus);
    tcase_add_test(pure, isa_names);
    tcase_add_test(pure, f16_widens_exactly);
    tcase_add_test(pure, f16_rounds_to_nearest_even);
    tcase_add_test(pure, bf16_rounds_to_nearest_even);
    tcase_add_test(pure, rows_reject_bad_arguments);
    tcase_add_test(pure, packed_rows);
    tcase_add_test(pure, what_is_no_type_has_nothing);
    tcase_add_test(pure, kernel_isa_is_what_runs);
    tcase_add_test(pure, rows_name_nonfinite_weights);
    return RUN_SUITE("cpu", quota, pure);
}
