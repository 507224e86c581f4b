import type { Figures } from "../../../common/figures.js";
import { fetchBeside } from "../connection/session.js";

/** Why there are no figures. */
export class NoFigures extends Error {}

export async function readFigures(signal: AbortSignal): Promise<Figures> {
  const response = await fetchBeside("console/metrics", { signal });
  if (response.status === 401 || response.status === 403) {
    throw new NoFigures("The server shows its figures to callers that it knows, and that may do anything at all.");
  }
  if (!response.ok) {
    throw new NoFigures("This server does not show its figures here.");
  }
  return (await response.json()) as Figures;
}
