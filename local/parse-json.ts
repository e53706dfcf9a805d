/** @returns undefined for what is not JSON, which itself has no such value */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
