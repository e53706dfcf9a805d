/**
 * Parses JSON of unknown origin.
 * @returns the value, with `null` properties left out, as services mean them; undefined when the text is no JSON
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => (value === null ? undefined : value));
  } catch {
    return undefined;
  }
}
