import { newChecksum } from '../../../local/obs/checksums';

const hex = (name: string, text: string) => {
  const checksum = newChecksum(name)!;
  // Cut anywhere, it is the same.
  checksum.update(Buffer.from(text.slice(0, 4)));
  checksum.update(Buffer.from(text.slice(4)));
  return Buffer.from(checksum.digest(), 'base64').toString('hex');
};

// Check values of the catalogue of parametrised CRC algorithms; FIPS 180-4 for the others.
test.each([
  ['crc32', '123456789', 'cbf43926'],
  ['crc32c', '123456789', 'e3069283'],
  ['crc64nvme', '123456789', 'ae8b14860a799888'],
  ['sha1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
])('%s of %s is %s', (name, text, expected) => {
  expect(hex(name, text)).toBe(expected);
});

test.each(['md5', 'constructor', ''])('%p is not a checksum of S3', (name) => {
  expect(newChecksum(name)).toBeUndefined();
});
