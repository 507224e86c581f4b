import { renderFlag } from "../../../common/command-line/render-flag.js";
import { environmentName, flagName } from "./setting-names.js";
import { type SettingDefinition, settingDefinitions } from "./settings.js";

const overview = `dynakv serve [flags]
dynakv doctor [flags]

Serves until SIGTERM or SIGINT. The doctor looks for what a server with these
settings would lack, and changes nothing (--json for programs).

Each setting is taken from the first of these that has it: its flag, its
environment variable, the config file, the connection URL, its default.
The config file is JSON, such as {"ttlSeconds": 600, "createTable": false}.
Without a backend, endpoint, region or access key, the embedded engine serves.

Settings:
`;

const examples = `
Examples:
  dynakv serve
  dynakv serve --backend 'dynamodb://@us-east-1/celery_results?ttl_seconds=600'
  dynakv serve --backend dynamodb://@localhost:8000 --listen 0.0.0.0:50051 \\
    --tls-cert cert.pem --tls-key key.pem --tokens-file tokens.json
`;

/** The text of `dynakv serve --help`: every setting with its flag, environment variable and default. */
export function renderHelp(): string {
  const config = renderFlag("--config FILE", "JSON file with settings", environmentName("config"));
  const settings = settingDefinitions.map((definition) => {
    const { name, type, placeholder, help, bareFlag } = definition;
    const flag = flagName(name);
    const value = bareFlag === undefined ? placeholder : `[${placeholder}]`;
    const usage = type === "boolean" ? `${flag}, ${flag.replace("--", "--no-")}` : `${flag} ${value}`;
    const shown = showDefault(definition);
    return renderFlag(usage, help, `${environmentName(name)}${shown === undefined ? "" : `, default ${shown}`}`);
  });
  return `${overview}${[config, ...settings].join("")}${examples}`;
}

/** The table of settings in Markdown, as docs/settings.md has it. */
export function renderSettingsTable(): string {
  const head = ["setting", "flag", "environment", "Celery's name; part of the URL", "default", "meaning"];
  const rows = settingDefinitions.map((definition) => {
    const { name, celery, url, help } = definition;
    const shown = showDefault(definition);
    const celeryParts = [celery, url].filter((part) => part !== undefined).map((part) => `\`${part}\``);
    return [
      `\`${name}\``,
      `\`${flagName(name)}\``,
      `\`${environmentName(name)}\``,
      celeryParts.join("; "),
      shown === undefined ? "" : `\`${shown}\``,
      help,
    ];
  });
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(" | ")} |\n`;
  return [line(head), `|${"---|".repeat(head.length)}\n`, ...rows.map(line)].join("");
}

function showDefault({ default: fallback }: SettingDefinition): string | undefined {
  return fallback === undefined || fallback === "" ? undefined : String(fallback);
}

function escapeCell(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("*", "\\*");
}
