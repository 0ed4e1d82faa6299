#!/usr/bin/env python3
"""A sync runtime in small: it follows the feed of saves, reads the effective configuration, "syncs" into a table and reports.

    PAIRFORM_TOKEN=… runtime.py http://127.0.0.1:8080 table.db [--rounds N]

A real one would move orders from the shop to the books. This one writes, for each flow that is on, what it would book by: the
configuration's ETag and the terms of payment. What it shows is the contract: a save takes effect at the next sync, and the
report says which configuration was used.
"""

import argparse
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


class Server:
    """The API, asked with a token."""

    def __init__(self, url, token):
        self.url = url.rstrip("/") + "/api/v1"
        self.token = token

    def ask(self, method, path, body=None, headers=None):
        """The status, the JSON body (None where there is none) and the ETag."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data, timeout=90) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None, answer.headers.get("ETag")
        except urllib.error.HTTPError as error:
            if error.code == 304:
                return 304, None, error.headers.get("ETag")
            text = error.read()
            return error.code, json.loads(text) if text else None, None


class Runtime:
    def __init__(self, server, table):
        self.server = server
        self.table = sqlite3.connect(table)
        self.table.execute(
            "CREATE TABLE IF NOT EXISTS synced (integration TEXT, flow TEXT, etag TEXT, terms TEXT, at TEXT)"
        )
        self.etags = {}

    def integrations(self):
        after = ""
        while True:
            query = urllib.parse.urlencode({"after": after, "limit": 200})
            status, page, _ = self.server.ask("GET", f"/integrations?{query}")
            if status != 200:
                raise SystemExit(f"cannot list integrations: {page}")
            yield from (one["id"] for one in page["integrations"])
            if "next" not in page:
                return
            after = page["next"]

    def sync(self, integration):
        """Syncs an integration by what is deployed now. Reads nothing anew where the configuration is as it was."""
        known = self.etags.get(integration)
        path = f"/integrations/{urllib.parse.quote(integration, safe='')}"
        status, configuration, etag = self.server.ask(
            "GET", f"{path}/configuration", headers={"If-None-Match": known} if known else None
        )
        if status == 304:
            return 0
        if status != 200:
            print(f"{integration}: {configuration['detail']}", file=sys.stderr)
            return 0
        # Nothing is booked before the integration is live.
        if configuration["mode"] != "live":
            self.etags[integration] = etag
            return 0
        terms = configuration["categories"].get("payment_methods", {}).get("methods", {})
        for flow in configuration["flows"]:
            self.table.execute(
                "INSERT INTO synced VALUES (?, ?, ?, ?, ?)",
                (integration, flow, etag, json.dumps(terms, sort_keys=True), time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())),
            )
            self.table.commit()
            self.server.ask("POST", f"{path}/syncs", {"flow": flow, "etag": etag, "outcome": "ok"})
        # Only now: what broke off is synced once more.
        self.etags[integration] = etag
        return len(configuration["flows"])

    def follow(self, rounds):
        """Syncs all, and then whatever is saved, as it is saved."""
        _, start, _ = self.server.ask("GET", "/changes?after=now")
        cursor = start["cursor"]
        for integration in self.integrations():
            self.sync(integration)
        print("synced all; waiting for saves", flush=True)
        while rounds != 0:
            query = urllib.parse.urlencode({"after": cursor, "wait": 60})
            status, feed, _ = self.server.ask("GET", f"/changes?{query}")
            if status == 410:
                # Another store, or a copy of it: what is deployed may be anything by now.
                return self.follow(rounds)
            if status != 200:
                print(f"cannot follow the feed: {feed}", file=sys.stderr)
                time.sleep(5)
                continue
            cursor = feed["cursor"]
            for integration in sorted({save["integration"] for save in feed["changes"]}):
                flows = self.sync(integration)
                print(f"{integration}: synced {flows} flows", flush=True)
            if feed["changes"]:
                rounds -= 1


def main():
    parser = argparse.ArgumentParser(description="A sync runtime in small.")
    parser.add_argument("url")
    parser.add_argument("table")
    parser.add_argument("--rounds", type=int, default=-1, help="end after so many answers with saves; goes on when left out")
    arguments = parser.parse_args()
    server = Server(arguments.url, os.environ["PAIRFORM_TOKEN"])
    Runtime(server, arguments.table).follow(arguments.rounds)


if __name__ == "__main__":
    main()
