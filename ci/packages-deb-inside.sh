# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The parts of `ci/packages deb --install-test` that run in the clean system, where /packages has the
# packages and the source. A line that begins with "==>" is shown to the user.

set -eu
cd /packages

case $1 in
    install)
        printf '==> apt install, manual page, quantization, quick benchmark, apt purge\n'
        apt-get -q -y --no-install-recommends install ./arrowquant_*.deb ./libarrowquant0_*.deb
        source/tests/installed.sh manual quantize benchmark
        (cd /tmp && arrowquant-bench --quick --budget 10 --quiet)
        apt-get -q -y purge arrowquant libarrowquant0
        apt-get -q -y --purge autoremove
        ;;
    autopkgtest)
        printf '==> autopkgtest with the null runner\n'
        apt-get -q -y --no-install-recommends install autopkgtest
        autopkgtest ./*.deb ./source/ -- null
        ;;
esac
