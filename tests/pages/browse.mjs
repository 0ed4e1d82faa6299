// Looks at the served pages in a real browser, over its debugging protocol: every page at several widths, in light and in dark,
// folds closed and open, with axe-core; and does what a person does by keyboard. What it saw is one JSON on stdout.
//
// A plan that says `unjudged` is for figures.
//
//   node browse.mjs CHROMIUM AXE.js PLAN.json FOLDER
//
// PLAN: {"origin", "sign_in", "pages": [{"name", "path"}], "steps": [...]}. A step with a `screen` is looked at in every size and scheme; one
// with a `shot` as it is, and one with `scripts: false` is loaded and pressed while pages may run none. Screens are written to FOLDER. The browser's own files lie
// beside PLAN.json, and are taken away with it.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const [chromium, axePath, planPath, folder] = process.argv.slice(2);
const plan = JSON.parse(readFileSync(planPath, "utf8"));
const axe = readFileSync(axePath, "utf8");
mkdirSync(folder, { recursive: true });
const profile = join(dirname(planPath), "profile");

// The protocol goes over pipes, each message ended by a zero byte.
const browser = spawn(chromium, ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars",
  "--disable-dev-shm-usage", "--remote-debugging-pipe", `--user-data-dir=${profile}`, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
const [out, into] = [browser.stdio[3], browser.stdio[4]];
let last = 0;
const waiting = new Map();
const listeners = [];
let unread = "";
into.setEncoding("utf8");
into.on("data", (piece) => {
  unread += piece;
  const whole = unread.split("\0");
  unread = whole.pop();
  for (const text of whole) take(JSON.parse(text));
});
function take(said) {
  if (said.id) {
    const { done, failed } = waiting.get(said.id);
    waiting.delete(said.id);
    return said.error ? failed(new Error(JSON.stringify(said.error))) : done(said.result);
  }
  for (const listener of [...listeners]) listener(said);
}
let session;
const ask = (method, params = {}, of = session) => new Promise((done, failed) => {
  waiting.set(++last, { done, failed });
  out.write(JSON.stringify({ id: last, method, params, ...(of ? { sessionId: of } : {}) }) + "\0");
});

const { targetId } = await ask("Target.createTarget", { url: "about:blank" });
({ sessionId: session } = await ask("Target.attachToTarget", { targetId, flatten: true }));
const errors = [], requests = [];
listeners.push(({ method, params }) => {
  if (method === "Runtime.exceptionThrown") errors.push(params.exceptionDetails.exception?.description || params.exceptionDetails.text);
  // That a page says "not found", or "not saved", by its status is no fault of it.
  const isStatus = method === "Log.entryAdded" && /the server responded with a status of 4\d\d/.test(params.entry.text);
  // Nobody sits here who could be asked whether he leaves what he typed.
  const isUnasked = method === "Log.entryAdded" && params.entry.text.startsWith("Blocked attempt to show a 'beforeunload'");
  if (method === "Log.entryAdded" && params.entry.level === "error" && !isStatus && !isUnasked) errors.push(`${params.entry.text} ${params.entry.url || ""}`);
  if (method === "Network.requestWillBeSent") requests.push(params.request.url);
});
for (const domain of ["Page", "Runtime", "Network", "Log"]) await ask(`${domain}.enable`);

// A page that does not come within a minute does not come: where it was waited for is told.
const loaded = (where, event = "Page.loadEventFired") => new Promise((done, failed) => {
  const over = setTimeout(() => failed(new Error(`no page came: ${where}`)), 60000);
  const listener = ({ method }) => {
    if (method !== event) return;
    clearTimeout(over);
    listeners.splice(listeners.indexOf(listener), 1);
    done();
  };
  listeners.push(listener);
});
async function go(path) {
  const whole = loaded(path);
  await ask("Page.navigate", { url: plan.origin + path });
  await whole;
}
async function evaluate(expression) {
  const { result, exceptionDetails } = await ask("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(`${expression.slice(0, 200)}: ${exceptionDetails.exception?.description}`);
  return result.value;
}
const size = (width, height) => ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
const scheme = (value) => ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
async function screen(name) {
  // As high as the page, so that what sticks to the bottom of a window lies where the page ends.
  const [width, height, whole] = await evaluate("[innerWidth, innerHeight, Math.min(document.documentElement.scrollHeight, 8000)]");
  await size(width, Math.max(height, whole));
  const { data } = await ask("Page.captureScreenshot", { format: "png" });
  await size(width, height);
  writeFileSync(join(folder, `${name}.png`), Buffer.from(data, "base64"));
}
const judge = async () => {
  if (plan.unjudged) return [];
  if (!(await evaluate("typeof axe === 'object'"))) await evaluate(axe);
  return evaluate(`axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations.map((one) =>
    ({ id: one.id, help: one.help, at: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200) + " " + (node.any[0]?.message || "")) })))`);
};
const wide = () => evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

const seen = { pages: [], steps: {}, errors, foreign: [] };
await go(plan.sign_in);
for (const page of plan.pages) {
  for (const [width, height] of plan.sizes) {
    // At 400 % zoom colours are what they are at 390 px.
    for (const dark of width < 390 ? ["light"] : ["light", "dark"]) {
      await size(width, height);
      await scheme(dark);
      await go(page.path);
      // What is folded is judged once; what stands open holds all of it.
      const closed = width === plan.sizes[0][0] && dark === "light" ? await judge() : [];
      const at = { name: page.name, width, scheme: dark, wide: await wide(), violations: closed };
      await screen(`${page.name}-${width}-${dark}`);
      await evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true");
      at.open = { wide: await wide(), violations: await judge() };
      seen.pages.push(at);
    }
  }
}

// By keyboard alone: what Tab reaches, in the order of the page and in sight.
const press = async (key, code, text) => {
  for (const type of ["keyDown", "keyUp"]) await ask("Input.dispatchKeyEvent", { type, key, code: key, windowsVirtualKeyCode: code, ...(text && type === "keyDown" ? { text } : {}) });
};
if (plan.keyboard) {
  await size(1440, 900);
  await scheme("light");
  await go(plan.keyboard);
  await evaluate("document.activeElement.blur()");
  const reached = [];
  for (let count = 0; count < 400; count++) {
    await press("Tab", 9);
    const at = await evaluate(`(() => { const e = document.activeElement; if (!e || e === document.body) return null;
      const ring = getComputedStyle(e).outlineStyle !== "none" || e.closest("label, fieldset, .seg") !== null;
      const box = e.getBoundingClientRect();
      return { tag: e.tagName, name: e.textContent.trim().slice(0, 40) || e.name, ring, place: [...document.querySelectorAll("*")].indexOf(e), seen: box.width > 0 && box.height > 0 }; })()`);
    if (!at) break;
    if (reached.length && at.place < reached[reached.length - 1].place) break;
    reached.push(at);
  }
  seen.steps.tab = { count: reached.length, hidden: reached.filter((one) => !one.seen).map((one) => one.name),
    bare: reached.filter((one) => !one.ring).map((one) => `${one.tag} ${one.name}`), saves: reached.some((one) => one.tag === "BUTTON" && one.name.startsWith("Save")) };
}
for (const step of plan.steps || []) {
  if (step.scripts === false) await ask("Emulation.setScriptExecutionDisabled", { value: true });
  if (step.size) await size(...step.size);
  if (step.go) await go(step.go);
  // The same form, or another of the page, sent by the same person from another window.
  if (step.other) {
    const [to, body] = await evaluate(`(() => { const form = document.querySelector(${JSON.stringify(step.of || "form[data-save]")}); const all = new URLSearchParams(new FormData(form));
      for (const [name, value] of Object.entries(${JSON.stringify(step.other)})) all.set(name, value); return [form.getAttribute("action"), all.toString()]; })()`);
    const { cookies } = await ask("Network.getCookies", { urls: [plan.origin] });
    const answer = await fetch(plan.origin + to, { method: "POST", redirect: "manual", body, headers: { "Content-Type": "application/x-www-form-urlencoded",
      Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join("; ") } });
    if (answer.status !== 303) throw new Error(`${to}: ${answer.status}`);
  }
  if (step.press) { const whole = loaded(step.name); await evaluate(step.press).catch((why) => { throw new Error(`${step.name}: ${why.message}`); }); await whole; }
  // Back may bring a page out of the browser's memory, which is not loaded.
  if (step.back) {
    const shown = loaded(step.name, "Page.frameNavigated");
    await evaluate("setTimeout(() => history.back())");
    await shown;
    await evaluate("new Promise((done) => document.readyState === 'complete' ? done() : addEventListener('load', () => done()))");
  }
  if (step.scripts === false) await ask("Emulation.setScriptExecutionDisabled", { value: false });
  const at = { value: await evaluate(step.tell || "null"), violations: await judge(), wide: await wide() };
  if (step.screen || step.shot) await screen(step.screen || step.shot);
  for (const [width, height] of step.screen ? plan.sizes : []) {
    for (const dark of width < 390 ? ["light"] : ["light", "dark"]) {
      await size(width, height);
      await scheme(dark);
      at.violations.push(...await judge());
      at.wide = Math.max(at.wide, await wide());
      await screen(`${step.screen}-${width}-${dark}`);
    }
  }
  if (step.screen) { await size(...(step.size || plan.sizes[0])); await scheme("light"); }
  seen.steps[step.name] = at;
}
seen.foreign = requests.filter((url) => !url.startsWith(plan.origin) && !url.startsWith("about:") && !url.startsWith("data:"));
console.log(JSON.stringify(seen));
// Closed rather than killed, so that none of its processes writes once it has ended.
const ended = new Promise((done) => browser.on("exit", done));
ask("Browser.close", {}, null).catch(() => {});
await ended;
process.exit(0);
