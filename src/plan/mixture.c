/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "mixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/small.h"
#include "formats/gguf.h"
#include "mixture_rules.h"

/* ---- presets ---- */

static const preset *preset_of(aq_mixture mixture)
{
    bool known = mixture > AQ_MIXTURE_OF_TYPE && mixture < AQ_MIXTURE_COUNT;
    return known ? &presets[mixture] : NULL;
}

const char *aq_mixture_name(aq_mixture mixture)
{
    const preset *p = preset_of(mixture);
    return p == NULL ? NULL : p->name;
}

aq_type aq_mixture_type(aq_mixture mixture)
{
    const preset *p = preset_of(mixture);
    return p == NULL ? AQ_TYPE_COUNT : p->type;
}

uint32_t aq_mixture_file_type(aq_mixture mixture)
{
    const preset *p = preset_of(mixture);
    return p == NULL ? 0 : p->file_type;
}

int aq_mixture_parse(const char *name, aq_mixture *out)
{
    for (int i = AQ_MIXTURE_OF_TYPE + 1; i < AQ_MIXTURE_COUNT; i++) {
        const preset *p = &presets[i];
        if (strcmp(p->name, name) == 0 || (p->alias != NULL && strcmp(p->alias, name) == 0)) {
            *out = (aq_mixture)i;
            return 0;
        }
    }
    return -1;
}

aq_mixture aq_mixture_of_type(aq_type type)
{
    aq_mixture mixture = AQ_MIXTURE_OF_TYPE;
    const char *name = aq_type_name(type);
    if (name != NULL)
        (void)aq_mixture_parse(name, &mixture);
    return mixture;
}

/* ---- the model ---- */

/* Of ARCHITECTURE.name; `otherwise` where there is no such number. */
static uint64_t number(const aq_model *model, const char *arch, const char *name,
                       uint64_t otherwise)
{
    uint64_t value;
    return aq_gguf_number(model, arch, name, &value) ? value : otherwise;
}

/* The layer that a name speaks of, or -1. */
static long layer_of(const char *name)
{
    char *end;
    if (strncmp(name, "blk.", 4) != 0 || name[4] < '0' || name[4] > '9')
        return -1;
    long layer = strtol(name + 4, &end, 10);
    return *end == '.' && layer <= INT32_MAX ? layer : -1;
}

bool aq_mixture_applies(const aq_model *model)
{
    const char *arch = aq_gguf_string(model, "general.architecture");
    if (model->format != AQ_FORMAT_GGUF || arch == NULL ||
        number(model, arch, "block_count", 0) == 0)
        return false;
    for (size_t i = 0; i < model->tensor_count; i++)
        if (layer_of(model->tensors[i].name) >= 0)
            return true;
    return false;
}

typedef struct sort_key {
    const char *name;
    long layer;
    size_t index;
} sort_key;

static int by_layer_and_name(const void *a, const void *b)
{
    const sort_key *x = a, *y = b;
    if (x->layer != y->layer)
        return x->layer < y->layer ? -1 : 1;
    return strcmp(x->name, y->name);
}

const size_t *aq_mixture_order(const aq_model *model, aq_arena *arena)
{
    size_t n = model->tensor_count;
    sort_key *keys = aq_malloc(n * sizeof *keys);
    size_t *order = aq_arena_alloc(arena, n * sizeof *order);
    bool ok = keys != NULL && order != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        const char *name = model->tensors[i].name;
        keys[i] = (sort_key){name, layer_of(name), i};
    }
    if (ok)
        qsort(keys, n, sizeof *keys, by_layer_and_name);
    for (size_t i = 0; ok && i < n; i++)
        order[i] = keys[i].index;
    aq_free(keys);
    return ok ? order : NULL;
}

/* What llama.cpp takes for a 70B model: 80 layers of one of a few architectures; llama itself with
 * shared heads. */
static bool is_70b(const char *arch, uint64_t layers, bool shared)
{
    for (size_t i = 0; i < sizeof big_archs / sizeof big_archs[0]; i++)
        if (strcmp(arch, big_archs[i].arch) == 0)
            return layers == 80 && (shared || !big_archs[i].shared);
    return false;
}

/* What the rules ask for, and how far along the model is. */
typedef struct survey {
    const preset *preset;
    uint32_t bit; /* of the preset, in a rule's set */
    bool pure;
    unsigned facts;
    bool tied; /* no output head but the embeddings */
    bool layer_in_name;
    uint64_t layers, values; /* of the model; tensors with ROLE_VALUE */
    uint64_t value, down;    /* how many of those roles came before */
} survey;

static role role_of(const char *name)
{
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        const role_name *r = &role_names[i];
        if (r->whole ? strcmp(name, r->text) == 0 : strstr(name, r->text) != NULL)
            return r->role;
    }
    return ROLE_OTHER;
}

static survey survey_model(const aq_model *model, const aq_mixture_request *request)
{
    const char *arch = aq_gguf_string(model, "general.architecture");
    uint64_t heads = number(model, arch, "attention.head_count", 0);
    uint64_t heads_kv = number(model, arch, "attention.head_count_kv", heads);
    uint64_t experts = number(model, arch, "expert_count", 0);
    uint64_t layers = number(model, arch, "block_count", 0);
    uint64_t predicting = number(model, arch, "nextn_predict_layers", 0);
    survey s = {.preset = preset_of(request->mixture),
                .bit = 1u << request->mixture,
                .pure = request->pure,
                .tied = true,
                .layer_in_name = experts > 1,
                .layers = layers};
    s.facts = (strcmp(arch, "falcon") == 0 ? FALCON : 0u) |
              (heads_kv > 0 && heads / heads_kv >= 4 ? GROUPED_4 : 0u) |
              (experts == 8 ? EXPERTS_8 : 0u) |
              (is_70b(arch, layers - predicting, heads != heads_kv) ? LLAMA_70B : 0u) |
              (request->imatrix ? IMATRIX : 0u) | (s.preset->type == AQ_TYPE_Q8_0 ? BASE_Q8_0 : 0u);
    for (size_t i = 0; i < model->tensor_count; i++) {
        role kind = role_of(model->tensors[i].name);
        s.values += kind == ROLE_VALUE;
        s.tied = s.tied && kind != ROLE_OUTPUT;
    }
    return s;
}

/* ---- choosing ---- */

static bool is_there(where place, uint64_t i, uint64_t n)
{
    switch (place) {
    case FIRST_2:
        return i < 2;
    case FIRST_4:
        return i < 4;
    case FIRST_16TH:
        return i < n / 16;
    case FIRST_8TH:
        return i < n / 8;
    case ENDS_AND_THIRDS:
        return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    default:
        return true;
    }
}

/* Counts the tensor, and says which of how many it is. */
static uint64_t place_of(survey *s, role kind, const char *name, uint64_t *of)
{
    if (kind == ROLE_VALUE) {
        *of = s->values;
        return s->value++;
    }
    *of = s->layers;
    if (kind != ROLE_DOWN)
        return 0;
    long layer = layer_of(name);
    uint64_t place = s->down++;
    return s->layer_in_name && layer >= 0 ? (uint64_t)layer : place;
}

static aq_type mixed_type(survey *s, const aq_tensor *t, uint64_t cols)
{
    role kind = role_of(t->name);
    uint64_t n, i = place_of(s, kind, t->name, &n);
    bool broken = cols % aq_type_block(s->preset->type) != 0;
    unsigned facts = s->facts | (broken ? BROKEN_ROW : 0u);
    if (kind == ROLE_EMBEDDING && s->tied)
        kind = ROLE_OUTPUT;
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
        const rule *fits = &rules[r];
        if (fits->role == kind && (fits->presets & s->bit) != 0 &&
            (facts & fits->has) == fits->has && (facts & fits->lacks) == 0 &&
            is_there(fits->where, i, n))
            return fits->type;
    }
    return s->preset->type;
}

/* Fills in a type whose block divides the row. */
static void fit_row(aq_choice *choice, aq_type type, uint64_t cols)
{
    choice->type_id = type;
    choice->substituted = cols % aq_type_block(type) != 0;
    for (size_t i = 0; choice->substituted && i < sizeof substitutes / sizeof substitutes[0]; i++)
        if (substitutes[i].type == type)
            choice->type_id = substitutes[i].instead;
    if (cols % aq_type_block(choice->type_id) != 0)
        choice->type_id = AQ_TYPE_COUNT;
    choice->type = choice->type_id == AQ_TYPE_COUNT ? &aq_half_type : aq_type_get(choice->type_id);
}

/* Dimensions without the outermost ones that are 1, which llama.cpp does not count. */
static uint32_t true_rank(const aq_tensor *t)
{
    uint32_t first = 0;
    while (first < t->rank && t->shape[first] == 1)
        first++;
    return t->rank - first;
}

static const char *spared(const aq_tensor *t)
{
    if (true_rank(t) < 2)
        return "fewer than two dimensions";
    if (!aq_ends_with(t->name, "weight"))
        return "not a weight by its name";
    for (size_t i = 0; i < sizeof spared_parts / sizeof spared_parts[0]; i++)
        if (strstr(t->name, spared_parts[i]) != NULL)
            return "spared by llama's rules";
    for (size_t i = 0; i < sizeof spared_names / sizeof spared_names[0]; i++)
        if (strcmp(t->name, spared_names[i]) == 0)
            return "spared by llama's rules";
    return NULL;
}

/* The embeddings and the output head, which bear more than what lies between them. */
static bool is_end(const char *name)
{
    role kind = role_of(name);
    return kind == ROLE_EMBEDDING || kind == ROLE_OUTPUT;
}

void aq_mixture_choose(const aq_model *model, const aq_mixture_request *request,
                       const size_t *order, aq_choice *choices)
{
    survey s = survey_model(model, request);
    for (size_t i = 0; i < model->tensor_count; i++) {
        const aq_tensor *t = &model->tensors[order[i]];
        aq_choice *choice = &choices[order[i]];
        *choice = (aq_choice){.reason = spared(t), .type_id = AQ_TYPE_COUNT};
        if (choice->reason != NULL)
            continue;
        uint64_t cols = t->shape[t->rank - 1];
        fit_row(choice, s.pure ? s.preset->type : mixed_type(&s, t, cols), cols);
        choice->needs_imatrix = request->mixture == AQ_MIXTURE_Q2_K_S &&
                                choice->type_id == AQ_TYPE_Q2_K && !is_end(t->name);
    }
}
