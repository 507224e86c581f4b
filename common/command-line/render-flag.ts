const lineWidth = 80;

/** A flag as all help shows it: how it is written, and what it means, in lines that fit a terminal. */
export function renderFlag(usage: string, help: string, origin?: string): string {
  return `  ${usage}\n${wrap(help)}${origin === undefined ? "" : wrap(`[${origin}]`)}`;
}

function wrap(text: string): string {
  const indent = " ".repeat(6);
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && indent.length + line.length + 1 + word.length > lineWidth) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
    }
  }
  return lines.map((line) => `${indent}${line}\n`).join("");
}
