// Ajv on YAML files by one schema: node ajv.mjs SCHEMA FILE…
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { parse } from "yaml";

const [schema, ...files] = process.argv.slice(2);
const ajv = new Ajv({ allErrors: true, strict: false });
formats(ajv);
const validate = ajv.compile(JSON.parse(readFileSync(schema, "utf8")));
const wrong = files.filter((file) => !validate(parse(readFileSync(file, "utf8"))));
console.log(`${wrong.length} of ${files.length} are wrong`);
