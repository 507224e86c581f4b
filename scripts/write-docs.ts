/**
 * Writes the tables of the docs that are made from code: the settings in README.md and the reasons in docs/errors.md.
 *
 *     npm run docs
 */
import { renderReasonsTable } from "../server/src/error-reasons.js";
import { renderSettingsTable } from "../server/src/settings/help.js";
import { replaceMarked } from "./markdown.js";

replaceMarked("README.md", "settings", renderSettingsTable());
replaceMarked("docs/errors.md", "reasons", renderReasonsTable());
