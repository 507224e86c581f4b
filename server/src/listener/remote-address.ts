/**
 * The address by which limits tell callers apart: its address, or for IPv6 the network of 64 bits, which is
 * what one machine is given.
 */
export function networkOf(address: string): string {
  if (!address.includes(":")) {
    return address;
  }
  // An address of IPv4 on a socket that takes both.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) {
    return mapped;
  }
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return `${[...before, ...zeros, ...after].slice(0, 4).join(":")}::/64`;
}
