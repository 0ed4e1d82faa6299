#!/usr/bin/env node
// Starts the program of this platform, which npm installed as an optional dependency.
"use strict";
const { spawn } = require("node:child_process");
const os = require("node:os");

const name = `@pairform/${process.platform}-${process.arch}`;
let program;
try {
  program = require.resolve(`${name}/bin/pairform${process.platform === "win32" ? ".exe" : ""}`);
} catch {
  console.error(`error: ${name} is not installed`);
  console.error("  = help: install pairform again without --omit=optional; where npm has no package for this platform, use pip or an archive");
  process.exit(70);
}

const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
// The program finishes the save in flight and then ends by itself; so does this.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`error: ${program} could not be started: ${error.message}`);
  process.exit(70);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + os.constants.signals[signal]));
