// Text from outside on a terminal. Whoever may upload chooses keys. Control characters in them could move the cursor or hide
// what follows, and characters that change the direction of writing could make one name look like another. They are printed
// as JSON writes them, so that printed JSON stays the same JSON. Characters that join emoji stay.

const UNPRINTABLE = /(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Makes text from outside safe to print as a part of a line. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, asInJson);
}

/** The same for text of several lines. */
export function printableLines(text: string): string {
  return text.replace(UNPRINTABLE, (character) =>
    /[\n\t]/.test(character) ? character : asInJson(character),
  );
}

function asInJson(character: string): string {
  const units = character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'));
  return units.map((unit) => `\\u${unit}`).join('');
}
