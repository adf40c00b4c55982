// SPDX-License-Identifier: Apache-2.0
// Usage: node hf_read.cjs ORACLE-DIR gguf FILE.gguf
//        node hf_read.cjs ORACLE-DIR safetensors DIRECTORY FILE-IN-IT
// Prints what Hugging Face's own readers make of a file, as JSON. Nothing is fetched: the hub
// client is given a fetch that serves the directory.
"use strict";
const fs = require("fs");
const path = require("path");

const [oracle, format, target, file] = process.argv.slice(2);

function jsonable(key, value) {
    return typeof value === "bigint" ? Number(value) : value;
}

async function readGguf() {
    const { gguf, GGMLQuantizationType } = require(path.join(oracle, "hf-gguf"));
    const { metadata, tensorInfos, tensorDataOffset } = await gguf(target, { allowLocalFile: true });
    const tensors = tensorInfos.map(({ name, shape, dtype, offset }) => ({
        name,
        shape: shape.map(Number).reverse(),
        dtype: GGMLQuantizationType[dtype],
        offset: Number(offset) + Number(tensorDataOffset),
    }));
    return { metadata, tensors };
}

// The files of `target`, as a hub would serve them: byte ranges, 404 for what is not there.
async function serveDirectory(url, options = {}) {
    const match = /\/resolve\/[^/]+\/(.+)$/.exec(new URL(url).pathname);
    const local = match && path.join(target, match[1]);
    if (!local || !fs.existsSync(local)) {
        return new Response("not found", { status: 404 });
    }
    let body = fs.readFileSync(local);
    const size = body.length;
    const headers = { "content-length": String(size), etag: '"local"' };
    let status = 200;
    const range = /bytes=(\d+)-(\d+)/.exec(new Headers(options.headers).get("range") || "");
    if (range) {
        const [first, last] = range.slice(1).map(Number);
        body = body.subarray(first, last + 1);
        headers["content-range"] = `bytes ${first}-${first + body.length - 1}/${size}`;
        headers["content-length"] = String(body.length);
        status = 206;
    }
    return new Response(options.method === "HEAD" ? null : body, { status, headers });
}

async function readSafetensors() {
    const { parseSafetensorsMetadata } = require(path.join(oracle, "hf-hub"));
    return parseSafetensorsMetadata({
        repo: "local/model",
        path: file,
        computeParametersCount: true,
        hubUrl: "http://localhost",
        fetch: serveDirectory,
    });
}

(format === "gguf" ? readGguf() : readSafetensors()).then(
    (result) => process.stdout.write(JSON.stringify(result, jsonable) + "\n"),
    (error) => {
        process.stderr.write(`${error.stack}\n`);
        process.exit(1);
    },
);
