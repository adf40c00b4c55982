#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Validates results against the schema: validate_results.py SCHEMA RESULTS [--broken].

With --broken, also breaks the results in many ways and demands that each is refused. Exits with 77
where python3-jsonschema is not installed."""
import copy
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)


def no_constant(name):
    raise ValueError(f"{name} is not JSON")


def first_ok(results):
    return next(r for r in results["all_results"] if r["status"] == "ok")


def breakages():
    """(what, change): each change makes the results of a run invalid."""
    yield "a missing key", lambda r: r.pop("all_results")
    yield "an unknown key", lambda r: r.update(extra=1)
    yield "another schema version", lambda r: r.update(schema_version=2)
    yield "no results", lambda r: r.update(all_results=[])
    yield "a text for a number", lambda r: first_ok(r).update(quantization_time_s="1")
    yield "a negative time", lambda r: first_ok(r).update(quantization_time_s=-1.0)
    yield "a result without a time", lambda r: first_ok(r).update(quantization_time_s=None)
    yield "a failure with a time", lambda r: first_ok(r).update(status="failed", note="no")
    yield "no samples", lambda r: first_ok(r).update(samples=[])
    yield "a sample without a key", lambda r: first_ok(r)["samples"][0].pop("rss_peak_bytes")
    yield "a checksum cut short", lambda r: first_ok(r).update(checksum="12")
    yield "an unknown outcome", lambda r: r["targets"][0].update(outcome="passed")
    yield "an exit code of usage", lambda r: r.update(exit_code=2)


def first_row(merged, status):
    return next(r for c in merged["results"] for r in c["machines"] if r["status"] == status)


def merged_breakages():
    """(what, change): each change makes joined results invalid that have a row that was not run."""
    yield "a missing key", lambda r: r.pop("results")
    yield "an unknown key", lambda r: r["machines"][0].update(extra=1)
    yield "another schema version", lambda r: r.update(merged_schema_version=2)
    yield "no machines", lambda r: r.update(machines=[])
    yield "a configuration without rows", lambda r: r["results"][0].update(machines=[])
    yield "a row of no machine", lambda r: first_row(r, "ok").update(machine=0)
    yield "a row without a key", lambda r: first_row(r, "ok").pop("speedup")
    yield "a result without a time", lambda r: first_row(r, "ok").update(time_s=None)
    yield "a time without runs", lambda r: first_row(r, "ok")["time_s"].update(count=0)
    yield "a time that was not run", lambda r: first_row(r, "not run").update(
        time_s=first_row(r, "ok")["time_s"])
    yield "a checksum cut short", lambda r: first_row(r, "ok").update(checksum="12")
    yield "an unknown outcome", lambda r: r["machines"][0]["targets"].update(time_7B="passed")
    yield "an unknown target", lambda r: r["machines"][0]["targets"].update(time_8B="met")
    yield "a failure that is a success", lambda r: r.update(failures=["a.json: no"], exit_code=0)
    yield "an exit code of usage", lambda r: r.update(exit_code=2)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    with open(sys.argv[2], encoding="utf-8") as file:
        results = json.load(file, parse_constant=no_constant)
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    wrong = [f"{list(e.absolute_path)}: {e.message[:300]}" for e in validator.iter_errors(results)]
    if "--broken" in sys.argv[3:]:
        merged = "merged_schema_version" in results
        for what, change in merged_breakages() if merged else breakages():
            broken = copy.deepcopy(results)
            change(broken)
            if validator.is_valid(broken):
                wrong.append(f"{what} was taken as valid")
    print("\n".join(wrong) if wrong else f"{sys.argv[2]}: valid")
    return 1 if wrong else 0


sys.exit(main())
