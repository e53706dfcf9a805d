/** Where a box of this type begins, by its size. */
function boxAt(bytes: Buffer, type: string): number {
  const at = bytes.indexOf(type, bytes.lastIndexOf('moov')) - 4;
  if (at < 0) throw new Error(`there is no box ${type}`);
  return at;
}

/**
 * Adds a clean aperture (ISO/IEC 14496-12, 12.1.4: `clap`), in the middle of the picture, to the only video of an MP4
 * of H.264 whose index stands at its end.
 */
export function withCleanAperture(mp4: Buffer, width: number, height: number): Buffer {
  const bytes = Buffer.from(mp4);
  const box = Buffer.alloc(40);
  box.writeUInt32BE(box.length, 0);
  box.write('clap', 4, 'latin1');
  // Fractions: width, height, and how far its middle is from the picture's.
  [width, 1, height, 1, 0, 1, 0, 1].forEach((value, place) => {
    box.writeUInt32BE(value, 8 + place * 4);
  });
  const entry = boxAt(bytes, 'avc1');
  const end = entry + bytes.readUInt32BE(entry);
  for (const type of ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd', 'avc1']) {
    const at = boxAt(bytes, type);
    bytes.writeUInt32BE(bytes.readUInt32BE(at) + box.length, at);
  }
  return Buffer.concat([bytes.subarray(0, end), box, bytes.subarray(end)]);
}
