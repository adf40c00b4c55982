/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "svg.h"

#include <math.h>
#include <string.h>

/* ---- axes ---- */

/* The step of 1, 2 or 5 times a power of ten that makes about five of the span. */
static double round_step(double span)
{
    double power = pow(10, floor(log10(span / 5))), part = span / 5 / power;
    return power * (part > 5 ? 10 : part > 2 ? 5 : part > 1 ? 2 : 1);
}

static svg_axis make_axis(double low, double high, svg_scale scale, double from, double to)
{
    svg_axis axis = {low, high, scale, from, to};
    if (!(high > low))
        axis.high = low > 0 ? 2 * low : low + 1;
    if (scale != SVG_LINEAR) {
        double base = (double)scale;
        /* Ends that are powers already are not to move by a rounding error. */
        axis.low = pow(base, floor(log(axis.low) / log(base) + 1e-9));
        axis.high = pow(base, ceil(log(axis.high) / log(base) - 1e-9));
        if (axis.high <= axis.low)
            axis.high = base * axis.low;
    } else {
        double step = round_step(axis.high - axis.low);
        axis.low = step * floor(axis.low / step);
        axis.high = step * ceil(axis.high / step);
    }
    return axis;
}

svg_axis svg_axis_x(double low, double high, svg_scale scale)
{
    return make_axis(low, high, scale, SVG_LEFT, SVG_RIGHT);
}

svg_axis svg_axis_y(double low, double high, svg_scale scale)
{
    return make_axis(low, high, scale, SVG_BOTTOM, SVG_TOP);
}

double svg_at(const svg_axis *axis, double value)
{
    double part;
    if (axis->scale != SVG_LINEAR)
        part = log(fmax(value, axis->low) / axis->low) / log(axis->high / axis->low);
    else
        part = (value - axis->low) / (axis->high - axis->low);
    return axis->from + fmin(fmax(part, 0), 1) * (axis->to - axis->from);
}

static double next_tick(const svg_axis *axis, double tick)
{
    double ends = axis->high / axis->low;
    /* Every second power of two, or third of ten, where there are many. */
    if (axis->scale == SVG_LOG2)
        return tick * (ends > 0x1p9 ? 4 : 2);
    if (axis->scale == SVG_LOG10)
        return tick * (ends > 1e7 ? 1e3 : ends > 1e5 ? 100 : 10);
    return tick + round_step(axis->high - axis->low);
}

static void tick_text(const svg_axis *axis, double value, char *out, size_t size)
{
    if (axis->scale == SVG_LOG2 && value < 1) {
        (void)snprintf(out, size, "1/%.0f", 1 / value);
        return;
    }
    /* A sum of steps may miss zero by a rounding error. */
    (void)snprintf(out, size, "%.6g", fabs(value) < 1e-12 ? 0.0 : value);
}

static void draw_x(FILE *out, const svg_axis *x, const char *name)
{
    char text[32];
    for (double tick = x->low; tick <= x->high * (1 + 1e-9); tick = next_tick(x, tick)) {
        double at = svg_at(x, tick);
        svg_line(out, "grid", at, SVG_TOP, at, SVG_BOTTOM);
        tick_text(x, tick, text, sizeof text);
        svg_text(out, "tick", at, SVG_BOTTOM + 18, "middle", text);
    }
    svg_text(out, "name", (SVG_LEFT + SVG_RIGHT) / 2.0, SVG_BOTTOM + 38, "middle", name);
}

static void draw_y(FILE *out, const svg_axis *y, const char *name)
{
    char text[32];
    for (double tick = y->low; tick <= y->high * (1 + 1e-9); tick = next_tick(y, tick)) {
        double at = svg_at(y, tick);
        svg_line(out, "grid", SVG_LEFT, at, SVG_RIGHT, at);
        tick_text(y, tick, text, sizeof text);
        svg_text(out, "tick", SVG_LEFT - 6, at + 4, "end", text);
    }
    (void)fprintf(
        out,
        "<text class=\"name\" text-anchor=\"middle\" transform=\"translate(14 %g) rotate(-90)\">",
        (SVG_TOP + SVG_BOTTOM) / 2.0);
    svg_escape(out, name);
    fputs("</text>\n", out);
}

void svg_frame(FILE *out, const svg_axis *x, const svg_axis *y, const char *x_name,
               const char *y_name)
{
    if (x_name != NULL)
        draw_x(out, x, x_name);
    if (y_name != NULL)
        draw_y(out, y, y_name);
    svg_line(out, "axis", SVG_LEFT, SVG_BOTTOM, SVG_RIGHT, SVG_BOTTOM);
    svg_line(out, "axis", SVG_LEFT, SVG_TOP, SVG_LEFT, SVG_BOTTOM);
}

/* ---- figures ---- */

void svg_escape(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            (void)fputc(*text, out);
        }
}

void svg_begin(FILE *out, const char *id, const char *title, const char *description)
{
    (void)fprintf(out, "<figure id=\"%s\">\n<h3>", id);
    svg_escape(out, title);
    (void)fprintf(out,
                  "</h3>\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"%s-t %s-d\">\n"
                  "<title id=\"%s-t\">",
                  SVG_WIDTH, SVG_HEIGHT, id, id, id);
    svg_escape(out, title);
    (void)fprintf(out, "</title><desc id=\"%s-d\">", id);
    svg_escape(out, description);
    fputs("</desc>\n", out);
}

void svg_end(FILE *out, const char *caption)
{
    fputs("</svg>\n<figcaption>", out);
    svg_escape(out, caption);
    fputs("</figcaption>\n</figure>\n", out);
}

/* ---- shapes ---- */

void svg_line(FILE *out, const char *class_name, double x1, double y1, double x2, double y2)
{
    (void)fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
                  class_name, x1, y1, x2, y2);
}

void svg_rect(FILE *out, const char *class_name, double x1, double y1, double x2, double y2)
{
    (void)fprintf(out,
                  "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                  class_name, fmin(x1, x2), fmin(y1, y2), fabs(x2 - x1), fabs(y2 - y1));
}

void svg_curve(FILE *out, const char *class_name, const double *x, const double *y, size_t count)
{
    (void)fprintf(out, "<polyline class=\"%s\" points=\"", class_name);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%.1f,%.1f ", x[i], y[i]);
    fputs("\"/>\n", out);
}

void svg_area(FILE *out, const char *class_name, const double *x, const double *low,
              const double *high, size_t count)
{
    (void)fprintf(out, "<polygon class=\"%s\" points=\"", class_name);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%.1f,%.1f ", x[i], high[i]);
    for (size_t i = count; i > 0; i--)
        (void)fprintf(out, "%.1f,%.1f ", x[i - 1], low[i - 1]);
    fputs("\"/>\n", out);
}

void svg_mark(FILE *out, const char *class_name, int shape, double x, double y, double radius,
              const char *tip)
{
    (void)fprintf(out, "<path class=\"%s\" d=\"", class_name);
    double r = radius;
    switch (shape) {
    case 0:
        (void)fprintf(out, "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0z", x - r, y, r,
                      r, 2 * r, r, r, -2 * r);
        break;
    case 1:
        (void)fprintf(out, "M%.1f %.1fh%.1fv%.1fh%.1fz", x - r, y - r, 2 * r, 2 * r, -2 * r);
        break;
    case 2:
        (void)fprintf(out, "M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz", x, y - 1.3 * r, 1.3 * r,
                      1.3 * r, -1.3 * r, 1.3 * r, -1.3 * r, -1.3 * r);
        break;
    default:
        (void)fprintf(out, "M%.1f %.1fl%.1f %.1fh%.1fz", x, y - 1.2 * r, 1.2 * r, 2.1 * r,
                      -2.4 * r);
    }
    fputs("\"", out);
    if (tip == NULL) {
        fputs("/>\n", out);
        return;
    }
    fputs("><title>", out);
    svg_escape(out, tip);
    fputs("</title></path>\n", out);
}

void svg_text(FILE *out, const char *class_name, double x, double y, const char *anchor,
              const char *text)
{
    (void)fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", class_name,
                  x, y, anchor);
    svg_escape(out, text);
    fputs("</text>\n", out);
}
