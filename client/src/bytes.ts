/** The bytes of a text in UTF-8, in memory that nobody shares, as WebCrypto wants it. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
