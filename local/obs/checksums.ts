import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** A checksum that is computed piece by piece. */
export interface Checksum {
  update(bytes: Uint8Array): void;
  /** In base64, as headers carry it. */
  digest(): string;
}

/** The checksums of S3 by the name behind `x-amz-checksum-` (S3 API reference, "Checking object integrity"). */
const CHECKSUMS: Readonly<Record<string, () => Checksum>> = {
  crc32: () => {
    let value = 0;
    return {
      update: (bytes) => {
        value = crc32(bytes, value);
      },
      digest: () => base64Of32(value),
    };
  },
  crc32c: () => {
    let value = 0xffffffff;
    return {
      update: (bytes) => {
        for (const byte of bytes) value = (value >>> 8) ^ (CRC32C[(value ^ byte) & 0xff] ?? 0);
      },
      digest: () => base64Of32(~value),
    };
  },
  crc64nvme: () => {
    let [high, low] = [0xffffffff, 0xffffffff];
    return {
      update: (bytes) => {
        for (const byte of bytes) {
          const index = (low ^ byte) & 0xff;
          low = ((low >>> 8) | (high << 24)) ^ (CRC64NVME.low[index] ?? 0);
          high = (high >>> 8) ^ (CRC64NVME.high[index] ?? 0);
        }
      },
      digest: () => Buffer.concat([bytesOf32(~high), bytesOf32(~low)]).toString('base64'),
    };
  },
  sha1: () => hashed('sha1'),
  sha256: () => hashed('sha256'),
};

/** A new checksum of this name; undefined if S3 does not know the name. */
export function newChecksum(name: string): Checksum | undefined {
  return Object.hasOwn(CHECKSUMS, name) ? CHECKSUMS[name]?.() : undefined;
}

function hashed(algorithm: 'sha1' | 'sha256'): Checksum {
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('base64') };
}

function bytesOf32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

function base64Of32(value: number): string {
  return bytesOf32(value).toString('base64');
}

/** CRC-32C, polynomial 1EDC6F41, bits reversed. */
const CRC32C = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/**
 * CRC-64/NVME, polynomial AD93D23594C93659, bits reversed. In two halves, because bitwise operations work on 32 bits.
 */
const CRC64NVME = (() => {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ 0x9a6c9329ac4bc9b5n : value >> 1n;
    high[index] = Number(value >> 32n);
    low[index] = Number(value & 0xffffffffn);
  }
  return { high, low };
})();
