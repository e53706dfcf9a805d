const BLOCK_BYTES = 512;

/** One file of a tar archive in the ustar format (POSIX.1-1988): header block, content, padding. */
export function tarEntry(name: string, content: Uint8Array, modifiedAtMs: number): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`tar: the name ${name} exceeds 100 bytes`);
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  header.write(name, 0);
  header.write(`${octal(0o644, 7)}\0`, 100);
  header.write(`${octal(0, 7)}\0`, 108);
  header.write(`${octal(0, 7)}\0`, 116);
  header.write(`${octal(content.length, 11)}\0`, 124);
  header.write(`${octal(Math.floor(modifiedAtMs / 1000), 11)}\0`, 136);
  // The checksum is computed with spaces in its own field.
  header.write(' '.repeat(8), 148);
  header.write('0', 156);
  header.write('ustar\x0000', 257);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  const padding = Buffer.alloc((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
  return Buffer.concat([header, content, padding]);
}

/** Ends a tar archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);
