import { styleText } from 'node:util';

type Colour = 'green' | 'yellow' | 'red' | 'dim';

/**
 * Text from outside as it may be printed: control characters could move the cursor or hide what follows, and
 * characters that turn the direction of writing could make a name look like another one. What joins emoji stays.
 */
export function printable(text: string): string {
  return text.replace(/(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** Coloured on a terminal that shows colours, unless NO_COLOR asks for none; plain in files and pipes. */
export function coloured(colour: Colour, text: string): string {
  const { stdout } = process;
  return stdout.isTTY && stdout.hasColors() ? styleText(colour, text) : text;
}

/** Columns of equal width, two spaces apart; the last one is as wide as it is. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const [first = []] = rows;
  const widths = first.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  '),
  );
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For other programs. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}
