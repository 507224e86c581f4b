import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { ErrorReason } from "../../../gen/dynakv/v1/error_pb.js";
import { InfoService } from "../../../gen/dynakv/v1/info_service_pb.js";
import { Health } from "../../../gen/grpc/health/v1/health_pb.js";
import type { Call } from "../calls/call.js";
import type { Interceptor } from "../calls/pipeline.js";
import { reflectionServices } from "../calls/reflection.js";
import { DynakvError } from "../errors/dynakv-error.js";
import { methodRights } from "../service/method-rights.js";
import { permissionDenied, type Right, rights } from "../service/principal.js";
import type { Settings } from "../settings/settings.js";
import type { Failures } from "./failed-attempts.js";
import type { Identify } from "./identify.js";
import type { Identity } from "./identity.js";
import type { Policy } from "./policy.js";

export interface AuthenticationOptions {
  /** Undefined where nobody is asked who they are. */
  readonly identify: Identify | undefined;
  /** That of now: the file may be loaded anew. */
  readonly policy: () => Policy;
  readonly failures: Failures;
  readonly introspection: NonNullable<Settings["introspection"]>;
}

/** Right needed by a method: nothing at all, that it is never called, any right, or one for some key at least. */
type Need = "nothing" | "impossible" | "any right" | Right;

/**
 * The interceptor that lets in only whom it knows, and who may do what the method does to some key at least. Which keys the
 * call names stands in its body, and is the service's to check.
 */
export function createAuthentication(options: AuthenticationOptions): Interceptor {
  const { identify, policy, failures } = options;
  const needs = methodNeeds(options.introspection);

  function admit(call: Call, need: Need, identity: Identity | undefined): undefined | Promise<never> {
    if (identity === undefined) {
      return failures.refuse(call);
    }
    refuseImpossible(need);
    const caller = policy().principalFor(identity);
    call.caller = caller;
    if (need === "any right") {
      if (!rights.some((right) => caller.mayAny(right))) {
        throw permissionDenied();
      }
    } else if (!caller.mayAny(need as Right)) {
      throw permissionDenied(need as Right);
    }
    return undefined;
  }

  return (call) => {
    // A path that is served by nobody is not told from others to whom nobody knows.
    const need = call.isPublic ? "nothing" : ((call.method && needs.get(call.method)) ?? "any right");
    if (need === "nothing") {
      return;
    }
    if (identify === undefined) {
      refuseImpossible(need);
      return;
    }
    const identity = identify(call);
    return identity instanceof Promise
      ? identity.then((found) => admit(call, need, found))
      : admit(call, need, identity);
  };
}

function refuseImpossible(need: Need): void {
  if (need === "impossible") {
    throw new DynakvError(ErrorReason.UNIMPLEMENTED, "introspection is disabled on this server");
  }
}

/** Health is for probes, which have no token. */
function methodNeeds(introspection: AuthenticationOptions["introspection"]): ReadonlyMap<DescMethod, Need> {
  const told = { open: "nothing", authenticated: "any right", off: "impossible" } as const;
  const all = (service: DescService, need: Need) => service.methods.map((method): [DescMethod, Need] => [method, need]);
  return new Map<DescMethod, Need>([
    ...methodRights,
    ...all(Health, "nothing"),
    ...[InfoService, ...reflectionServices].flatMap((service) => all(service, told[introspection])),
  ]);
}
