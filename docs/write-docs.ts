/**
 * Writes the parts of the docs that are made from code: settings, reasons of errors, metrics.
 *
 *     npm run docs
 */
import { replaceMarked } from "../tools/markdown.js";
import { generatedParts } from "./generated-parts.js";

for (const { page, marker, text } of generatedParts()) {
  replaceMarked(page, marker, text);
}
