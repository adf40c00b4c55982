#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The benchmark's page in a real browser, as wide as a phone and as wide as a desk: nothing is asked
# of the network, the console stays empty, nothing is wider than the page, no text of a plot is cut.

set -u
: "${top_srcdir:?run it with make check}" "${top_builddir:?}"
browser=''
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && browser=$name && break
done
[ -n "$browser" ] || { echo 'no chromium here'; exit 77; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/bench-page.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
unset FAKE_MODE FAKE_WHEN FAKE_LOG FAKE_SLEEP FAKE_ARM FAKE_TIME
failed=0

fail() {
    printf 'FAIL: %s\n' "$*"
    failed=1
}

# Opens a page; its document goes to $dir/dom, its console to $dir/console. No name resolves.
open_page() { # FILE
    rm -rf "$dir/profile"
    timeout 120 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
        --no-first-run --hide-scrollbars --disable-background-networking --disable-component-update --disable-sync \
        --host-resolver-rules='MAP * ~NOTFOUND' --allow-file-access-from-files \
        --user-data-dir="$dir/profile" --enable-logging=stderr --v=0 \
        --virtual-time-budget=4000 --dump-dom "file://$1" >"$dir/dom" 2>"$dir/stderr" </dev/null
    grep 'CONSOLE' "$dir/stderr" >"$dir/console" || :
}

printf '<!DOCTYPE html><title>x</title><p>here</p>' >"$dir/plain.html"
open_page "$dir/plain.html"
grep -q '<p>here</p>' "$dir/dom" || { echo "$browser does not run here"; exit 77; }

# Frames of these widths around the page, and what is wrong in each.
measure() { # PAGE WIDTH...
    page=$1
    shift
    {
        echo '<!DOCTYPE html><body style="margin:0">'
        for width; do
            printf '<iframe src="%s" style="width:%spx;height:900px;border:0"></iframe>\n' "$page" "$width"
            printf '<pre id="of-%s">not measured</pre>\n' "$width"
        done
        cat <<'SCRIPT'
<script>
function judge(frame) {
  const page = frame.contentDocument, root = page.documentElement, wrong = [];
  for (const asked of frame.contentWindow.performance.getEntriesByType("resource"))
    wrong.push("the page asks for " + asked.name);
  if (root.scrollWidth > root.clientWidth)
    wrong.push("the page is " + root.scrollWidth + " wide in " + root.clientWidth);
  const plots = page.querySelectorAll("svg");
  for (const svg of plots) {
    const outer = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (box.left < outer.left - 1 || box.right > outer.right + 1 ||
          box.top < outer.top - 1 || box.bottom > outer.bottom + 1)
        wrong.push(svg.closest("figure").id + " cuts \"" + text.textContent + "\"");
    }
  }
  return "plots " + plots.length + (wrong.length ? "; " + wrong.join("; ") : "; good");
}
addEventListener("load", function () {
  for (const frame of document.querySelectorAll("iframe"))
    frame.nextElementSibling.textContent = judge(frame);
});
</script>
SCRIPT
    } >"$dir/frame.html"
    open_page "$dir/frame.html"
    [ ! -s "$dir/console" ] || fail "$page: $(cat "$dir/console")"
    for width; do
        result=$(sed -n "s/.*<pre id=\"of-$width\">\([^<]*\).*/\1/p" "$dir/dom")
        case $result in
        'plots 0;'* | '' | 'not measured') fail "$page, $width wide: no plots: $result" ;;
        *'; good') ;;
        *) fail "$page, $width wide: $result" ;;
        esac
    done
}

FAKE_SLEEP=0.05 SOURCE_DATE_EPOCH=0 "$top_builddir/arrowquant-bench" --binary "$top_srcdir/tests/fake-arrowquant" \
    --output-dir "$dir/o" --work-dir "$dir" --all --quick --group speedup_analysis --rounds 3 --quiet \
    --export "html=$dir/page.html" || fail 'the benchmark failed'
FAKE_ARM=arm1 FAKE_TIME=1.08 "$top_builddir/arrowquant-bench" --binary "$top_srcdir/tests/fake-arrowquant" \
    --compare "$top_srcdir/tests/fake-arrowquant" --output-dir "$dir/o" --work-dir "$dir" --quiet \
    --export "html=$dir/comparison.html"
grep -q 'id="gate-forest"' "$dir/comparison.html" || fail 'the comparison has no forest plot'
grep -q 'id="gate-ratios-0"' "$dir/comparison.html" || fail 'the comparison has no ratios'
# A machine of 16 cores, made up, with laws of scaling and their bands; where there is Check.
set -- "$dir/page.html" "$dir/comparison.html"
if [ -x "$top_builddir/tests/test_bench_fit" ]; then
    AQ_PAGE_FILE=$dir/fitted.html "$top_builddir/tests/test_bench_fit" >/dev/null
    grep -q 'class="band"' "$dir/fitted.html" || fail 'the fitted law is not drawn'
    set -- "$@" "$dir/fitted.html"
fi
for page in "$@"; do
    measure "$page" 390 1440
done

# What is looked for is noticed: too wide a page, a text that is cut, a picture from elsewhere, an
# error of a script.
sed 's/<main>/<main style="width:2000px;max-width:none">/
    s/<text class="name"/<text dx="900" class="name"/
    s|</main>|<img src="http://x.invalid/x.png" alt=""/><script>nothing()</script></main>|' \
    "$dir/page.html" >"$dir/bad.html"
(measure "$dir/bad.html" 390) >"$dir/noticed"
for what in 'wide in 390' 'cuts' 'asks for http://x.invalid' 'nothing is not defined'; do
    grep -q "$what" "$dir/noticed" || fail "not noticed: $what in $(cat "$dir/noticed")"
done
exit "$failed"
