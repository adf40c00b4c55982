/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "spans.h"

#include "memory.h"

bool aq_spans_add(aq_spans *spans, aq_span span)
{
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity + spans->capacity / 8 + 64;
        aq_span *items = aq_realloc(spans->items, capacity * sizeof *items);
        if (items == NULL)
            return false;
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count++] = span;
    return true;
}

void aq_spans_free(aq_spans *spans)
{
    aq_free(spans->items);
    *spans = (aq_spans){0};
}

static bool before(const aq_span *a, const aq_span *b)
{
    if (a->begin != b->begin)
        return a->begin < b->begin;
    if (a->end != b->end)
        return a->end < b->end;
    return a->name < b->name;
}

static void swap(aq_span *a, aq_span *b)
{
    aq_span t = *a;
    *a = *b;
    *b = t;
}

static void insertion_sort(aq_span *s, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        aq_span moved = s[i];
        size_t j = i;
        for (; j > 0 && before(&moved, &s[j - 1]); j--)
            s[j] = s[j - 1];
        s[j] = moved;
    }
}

static void sift_down(aq_span *s, size_t root, size_t n)
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && before(&s[child], &s[child + 1]))
            child++;
        if (!before(&s[root], &s[child]))
            return;
        swap(&s[root], &s[child]);
    }
}

static void heap_sort(aq_span *s, size_t n)
{
    for (size_t i = n / 2; i-- > 0;)
        sift_down(s, i, n);
    for (size_t i = n; i-- > 1;) {
        swap(&s[0], &s[i]);
        sift_down(s, 0, i);
    }
}

/* Hoare's partition around the median of three; returns the size of the left part, 0 < m < n. */
static size_t partition(aq_span *s, size_t n)
{
    aq_span *mid = &s[n / 2], *last = &s[n - 1];
    if (before(mid, s))
        swap(mid, s);
    if (before(last, mid)) {
        swap(last, mid);
        if (before(mid, s))
            swap(mid, s);
    }
    aq_span pivot = *mid;
    size_t i = 0, j = n - 1;
    for (;;) {
        while (before(&s[i], &pivot))
            i++;
        while (before(&pivot, &s[j]))
            j--;
        if (i >= j)
            return j + 1;
        swap(&s[i++], &s[j--]);
    }
}

/* Quicksort until an input proves to be made against it, then heapsort: qsort would take as much
 * memory again. */
static void sort(aq_span *s, size_t n, unsigned budget)
{
    while (n > 24) {
        if (budget-- == 0) {
            heap_sort(s, n);
            return;
        }
        size_t left = partition(s, n);
        if (left < n - left) {
            sort(s, left, budget);
            s += left;
            n -= left;
        } else {
            sort(s + left, n - left, budget);
            n = left;
        }
    }
    insertion_sort(s, n);
}

void aq_spans_sort(aq_spans *spans)
{
    unsigned budget = 0;
    for (size_t n = spans->count; n > 1; n /= 2)
        budget += 2;
    sort(spans->items, spans->count, budget);
}
