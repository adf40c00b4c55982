/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "utf8.h"

static bool continues(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

size_t aq_utf8_char(const char *s, size_t size)
{
    const unsigned char *u = (const unsigned char *)s;
    if (size == 0)
        return 0;
    if (u[0] < 0x80)
        return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4 || size < 2 || !continues(u[1]))
        return 0;
    if (u[0] < 0xe0)
        return 2;
    if (size < 3 || !continues(u[2]))
        return 0;
    if (u[0] < 0xf0) {
        bool overlong = u[0] == 0xe0 && u[1] < 0xa0;
        bool surrogate = u[0] == 0xed && u[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    bool overlong = u[0] == 0xf0 && u[1] < 0x90;
    bool past_last = u[0] == 0xf4 && u[1] > 0x8f;
    return size < 4 || !continues(u[3]) || overlong || past_last ? 0 : 4;
}

bool aq_utf8_valid(const char *s, size_t size)
{
    for (size_t i = 0; i < size;) {
        size_t n = aq_utf8_char(s + i, size - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

size_t aq_utf8_put(char *out, unsigned code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, code >>= 6)
        out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(lead[n] | code);
    return n;
}
