import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goModuleCache, installGo, runGo } from "../../tools/install-from.js";
import { installOnce } from "../../tools/install-once.js";

export const installHelm = () => installGo({ name: "helm", version: "3.22.0", package: "helm.sh/helm/v3/cmd/helm" });

export const installKubeconform = () =>
  installGo({ name: "kubeconform", version: "0.8.0", package: "github.com/yannh/kubeconform/cmd/kubeconform" });

/** Of the Go module, which has the API of Kubernetes 1.34 in its sources. */
const kubernetes = "1.34.2";
export const kubeVersion = "1.34.0";

/** The parts of the API that the manifests are of. */
const apis = ["api__v1", "apis__apps__v1", "apis__policy__v1", "apis__networking.k8s.io__v1"];

interface Schema {
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  "x-kubernetes-group-version-kind"?: readonly { group: string; version: string; kind: string }[];
  [other: string]: unknown;
}

/** A folder of JSON schemas of Kubernetes' API, as kubeconform reads them: made from the API that its sources publish, once. */
export function installKubernetesSchemas(): Promise<string> {
  return installOnce({ name: "kubernetes-schemas", version: kubernetes, pins: apis }, async (target, run) => {
    mkdirSync(target);
    await runGo(run, ["-C", target, "mod", "init", "schemas"]);
    await runGo(run, ["-C", target, "mod", "download", `k8s.io/kubernetes@v${kubernetes}`]);
    const sources = join(goModuleCache(), `k8s.io/kubernetes@v${kubernetes}`, "api/openapi-spec/v3");
    for (const api of apis) {
      writeSchemas(JSON.parse(readFileSync(join(sources, `${api}_openapi.json`), "utf8")), target);
    }
  });
}

/** One file for each kind, with all that it refers to. */
function writeSchemas({ components }: { components: { schemas: Record<string, Schema> } }, folder: string): void {
  const text = JSON.stringify(components.schemas).replaceAll("#/components/schemas/", "#/definitions/");
  const definitions = JSON.parse(text) as Record<string, Schema>;
  for (const [name, schema] of Object.entries(definitions)) {
    // A name that is misspelt is an error.
    if (schema.properties !== undefined) {
      schema.additionalProperties ??= false;
    }
    // Either a number or text, as the API has it: the published schema says text.
    if (name.endsWith(".IntOrString") || name.endsWith(".Quantity")) {
      definitions[name] = { oneOf: [{ type: "string" }, { type: "number" }] };
    }
  }
  for (const [name, schema] of Object.entries(definitions)) {
    for (const { group, version, kind } of schema["x-kubernetes-group-version-kind"] ?? []) {
      const file = join(folder, [kind, group.split(".")[0], version].filter(Boolean).join("-").toLowerCase());
      if (!existsSync(`${file}.json`)) {
        writeFileSync(`${file}.json`, JSON.stringify({ $ref: `#/definitions/${name}`, definitions }));
      }
    }
  }
}
