/* SPDX-License-Identifier: Apache-2.0 */
#include <config.h>

#include "html_parts.h"
#include "svg.h"
#include "util.h"

#include <math.h>

/* Okabe and Ito's colours, which are told apart by the colour-blind too. */
static const char style[] =
    ":root{--bg:#fff;--fg:#1b1f24;--dim:#5a6470;--line:#d5dae0;--region:#0001;"
    "--s0:#0072b2;--s1:#d55e00;--s2:#009e73;--s3:#cc79a7;--s4:#b07800;--s5:#3a8fc2;"
    "--good:#00734f;--bad:#b83200;--open:#8a6100}\n"
    "@media(prefers-color-scheme:dark){:root{--bg:#14181d;--fg:#e6e9ed;--dim:#a3adb8;"
    "--line:#39424d;--region:#fff2;--s0:#56b4e9;--s1:#ff8c42;--s2:#2fc79b;--s3:#e2a1c6;"
    "--s4:#f0b93a;--s5:#8fd0f5;--good:#3ecf9a;--bad:#ff8f66;--open:#e8b84a}}\n"
    "@media print{:root{--bg:#fff;--fg:#000;--dim:#333;--line:#bbb;--region:#0001;--s0:#0072b2;"
    "--s1:#d55e00;--s2:#009e73;--s3:#cc79a7;--s4:#b07800;--s5:#3a8fc2;--good:#00734f;"
    "--bad:#b83200;--open:#8a6100}figure,tr{break-inside:avoid}details>*{display:block}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--fg);"
    "font:16px/1.5 system-ui,sans-serif}main{max-width:84rem;margin:auto;padding:1rem}\n"
    "h1{font-size:1.6rem;margin:.5rem 0}h2{margin:2.5rem 0 .5rem;border-bottom:1px solid "
    "var(--line)}h3{margin:.2rem 0;font-size:1rem}p{margin:.4rem "
    "0}.dim,figcaption{color:var(--dim)}"
    "figcaption{font-size:.85rem}\n"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));"
    "gap:1.5rem}figure{margin:0;max-width:32rem}svg{width:100%;height:auto;display:block}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;"
    "margin:.6rem 0;font-size:.88rem}th,td{padding:.25rem .5rem;text-align:right;border-bottom:1px "
    "solid "
    "var(--line);white-space:nowrap}th:first-child,td:first-child,td.note{text-align:left}"
    "td.note{white-space:normal;min-width:14rem}\n"
    "code{font-size:.9em;overflow-wrap:anywhere}.good{color:var(--good)}.bad{color:var(--bad)}"
    ".open{color:var(--open)}summary{cursor:pointer;margin:.6rem 0}\n"
    "svg text{fill:var(--fg);font:13px system-ui,sans-serif}svg .tick{font-size:12px;"
    "fill:var(--dim)}svg .hint{font-size:12px;fill:var(--dim)}.grid{stroke:var(--line);"
    "stroke-width:.6}.axis{stroke:var(--dim)}.ideal{stroke:var(--dim);stroke-width:1}"
    ".band{fill:var(--s1);opacity:.2}.c{fill:none;stroke-width:1.8}.t0{stroke:var(--s0)}"
    ".t1{stroke:var(--s1)}.t2{stroke:var(--s2)}.t3{stroke:var(--s3)}.t4{stroke:var(--s4)}"
    ".t5{stroke:var(--s5)}.ring{fill:none;stroke:var(--dim);stroke-width:1}"
    ".rug{stroke:var(--fg);stroke-width:.7;opacity:.7}.roof{fill:var(--region);"
    "stroke:var(--dim);stroke-width:1}.b{stroke:var(--bg);stroke-width:.6}\n"
    ".limit{stroke:var(--bad);stroke-width:1.6;stroke-dasharray:6 4}.region{fill:var(--region)}"
    ".fit{fill:none;stroke:var(--s1);stroke-width:1.6}.whisker{stroke:var(--fg);stroke-width:1.4}."
    "median{stroke:var(--fg);stroke-width:2}"
    "svg .label,svg "
    ".hint{paint-order:stroke;stroke:var(--bg);stroke-width:2.5px;stroke-opacity:.85}\n"
    ".range{fill:var(--s0);opacity:.25}\n"
    ".p{stroke:var(--bg);stroke-width:.6}.s0{fill:var(--s0)}.s1{fill:var(--s1)}"
    ".s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}.s5{fill:var(--s5)}"
    ".p.hollow{fill:var(--bg);stroke:var(--s0);stroke-width:1.6}.p.good{fill:var(--good)}"
    ".p.bad{fill:var(--bad)}.p.open{fill:var(--open)}\n";

/* ---- cells ---- */

void bench_html_number(FILE *out, double value, const char *suffix)
{
    char text[40];
    (void)fprintf(out, "<td>%s%s</td>", isfinite(value) ? bench_number(value, text, 40) : "–",
                  isfinite(value) ? suffix : "");
}

void bench_html_range(FILE *out, double low, double high)
{
    char from[40], to[40];
    if (isfinite(low) && isfinite(high))
        (void)fprintf(out, "<td>%s – %s</td>", bench_number(low, from, sizeof from),
                      bench_number(high, to, sizeof to));
    else
        fputs("<td>–</td>", out);
}

void bench_html_text(FILE *out, const char *class_name, const char *text)
{
    (void)fprintf(out, "<td class=\"%s\">", class_name);
    svg_escape(out, text);
    fputs("</td>", out);
}

void bench_html_begin(FILE *out, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
          "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>",
          out);
    fputs(title, out);
    fputs("</title>\n<link rel=\"icon\" href=\"data:,\"/>\n<style>\n", out);
    fputs(style, out);
    (void)fprintf(out, "</style>\n</head>\n<body>\n<main>\n<h1>%s</h1>\n", title);
}

void bench_html_end(FILE *out)
{
    fputs("</main>\n</body>\n</html>\n", out);
}
