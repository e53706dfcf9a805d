import { styleText } from 'node:util';

type Colour = 'green' | 'yellow' | 'red' | 'dim';

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

/** For people. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** For other programs. */
export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}
