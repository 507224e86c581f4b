/**
 * Checks the Helm chart by `helm lint` and `helm template`, and what it renders, as well as the plain manifests, by kubeconform against
 * the API of Kubernetes; the settings in them are read by the server's own code. Go builds both tools, once:
 *
 *     npm run check:helm
 *
 * Exit code: 0 when all is right, 1 when something is not, 2 when the tools could not be had.
 */
import { spawnSync } from "node:child_process";
import { loadSettings } from "../../server/src/settings/load-settings.js";
import { ToolMissing } from "../../tools/install-once.js";
import { root } from "../../tools/root.js";
import { installHelm, installKubeconform, installKubernetesSchemas, kubeVersion } from "./tools.js";

const chart = "deploy/helm/dynakv";
const manifests = "deploy/kubernetes/dynakv.yaml";
const open = ["settings.allowAnyoneOnTheNetwork=true"];
const guarded = ["access.existingSecret=dynakv-access", "tls.existingSecret=dynakv-tls"];

/** Values by what they are for. */
const releases: Readonly<Record<string, readonly string[]>> = {
  "tokens and TLS": guarded,
  "tokens behind a mesh": ["access.existingSecret=a", "settings.allowPlaintextOnTheNetwork=true"],
  "everybody, in a network of its own": open,
  "all that there is": [
    ...guarded,
    "access.hasPolicy=true",
    "serviceMonitor.enabled=true",
    "networkPolicy.enabled=true",
    "service.headless=false",
    "settings.memoryBytes=134217728",
    "settings.drainSeconds=45",
    "env[0].name=AWS_REGION",
    "env[0].value=eu-central-1",
    "envFrom[0].secretRef.name=aws",
    "serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=arn:aws:iam::123456789012:role/dynakv",
    "tolerations[0].operator=Exists",
    "nodeSelector.arch=arm64",
    "imagePullSecrets[0].name=registry",
    "podAnnotations.team=kv",
    "podLabels.team=kv",
  ],
  "as little as there is": [
    ...open,
    "podDisruptionBudget.enabled=false",
    "serviceAccount.create=false",
    "preStopSeconds=0",
  ],
};

/** Values that the chart refuses, and what it says. */
const invalidValues: Readonly<Record<string, readonly [values: readonly string[], says: RegExp]>> = {
  "callers that nobody knows": [[], /would not know its callers: set access\.existingSecret/],
  "tokens in plaintext": [["access.existingSecret=a"], /tokens would travel in plaintext: set tls\.existingSecret/],
  "a value that is misspelt": [[...open, "replicas=3"], /replicas/],
  "a port by two names": [[...open, "settings.listen=0.0.0.0:1"], /settings/],
};

let wrong = 0;

function report(what: string, problem: string | undefined): void {
  wrong += problem === undefined ? 0 : 1;
  process.stdout.write(problem === undefined ? `ok    ${what}\n` : `WRONG ${what}\n${problem}\n`);
}

function run(file: string, args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: root, input, encoding: "utf8" });
  return { isDone: status === 0, stdout, output: `${stdout}${stderr}` };
}

const setFlags = (values: readonly string[]) => values.flatMap((value) => ["--set", value]);

function checkSettings(yaml: string): string | undefined {
  const [, block = ""] = /^ {2}dynakv\.json: \|\n((?: {4}.*\n)+)/m.exec(yaml) ?? [];
  try {
    const env = Object.fromEntries(
      [...yaml.matchAll(/name: (DYNAKV_\w+), value: "([^"]*)"/g)].map(([, k, v]) => [k, v]),
    );
    const loaded = loadSettings({ argv: ["--config", "dynakv.json"], env, readFile: () => block });
    if (loaded.kind !== "settings") {
      return "these are no settings";
    }
    const { drainSeconds, listen, adminListen } = loaded.settings;
    const grace = Number(/terminationGracePeriodSeconds: (\d+)/.exec(yaml)?.[1]);
    const pause = Number(/sleep: { seconds: (\d+) }/.exec(yaml)?.[1] ?? 0);
    const ports = [listen, adminListen].map((address) => address?.split(":")[1]);
    return grace <= drainSeconds + pause
      ? `${grace} s are too few for ${pause} s and ${drainSeconds} s`
      : ports.every((port) => yaml.includes(`containerPort: ${port} }`))
        ? undefined
        : `the ports of the container are not ${ports}`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function check(): Promise<number> {
  const [helm, kubeconform, schemas] = [
    await installHelm(),
    await installKubeconform(),
    await installKubernetesSchemas(),
  ];
  const location = `${schemas}/{{ .ResourceKind }}{{ .KindSuffix }}.json`;
  // The API of the Prometheus operator is not Kubernetes' own.
  const conforms = (yaml: string) =>
    run(kubeconform, ["-strict", "-summary", "-skip", "ServiceMonitor", "-schema-location", location, "-"], yaml);

  const template = (values: readonly string[]) =>
    run(helm, ["template", "kv", chart, "--namespace", "dynakv", "--kube-version", kubeVersion, ...setFlags(values)]);
  for (const [name, values] of Object.entries(releases)) {
    const lint = run(helm, ["lint", "--strict", chart, ...setFlags(values)]);
    report(`helm lint: ${name}`, lint.isDone ? undefined : lint.output);
    const rendered = template(values);
    report(`helm template: ${name}`, rendered.isDone ? checkSettings(rendered.stdout) : rendered.output);
    const found = conforms(rendered.stdout);
    report(`kubeconform: ${name}`, found.isDone ? undefined : found.output);
  }
  for (const [name, [values, says]] of Object.entries(invalidValues)) {
    const { isDone, output } = template(values);
    report(`refused: ${name}`, !isDone && says.test(output) ? undefined : output);
  }
  const plain = run("cat", [manifests]).stdout;
  const found = conforms(plain);
  report(`kubeconform: ${manifests}`, found.isDone ? checkSettings(plain) : found.output);
  const misspelt = conforms(plain.replace("failureThreshold", "failureTreshold"));
  report("kubeconform finds a name that is misspelt", misspelt.isDone ? "it did not" : undefined);
  return wrong === 0 ? 0 : 1;
}

process.exitCode = await check().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  return error instanceof ToolMissing ? 2 : 1;
});
