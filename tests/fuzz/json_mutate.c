/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "fuzz.h"

#include <string.h>

enum { TOKENS = 1024 };

typedef struct token {
    size_t at, length;
} token;

/* What the readers tell apart, and the edges of what they accept. */
static const char *const words[] = {"{",
                                    "}",
                                    "[",
                                    "]",
                                    ":",
                                    ",",
                                    "null",
                                    "true",
                                    "false",
                                    "\"\"",
                                    "0",
                                    "1",
                                    "-1",
                                    "-0",
                                    "01",
                                    "1.5",
                                    "1e3",
                                    "1e999",
                                    "255",
                                    "256",
                                    "65535",
                                    "65536",
                                    "2147483648",
                                    "4294967295",
                                    "4294967296",
                                    "9007199254740993",
                                    "9223372036854775807",
                                    "9223372036854775808",
                                    "18446744073709551615",
                                    "18446744073709551616",
                                    "340282366920938463463374607431768211456",
                                    "\"F64\"",
                                    "\"F32\"",
                                    "\"F16\"",
                                    "\"BF16\"",
                                    "\"F4\"",
                                    "\"F6_E2M3\"",
                                    "\"F8_E8M0\"",
                                    "\"BOOL\"",
                                    "\"I64\"",
                                    "\"U8\"",
                                    "\"dtype\"",
                                    "\"shape\"",
                                    "\"data_offsets\"",
                                    "\"__metadata__\"",
                                    "\"weight_map\"",
                                    "\"metadata\"",
                                    "\"1.safetensors\"",
                                    "\"../1.safetensors\"",
                                    "\"a/b.safetensors\"",
                                    "\".safetensors\"",
                                    "\"\\u0000\"",
                                    "\"\\ud83d\\ude00\"",
                                    "\"\\ud83d\"",
                                    "\"\\udc00\"",
                                    "\"\\u0061\"",
                                    "\"\\\"\"",
                                    "\"\xc3\xa9\"",
                                    "\"\xc0\x80\"",
                                    "\"\xed\xa0\x80\"",
                                    "\"\x7f\"",
                                    "\"\\x\"",
                                    "[[[[[[[[",
                                    "]]]]]]]]",
                                    "[]",
                                    "{}",
                                    "[0,0]",
                                    "[1,2,3]",
                                    "NaN",
                                    "Infinity",
                                    "\"status\"",
                                    "\"ok\"",
                                    "\"schema_version\"",
                                    "\"threads\"",
                                    "\"workers\""};

static size_t string_end(const uint8_t *text, size_t size, size_t at)
{
    for (at++; at < size && text[at] != '"'; at++)
        if (text[at] == '\\')
            at++;
    return at < size ? at + 1 : size;
}

static int is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '+' || c == '.';
}

static size_t split(const uint8_t *text, size_t size, token tokens[TOKENS])
{
    size_t n = 0;
    for (size_t at = 0; at < size && n < TOKENS;) {
        size_t end = at + 1;
        if (text[at] == '"')
            end = string_end(text, size, at);
        else if (is_word(text[at]))
            while (end < size && is_word(text[end]))
                end++;
        if (strchr(" \t\r\n", text[at]) == NULL || text[at] == '\0')
            tokens[n++] = (token){at, end - at};
        at = end;
    }
    return n;
}

/* A number a little off, so that sums and sizes just miss. */
static size_t step(uint8_t *text, size_t size, size_t room, token t, uint64_t *state)
{
    char old[24], next[32];
    if (t.length >= sizeof old)
        return size;
    memcpy(old, text + t.at, t.length);
    old[t.length] = '\0';
    unsigned long long value = strtoull(old, NULL, 10);
    switch (fuzz_below(state, 5)) {
    case 0:
        value++;
        break;
    case 1:
        value--;
        break;
    case 2:
        value *= 2;
        break;
    case 3:
        value /= 2;
        break;
    default:
        value ^= 1ull << fuzz_below(state, 64);
        break;
    }
    int n = snprintf(next, sizeof next, "%llu", value);
    return fuzz_splice(text, size, room, t.at, t.length, next, (size_t)n);
}

/* A stretch of tokens, repeated where it stands or put in another place. */
static size_t copy_stretch(uint8_t *text, size_t size, size_t room, const token *tokens, size_t n,
                           uint64_t *state)
{
    uint8_t held[512];
    size_t first = fuzz_below(state, n), last = first + fuzz_below(state, 16);
    last = last < n ? last : n - 1;
    size_t begin = tokens[first].at, length = tokens[last].at + tokens[last].length - begin;
    size_t to = fuzz_below(state, 2) == 0 ? begin : tokens[fuzz_below(state, n)].at;
    if (length > sizeof held)
        return size;
    memcpy(held, text + begin, length);
    return fuzz_splice(text, size, room, to, 0, held, length);
}

static size_t exchange(uint8_t *text, size_t size, size_t room, const token *tokens, size_t n,
                       uint64_t *state)
{
    uint8_t held[512];
    token a = tokens[fuzz_below(state, n)], b = tokens[fuzz_below(state, n)];
    if (a.length > sizeof held)
        return size;
    memcpy(held, text + a.at, a.length);
    return fuzz_splice(text, size, room, b.at, b.length, held, a.length);
}

size_t fuzz_mutate_json(uint8_t *text, size_t size, size_t room, uint64_t *state)
{
    token tokens[TOKENS];
    size_t n = split(text, size, tokens);
    if (n == 0)
        return LLVMFuzzerMutate(text, size, room);
    token t = tokens[fuzz_below(state, n)];
    const char *word = words[fuzz_below(state, sizeof words / sizeof *words)];
    switch (fuzz_below(state, 7)) {
    case 0:
        return fuzz_splice(text, size, room, t.at, t.length, "", 0);
    case 1:
        return fuzz_splice(text, size, room, t.at, t.length, word, strlen(word));
    case 2:
        return fuzz_splice(text, size, room, t.at, 0, word, strlen(word));
    case 3:
        return exchange(text, size, room, tokens, n, state);
    case 4:
        return copy_stretch(text, size, room, tokens, n, state);
    case 5: /* a number, if one is near */
        for (size_t i = 0; i < 16 && (text[t.at] < '0' || text[t.at] > '9'); i++)
            t = tokens[fuzz_below(state, n)];
        return step(text, size, room, t, state);
    default:
        return LLVMFuzzerMutate(text, size, room);
    }
}
