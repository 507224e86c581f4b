export async function runBroken(_n: string, _o: object): Promise<boolean> {
  return false;
}
