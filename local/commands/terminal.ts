import { styleText } from 'node:util';

type Colour = 'green' | 'yellow' | 'red' | 'dim';

/**
 * Makes text from outside safe to print. Control characters could move the cursor or hide what follows. Characters that
 * change the direction of writing could make one name look like another. Characters that join emoji stay.
 */
export function printable(text: string): string {
  return text.replace(/(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}

/** Coloured on a terminal that supports colours, unless NO_COLOR is set. Plain in files and pipes. */
export function coloured(colour: Colour, text: string): string {
  const { stdout } = process;
  return stdout.isTTY && stdout.hasColors() ? styleText(colour, text) : text;
}

/** Columns of equal width, two spaces apart. The last one is not padded. */
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
