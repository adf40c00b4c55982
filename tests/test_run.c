/* SPDX-License-Identifier: Apache-2.0
 * Plan and run against whole tensors put through the scalar kernel at once: the same bytes whatever
 * the tiles, threads and mode; every byte written exactly once; the first error in tensor order. */
#include <config.h>

#include <math.h>

#include "base/half.h"
#include "kernels/kernel.h"
#include "memory_model.h"
#include "plan/plan.h"
#include "run/run.h"
#include "suite.h"

static uint64_t random_state = 1;

static uint32_t random32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 32);
}

static void fill(uint8_t *at, aq_dtype dtype, uint64_t weights)
{
    for (uint64_t i = 0; i < weights; i++) {
        float x = ((float)(random32() >> 8) / 8388608.0f - 1.0f) * 0.1f;
        uint16_t half = dtype == AQ_DTYPE_F16 ? aq_f32_to_f16(x) : aq_f32_to_bf16(x);
        if (dtype == AQ_DTYPE_F32)
            memcpy(at + 4 * i, &x, 4);
        else
            memcpy(at + 2 * i, &half, 2);
    }
}

static void add(memory_model *m, const char *name, aq_dtype dtype, uint64_t rows, uint64_t cols)
{
    uint8_t *at = memory_model_add(m, name, dtype, rows, cols);
    if (aq_dtype_is_weight(dtype))
        fill(at, dtype, (rows == 0 ? 1 : rows) * cols);
    else
        for (uint64_t i = 0; i < m->tensors[m->model.tensor_count - 1].bytes; i++)
            at[i] = (uint8_t)random32();
}

/* Small, odd and long rows; what passes through; more rows than a tile and more columns than one.
 */
static void make_model(memory_model *m)
{
    memory_model_init(m);
    add(m, "a.weight", AQ_DTYPE_F32, 37, 96);
    add(m, "b.weight", AQ_DTYPE_F16, 101, 256);
    add(m, "c.weight", AQ_DTYPE_BF16, 19, 8192);
    add(m, "norm", AQ_DTYPE_F32, 0, 77);
    add(m, "ids", AQ_DTYPE_I64, 3, 5000);
    add(m, "odd", AQ_DTYPE_F16, 33, 50);
    add(m, "long", AQ_DTYPE_F32, 18, 4160);
    add(m, "empty", AQ_DTYPE_F16, 0, 0);
    add(m, "one", AQ_DTYPE_F16, 1, 32);
}

typedef struct setting {
    aq_type type;
    uint64_t group;
    bool asymmetric;
} setting;

static const setting settings[] = {
    {AQ_TYPE_Q8_0, 0, false},  {AQ_TYPE_Q4_0, 0, false},   {AQ_TYPE_Q4_1, 0, false},
    {AQ_TYPE_Q5_0, 0, false},  {AQ_TYPE_Q5_1, 0, false},   {AQ_TYPE_INT8, 32, false},
    {AQ_TYPE_INT4, 128, true}, {AQ_TYPE_INT4, 0, true},    {AQ_TYPE_INT4, 8, false},
    {AQ_TYPE_INT2, 24, true},  {AQ_TYPE_INT8, 4096, true}, {AQ_TYPE_INT2, 0, false},
};
enum { SETTINGS = sizeof settings / sizeof settings[0] };

static void make_plan(aq_plan *plan, const memory_model *m, const setting *s, size_t tile_bytes)
{
    aq_error error;
    bool packed = aq_type_get(s->type)->packed;
    aq_plan_options o = {.format = packed ? AQ_FORMAT_SAFETENSORS : AQ_FORMAT_GGUF,
                         .type = &s->type,
                         .group_size = s->group,
                         .asymmetric = s->asymmetric,
                         .tile_bytes = tile_bytes};
    aq_status status = aq_plan_make(plan, &m->model, &o, &error);
    ck_assert_msg(status == AQ_OK, "%s", status == AQ_OK ? "" : error.message);
}

static memory_sink *run(const aq_plan *plan, aq_mode mode, unsigned threads, aq_isa isa)
{
    aq_error error;
    aq_run_stats stats;
    aq_run_options o = {.mode = mode, .isa = isa};
    memory_sink *sink = memory_sink_new(plan->layout.files[0].size);
    aq_pool *pool = aq_pool_create(threads);
    aq_status status = aq_run(plan, &sink->sink, pool, &o, &stats, &error);
    ck_assert_msg(status == AQ_OK, "%s", status == AQ_OK ? "" : error.message);
    uint64_t tiles = 0;
    for (unsigned i = 0; i < stats.threads; i++)
        tiles += stats.thread[i].tiles;
    ck_assert_uint_eq(tiles, plan->tiles);
    aq_free(stats.thread);
    aq_pool_destroy(pool);
    return sink;
}

/* ---- the expectation: each tensor whole ---- */

static void expect_blocks(const memory_model *m, const aq_plan *plan, const aq_item *item,
                          const uint8_t *out)
{
    const aq_tensor *t = item->tensor;
    const aq_kernel *k = aq_kernel_find(plan->type_id, t->dtype, AQ_ISA_SCALAR);
    const aq_out_tensor *o = &plan->layout.tensors[item->out];
    size_t bytes = (size_t)o->bytes;
    uint8_t *want = malloc(bytes);
    (void)k->blocks(m->source->bytes + t->offset, (size_t)(t->weights / plan->type->block), want);
    REQUIRE(memcmp(out + o->offset, want, bytes) == 0);
    free(want);
}

static uint32_t zero_point_at(const uint8_t *packed, uint64_t row, uint64_t group, uint64_t groups,
                              unsigned bits)
{
    uint32_t word;
    memcpy(&word, packed + (row * bits / 32 * groups + group) * 4, 4);
    return word >> (row * bits % 32) & ((1u << bits) - 1);
}

static void expect_rows(const memory_model *m, const aq_plan *plan, const aq_item *item,
                        const uint8_t *out)
{
    const aq_tensor *t = item->tensor;
    const aq_kernel *k = aq_kernel_find(plan->type_id, t->dtype, AQ_ISA_SCALAR);
    const aq_out_tensor *o = plan->layout.tensors;
    size_t element = aq_dtype_get(t->dtype)->bytes, bits = plan->type->bits;
    size_t cols = (size_t)item->cols, groups = (size_t)item->groups;
    size_t row_words = (cols * bits + 31) / 32;
    aq_row_params params = {.group = (size_t)item->group, .asymmetric = plan->asymmetric};
    uint32_t *levels = malloc(row_words * 4);
    uint8_t *scales = malloc(groups * element), *zeros = malloc(groups);
    ck_assert_uint_eq(o[item->out].bytes, item->rows * row_words * 4);
    for (uint64_t r = 0; r < item->rows; r++) {
        (void)k->row(m->source->bytes + t->offset + r * cols * element, cols, &params, levels,
                     scales, plan->asymmetric ? zeros : NULL);
        REQUIRE(memcmp(out + o[item->out].offset + r * row_words * 4, levels, row_words * 4) == 0);
        ck_assert_mem_eq(out + o[item->out_scale].offset + r * groups * element, scales,
                         groups * element);
        for (uint64_t g = 0; plan->asymmetric && g < item->groups; g++)
            ck_assert_uint_eq(
                zero_point_at(out + o[item->out_zero].offset, r, g, item->groups, (unsigned)bits),
                zeros[g]);
    }
    free(levels);
    free(scales);
    free(zeros);
}

static void expect(const memory_model *m, const aq_plan *plan, const uint8_t *out)
{
    for (size_t i = 0; i < plan->item_count; i++) {
        const aq_item *item = &plan->items[i];
        const aq_tensor *t = item->tensor;
        const aq_out_tensor *o = &plan->layout.tensors[item->out];
        if (item->action == AQ_ACTION_BLOCKS)
            expect_blocks(m, plan, item, out);
        else if (item->action == AQ_ACTION_PACK)
            expect_rows(m, plan, item, out);
        else
            REQUIRE(memcmp(out + o->offset, m->source->bytes + t->offset, (size_t)t->bytes) == 0);
    }
    for (size_t i = 0; i < plan->constant_count; i++) {
        const aq_out_tensor *o = &plan->layout.tensors[plan->constants[i].out];
        REQUIRE(memcmp(out + o->offset, plan->constants[i].bytes, (size_t)o->bytes) == 0);
    }
}

static void expect_written_once(const aq_plan *plan, const memory_sink *sink)
{
    const aq_layout *l = &plan->layout;
    uint64_t once = l->files[0].header_size;
    for (size_t i = 0; i < l->tensor_count; i++)
        once += l->tensors[i].bytes;
    uint64_t written = 0;
    for (uint64_t i = 0; i < sink->size; i++) {
        REQUIRE(sink->times[i] <= 1);
        written += sink->times[i];
    }
    ck_assert_uint_eq(written, once);
}

START_TEST(tiles_give_what_whole_tensors_give)
{
    const setting *s = &settings[_i];
    static const size_t tile_bytes[] = {4096, 65536, 1 << 20};
    memory_model m;
    make_model(&m);
    for (size_t i = 0; i < sizeof tile_bytes / sizeof tile_bytes[0]; i++) {
        aq_plan plan;
        make_plan(&plan, &m, s, tile_bytes[i]);
        memory_sink *sink = run(&plan, AQ_MODE_STREAMING, 3, AQ_ISA_SCALAR);
        expect(&m, &plan, sink->bytes);
        expect_written_once(&plan, sink);
        sink->sink.close(&sink->sink);
        aq_plan_free(&plan);
    }
    memory_model_free(&m);
}
END_TEST

START_TEST(mode_threads_and_isa_change_nothing)
{
    static const unsigned threads[] = {1, 2, 3, 8, 64};
    memory_model m;
    aq_plan plan;
    make_model(&m);
    make_plan(&plan, &m, &settings[_i], 4096);
    memory_sink *first = run(&plan, AQ_MODE_STREAMING, 1, AQ_ISA_SCALAR);
    for (aq_isa isa = AQ_ISA_SCALAR; isa < AQ_ISA_COUNT; isa++)
        for (size_t t = 0; aq_isa_usable(isa) && t < sizeof threads / sizeof threads[0]; t++)
            for (int mode = AQ_MODE_STREAMING; mode <= AQ_MODE_BATCH; mode++) {
                memory_sink *other = run(&plan, (aq_mode)mode, threads[t], isa);
                ck_assert_uint_eq(other->size, first->size);
                REQUIRE(memcmp(other->bytes, first->bytes, (size_t)first->size) == 0);
                other->sink.close(&other->sink);
            }
    first->sink.close(&first->sink);
    aq_plan_free(&plan);
    memory_model_free(&m);
}
END_TEST

/* ---- what goes wrong ---- */

static aq_status run_failing(const memory_model *m, const setting *s, aq_mode mode,
                             aq_nonfinite nonfinite, uint8_t **out, aq_error *error)
{
    aq_plan plan;
    make_plan(&plan, m, s, 65536); /* whole rows, so that tiles follow the tensor's order */
    memory_sink *sink = memory_sink_new(plan.layout.files[0].size);
    aq_pool *pool = aq_pool_create(8);
    aq_run_stats stats;
    aq_run_options o = {.mode = mode, .isa = aq_isa_best(), .nonfinite = nonfinite};
    aq_status status = aq_run(&plan, &sink->sink, pool, &o, &stats, error);
    if (status == AQ_OK)
        aq_free(stats.thread);
    if (out != NULL) {
        const aq_out_tensor *t = &plan.layout.tensors[plan.items[0].out];
        *out = malloc((size_t)t->bytes);
        memcpy(*out, sink->bytes + t->offset, (size_t)t->bytes);
    }
    aq_pool_destroy(pool);
    sink->sink.close(&sink->sink);
    aq_plan_free(&plan);
    return status;
}

START_TEST(the_first_error_is_reported)
{
    static const uint32_t specials[] = {0x7f800000, 0xff800000, 0x7fc00000};
    for (int mode = AQ_MODE_STREAMING; mode <= AQ_MODE_BATCH; mode++)
        for (int round = 0; round < 20; round++) {
            memory_model m;
            aq_error error;
            memory_model_init(&m);
            add(&m, "x", AQ_DTYPE_F32, 256, 1024);
            uint64_t first = 5000 + (uint64_t)round * 1000;
            for (uint64_t i = first; i < 256 * 1024; i += 3001)
                memcpy(m.source->bytes + 4 * i, &specials[i % 3], 4);
            ck_assert_int_eq(
                run_failing(&m, &settings[_i], (aq_mode)mode, AQ_NONFINITE_ERROR, NULL, &error),
                AQ_NUMERIC);
            char want[64];
            (void)snprintf(want, sizeof want, "tensor 'x', index %llu ", (unsigned long long)first);
            ck_assert_msg(strstr(error.message, want) != NULL, "%s", error.message);
            memory_model_free(&m);
        }
}
END_TEST

START_TEST(nonfinite_keep_marks_the_block)
{
    const setting s = {AQ_TYPE_Q8_0, 0, false};
    const uint32_t nan = 0x7fc00000;
    memory_model m;
    aq_error error;
    uint8_t *out, *clean;
    memory_model_init(&m);
    add(&m, "x", AQ_DTYPE_F32, 4, 1024);
    ck_assert_int_eq(run_failing(&m, &s, AQ_MODE_STREAMING, AQ_NONFINITE_KEEP, &clean, &error),
                     AQ_OK);
    memcpy(m.source->bytes + 4 * 70, &nan, 4);
    ck_assert_int_eq(run_failing(&m, &s, AQ_MODE_STREAMING, AQ_NONFINITE_KEEP, &out, &error),
                     AQ_OK);
    static const uint8_t poisoned[34] = {0x00, 0x7e};
    REQUIRE(memcmp(out + 2 * 34, poisoned, 34) == 0);
    ck_assert_mem_eq(out, clean, 68);
    REQUIRE(memcmp(out + 3 * 34, clean + 3 * 34, 4 * 1024 / 32 * 34 - 3 * 34) == 0);
    free(out);
    free(clean);
    memory_model_free(&m);
}
END_TEST

/* Level 0 and a NaN scale for that group alone, wherever in its words it lies. */
START_TEST(nonfinite_keep_marks_the_group)
{
    const setting s = {AQ_TYPE_INT2, 24, true};
    const uint32_t inf = 0x7f800000;
    enum { COLS = 200, GROUPS = 9, WORDS = 13 };
    memory_model m;
    aq_plan plan;
    aq_error error;
    aq_run_stats stats;
    memory_model_init(&m);
    add(&m, "x", AQ_DTYPE_F32, 5, COLS);
    make_plan(&plan, &m, &s, 4096);
    memory_sink *clean = run(&plan, AQ_MODE_STREAMING, 2, aq_isa_best());
    memcpy(m.source->bytes + 4 * (3 * COLS + 50), &inf, 4); /* group 2 of row 3 */
    memory_sink *sink = memory_sink_new(plan.layout.files[0].size);
    aq_pool *pool = aq_pool_create(2);
    aq_run_options o = {.isa = aq_isa_best(), .nonfinite = AQ_NONFINITE_KEEP};
    ck_assert_int_eq(aq_run(&plan, &sink->sink, pool, &o, &stats, &error), AQ_OK);
    const aq_item *item = &plan.items[0];
    const aq_out_tensor *t = plan.layout.tensors;
    for (unsigned r = 0; r < 5; r++)
        for (unsigned i = 0; i < COLS; i++) {
            uint64_t at = t[item->out].offset + r * WORDS * 4 + i / 4;
            unsigned level = sink->bytes[at] >> (i % 4 * 2) & 3;
            unsigned before = clean->bytes[at] >> (i % 4 * 2) & 3;
            REQUIRE(level == (r == 3 && i / 24 == 2 ? 2 : before));
        }
    for (unsigned g = 0; g < 5 * GROUPS; g++) {
        float scale;
        memcpy(&scale, sink->bytes + t[item->out_scale].offset + g * 4, 4);
        ck_assert_int_eq(isnan(scale) != 0, g == 3 * GROUPS + 2);
    }
    ck_assert_uint_eq(zero_point_at(sink->bytes + t[item->out_zero].offset, 3, 2, GROUPS, 2), 2);
    aq_free(stats.thread);
    aq_pool_destroy(pool);
    sink->sink.close(&sink->sink);
    clean->sink.close(&clean->sink);
    aq_plan_free(&plan);
    memory_model_free(&m);
}
END_TEST

START_TEST(a_scale_beyond_float16_is_an_error)
{
    static const aq_type types[] = {AQ_TYPE_Q8_0, AQ_TYPE_Q4_0, AQ_TYPE_Q4_1, AQ_TYPE_Q5_0,
                                    AQ_TYPE_Q5_1, AQ_TYPE_Q2_K, AQ_TYPE_Q3_K, AQ_TYPE_Q4_K,
                                    AQ_TYPE_Q5_K, AQ_TYPE_Q6_K};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const setting s = {types[i], 0, false};
        const float large = 1e30f;
        char want[64];
        uint64_t block = aq_type_get(types[i])->block;
        (void)snprintf(want, sizeof want, "tensor 'x', index %u ", (unsigned)(800 / block * block));
        memory_model m;
        aq_error error;
        memory_model_init(&m);
        add(&m, "x", AQ_DTYPE_F32, 2, 512);
        memcpy(m.source->bytes + 4 * 800, &large, 4);
        ck_assert_int_eq(run_failing(&m, &s, AQ_MODE_STREAMING, AQ_NONFINITE_ERROR, NULL, &error),
                         AQ_NUMERIC);
        ck_assert_msg(strstr(error.message, want) != NULL, "%s", error.message);
        memory_model_free(&m);
    }
}
END_TEST

START_TEST(a_read_error_ends_the_run)
{
    for (int mode = AQ_MODE_STREAMING; mode <= AQ_MODE_BATCH; mode++) {
        memory_model m;
        aq_error error;
        make_model(&m);
        m.source->fail_at = m.source->size / 2;
        ck_assert_int_eq(
            run_failing(&m, &settings[0], (aq_mode)mode, AQ_NONFINITE_ERROR, NULL, &error),
            AQ_FAILURE);
        ck_assert_ptr_nonnull(strstr(error.message, "read error"));
        memory_model_free(&m);
    }
}
END_TEST

START_TEST(cancel_is_seen)
{
    static const int cancel = 15;
    memory_model m;
    aq_plan plan;
    aq_error error;
    aq_run_stats stats;
    make_model(&m);
    make_plan(&plan, &m, &settings[0], 4096);
    memory_sink *sink = memory_sink_new(plan.layout.files[0].size);
    aq_pool *pool = aq_pool_create(2);
    aq_run_options o = {.isa = AQ_ISA_SCALAR, .cancel = &cancel};
    ck_assert_int_eq(aq_run(&plan, &sink->sink, pool, &o, &stats, &error), AQ_CANCELLED);
    aq_pool_destroy(pool);
    sink->sink.close(&sink->sink);
    aq_plan_free(&plan);
    memory_model_free(&m);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("run");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, tiles_give_what_whole_tensors_give, 0, SETTINGS);
    tcase_add_loop_test(tests, mode_threads_and_isa_change_nothing, 0, SETTINGS);
    tcase_add_loop_test(tests, the_first_error_is_reported, 0, SETTINGS);
    tcase_add_test(tests, nonfinite_keep_marks_the_block);
    tcase_add_test(tests, nonfinite_keep_marks_the_group);
    tcase_add_test(tests, a_scale_beyond_float16_is_an_error);
    tcase_add_test(tests, a_read_error_ends_the_run);
    tcase_add_test(tests, cancel_is_seen);
    return RUN_SUITE("run", tests);
}
