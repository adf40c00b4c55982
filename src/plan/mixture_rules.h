/* SPDX-License-Identifier: Apache-2.0
 * llama-quantize's presets as tables: which preset gives which tensor more, or fewer, bits than its
 * base type. Only mixture.c includes this. The rules are facts about llama.cpp, learnt from what
 * llama_model_quantize does; tests/mixture.sh holds them against it. */
#ifndef AQ_MIXTURE_RULES_H
#define AQ_MIXTURE_RULES_H

#include "arrowquant.h"

/* In the order of the enum. `file_type` is what general.file_type says of the file. */
typedef struct preset {
    const char *name;
    const char *alias; /* another name, or NULL */
    aq_type type;
    uint32_t file_type;
} preset;

static const preset presets[AQ_MIXTURE_COUNT] = {
    [AQ_MIXTURE_Q8_0] = {"q8_0", NULL, AQ_TYPE_Q8_0, 7},
    [AQ_MIXTURE_Q4_0] = {"q4_0", NULL, AQ_TYPE_Q4_0, 2},
    [AQ_MIXTURE_Q4_1] = {"q4_1", NULL, AQ_TYPE_Q4_1, 3},
    [AQ_MIXTURE_Q5_0] = {"q5_0", NULL, AQ_TYPE_Q5_0, 8},
    [AQ_MIXTURE_Q5_1] = {"q5_1", NULL, AQ_TYPE_Q5_1, 9},
    [AQ_MIXTURE_Q2_K] = {"q2_k", NULL, AQ_TYPE_Q2_K, 10},
    [AQ_MIXTURE_Q2_K_S] = {"q2_k_s", NULL, AQ_TYPE_Q2_K, 21},
    [AQ_MIXTURE_Q3_K_S] = {"q3_k_s", NULL, AQ_TYPE_Q3_K, 11},
    [AQ_MIXTURE_Q3_K_M] = {"q3_k_m", "q3_k", AQ_TYPE_Q3_K, 12},
    [AQ_MIXTURE_Q3_K_L] = {"q3_k_l", NULL, AQ_TYPE_Q3_K, 13},
    [AQ_MIXTURE_Q4_K_S] = {"q4_k_s", NULL, AQ_TYPE_Q4_K, 14},
    [AQ_MIXTURE_Q4_K_M] = {"q4_k_m", "q4_k", AQ_TYPE_Q4_K, 15},
    [AQ_MIXTURE_Q5_K_S] = {"q5_k_s", NULL, AQ_TYPE_Q5_K, 16},
    [AQ_MIXTURE_Q5_K_M] = {"q5_k_m", "q5_k", AQ_TYPE_Q5_K, 17},
    [AQ_MIXTURE_Q6_K] = {"q6_k", NULL, AQ_TYPE_Q6_K, 18},
};

/* ---- what a tensor is, by its name ---- */

/* Tied embeddings are ROLE_OUTPUT: they are the output head as well. */
typedef enum role {
    ROLE_OTHER,
    ROLE_OUTPUT,
    ROLE_EMBEDDING,
    ROLE_VALUE, /* attention's values, alone or together with keys (and queries) */
    ROLE_KEY,
    ROLE_ATTENTION_OUTPUT,
    ROLE_DOWN
} role;

typedef struct role_name {
    const char *text;
    role role;
    int whole; /* all of the name, or any part of it */
} role_name;

static const role_name role_names[] = {
    {"output.weight", ROLE_OUTPUT, 1},
    {"token_embd.weight", ROLE_EMBEDDING, 1},
    {"per_layer_token_embd.weight", ROLE_EMBEDDING, 1},
    {"attn_qkv.weight", ROLE_VALUE, 0},
    {"attn_kv_b.weight", ROLE_VALUE, 0},
    {"attn_v.weight", ROLE_VALUE, 0},
    {"attn_k.weight", ROLE_KEY, 0},
    {"attn_q.weight", ROLE_OTHER, 0},
    {"attn_output.weight", ROLE_ATTENTION_OUTPUT, 0},
    {"ffn_up", ROLE_OTHER, 0},
    {"ffn_gate", ROLE_OTHER, 0},
    {"ffn_down", ROLE_DOWN, 0},
};

/* Parts of names of tensors that are never quantized: norms, routers, positions, convolutions, and
 * small or delicate parts of one architecture or another. */
static const char *const spared_parts[] = {
    "_norm.weight",
    "ffn_gate_inp.weight",
    "ffn_gate_tid2eid.weight",
    "altup",
    "laurel",
    "per_layer_model_proj",
    "ssm_conv1d",
    "shortconv.conv.weight",
    "indexer.k_proj.weight",
    "indexer.q_proj.weight",
    "time_mix_first.weight",
    "time_mix_w0.weight",
    "time_mix_w1.weight",
    "time_mix_w2.weight",
    "time_mix_v0.weight",
    "time_mix_v1.weight",
    "time_mix_v2.weight",
    "time_mix_a0.weight",
    "time_mix_a1.weight",
    "time_mix_a2.weight",
    "time_mix_g1.weight",
    "time_mix_g2.weight",
    "time_mix_decay_w1.weight",
    "time_mix_decay_w2.weight",
    "time_mix_lerp_fused.weight",
    "attn_rel_b.weight",
    ".position_embd",
    "sam.pos_embd",
    "sam.neck.",
    "sam.net_",
    ".rel_pos",
    ".patch_embd",
    ".patch_merger",
    "a.rvq.codebook",
    "mm.a.code_embd",
};
static const char *const spared_names[] = {"position_embd.weight", "token_types.weight"};

/* ---- which tensor gets what ---- */

/* Facts about the model or the row, all of which a rule can ask for, or for their absence. */
enum {
    FALCON = 1,      /* the architecture of that name */
    GROUPED_4 = 2,   /* at least four query heads share a key */
    EXPERTS_8 = 4,   /* exactly eight experts */
    LLAMA_70B = 8,   /* made as that model, whose attention values are small */
    IMATRIX = 16,    /* with an importance matrix */
    BROKEN_ROW = 32, /* the row is no multiple of the base type's block */
    BASE_Q8_0 = 64   /* the base type is q8_0 */
};

/* Which models of 80 layers are LLAMA_70B; `shared`: only where queries share keys. */
static const struct big_arch {
    const char *arch;
    int shared;
} big_archs[] = {{"llama", 1}, {"llama-embed", 1}, {"deci", 0}, {"olmo", 0}, {"qwen2", 0}};

/* Where in the model, of n layers, layer i is. */
typedef enum where {
    ANYWHERE,
    FIRST_2,
    FIRST_4,
    FIRST_16TH, /* i < n / 16, a whole number */
    FIRST_8TH,
    ENDS_AND_THIRDS /* the first and the last eighth, and every third layer between them */
} where;

#define IN(preset) (1u << AQ_MIXTURE_##preset)
#define ALL_PRESETS (~0u)

typedef struct rule {
    role role;
    uint32_t presets;
    unsigned has, lacks; /* facts */
    where where;
    aq_type type;
} rule;

/* The first rule of a tensor's role that fits gives its type; without one it is the base type. */
static const rule rules[] = {
    {ROLE_OUTPUT, ALL_PRESETS, FALCON, 0, ANYWHERE, AQ_TYPE_Q8_0},
    {ROLE_OUTPUT, ALL_PRESETS, BROKEN_ROW, 0, ANYWHERE, AQ_TYPE_Q8_0},
    {ROLE_OUTPUT, ALL_PRESETS, 0, BASE_Q8_0, ANYWHERE, AQ_TYPE_Q6_K},

    {ROLE_VALUE, ALL_PRESETS, EXPERTS_8, 0, ANYWHERE, AQ_TYPE_Q8_0},
    {ROLE_VALUE, IN(Q4_K_M) | IN(Q5_K_M), 0, 0, ENDS_AND_THIRDS, AQ_TYPE_Q6_K},
    {ROLE_VALUE, IN(Q2_K) | IN(Q3_K_S) | IN(Q3_K_M) | IN(Q4_K_S) | IN(Q4_K_M), LLAMA_70B, 0,
     ANYWHERE, AQ_TYPE_Q5_K},
    {ROLE_VALUE, IN(Q2_K_S), LLAMA_70B | GROUPED_4, 0, ANYWHERE, AQ_TYPE_Q5_K},
    {ROLE_VALUE, IN(Q2_K) | IN(Q2_K_S), GROUPED_4, 0, ANYWHERE, AQ_TYPE_Q4_K},
    {ROLE_VALUE, IN(Q2_K), 0, 0, ANYWHERE, AQ_TYPE_Q3_K},
    {ROLE_VALUE, IN(Q3_K_M), 0, 0, FIRST_2, AQ_TYPE_Q5_K},
    {ROLE_VALUE, IN(Q3_K_M), 0, 0, ANYWHERE, AQ_TYPE_Q4_K},
    {ROLE_VALUE, IN(Q3_K_L), 0, 0, ANYWHERE, AQ_TYPE_Q5_K},
    {ROLE_VALUE, IN(Q4_K_S), 0, 0, FIRST_4, AQ_TYPE_Q5_K},

    {ROLE_KEY, ALL_PRESETS, EXPERTS_8, 0, ANYWHERE, AQ_TYPE_Q8_0},

    {ROLE_DOWN, IN(Q2_K), 0, 0, ANYWHERE, AQ_TYPE_Q3_K},
    {ROLE_DOWN, IN(Q2_K_S), 0, 0, FIRST_8TH, AQ_TYPE_Q4_K},
    {ROLE_DOWN, IN(Q3_K_M), 0, 0, FIRST_16TH, AQ_TYPE_Q5_K},
    {ROLE_DOWN, IN(Q3_K_M), 0, FALCON, ANYWHERE, AQ_TYPE_Q4_K},
    {ROLE_DOWN, IN(Q3_K_M), 0, 0, ENDS_AND_THIRDS, AQ_TYPE_Q4_K},
    {ROLE_DOWN, IN(Q3_K_L), FALCON, 0, ANYWHERE, AQ_TYPE_Q4_K},
    {ROLE_DOWN, IN(Q3_K_L), 0, 0, ANYWHERE, AQ_TYPE_Q5_K},
    {ROLE_DOWN, IN(Q4_K_M), FALCON, 0, FIRST_16TH, AQ_TYPE_Q6_K},
    {ROLE_DOWN, IN(Q4_K_M), FALCON, 0, ENDS_AND_THIRDS, AQ_TYPE_Q5_K},
    {ROLE_DOWN, IN(Q4_K_M), 0, FALCON, ENDS_AND_THIRDS, AQ_TYPE_Q6_K},
    {ROLE_DOWN, IN(Q5_K_M), 0, 0, ENDS_AND_THIRDS, AQ_TYPE_Q6_K},
    {ROLE_DOWN, IN(Q4_K_S), 0, FALCON, FIRST_8TH, AQ_TYPE_Q5_K},
    {ROLE_DOWN, IN(Q4_0), IMATRIX, 0, FIRST_8TH, AQ_TYPE_Q4_1},
    {ROLE_DOWN, IN(Q5_0), IMATRIX, 0, FIRST_8TH, AQ_TYPE_Q5_1},

    {ROLE_ATTENTION_OUTPUT, IN(Q3_K_L), FALCON, 0, ANYWHERE, AQ_TYPE_Q4_K},
    {ROLE_ATTENTION_OUTPUT, IN(Q2_K) | IN(Q3_K_S) | IN(Q3_K_M) | IN(Q4_K_S) | IN(Q4_K_M), EXPERTS_8,
     FALCON, ANYWHERE, AQ_TYPE_Q5_K},
    {ROLE_ATTENTION_OUTPUT, IN(Q2_K), 0, EXPERTS_8 | FALCON, ANYWHERE, AQ_TYPE_Q3_K},
    {ROLE_ATTENTION_OUTPUT, IN(Q3_K_M), 0, EXPERTS_8 | FALCON, ANYWHERE, AQ_TYPE_Q4_K},
    {ROLE_ATTENTION_OUTPUT, IN(Q3_K_L), 0, EXPERTS_8 | FALCON, ANYWHERE, AQ_TYPE_Q5_K},
};

/* What a type becomes whose block does not divide the row. Where the substitute's does not either,
 * or where there is none, the tensor becomes float16. */
static const struct substitute {
    aq_type type, instead;
} substitutes[] = {
    {AQ_TYPE_Q2_K, AQ_TYPE_Q4_0}, {AQ_TYPE_Q3_K, AQ_TYPE_Q4_0}, {AQ_TYPE_Q4_K, AQ_TYPE_Q5_0},
    {AQ_TYPE_Q5_K, AQ_TYPE_Q5_1}, {AQ_TYPE_Q6_K, AQ_TYPE_Q8_0},
};

#endif
