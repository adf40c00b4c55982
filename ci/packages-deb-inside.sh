# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# The part of `ci/packages deb --install-test` that runs in the clean system, where /packages has the
# packages and the unpacked source. A line that begins with "==>" is shown to the user.

set -eu
cd /packages

# What autopkgtest installs for its tests goes with the rest.
printf '==> autopkgtest with the null runner\n'
autopkgtest ./*.deb ./source/ -- null
apt-get -q -y purge arrowquant libarrowquant0 libarrowquant-dev
apt-get -q -y --purge autoremove

printf '==> apt install, manual page, quantization, quick benchmark\n'
apt-get -q -y --no-install-recommends install ./arrowquant_*.deb ./libarrowquant0_*.deb
source/tests/installed.sh manual quantize benchmark
printf '==> arrowquant-bench --quick\n'
(cd /tmp && arrowquant-bench --quick --budget 10 --quiet)
apt-get -q -y purge arrowquant libarrowquant0
apt-get -q -y --purge autoremove
