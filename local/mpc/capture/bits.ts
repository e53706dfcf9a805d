/** Reads the numbers in the headers of compressed pictures. After the end all bits are zero. */
export class Bits {
  #at = 0;

  constructor(private readonly bytes: readonly number[]) {}

  take(count: number): number {
    let value = 0;
    for (let place = 0; place < count; place++, this.#at++) {
      value = value * 2 + (((this.bytes[this.#at >> 3] ?? 0) >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  /** ue(v) of ITU-T H.264, 9.1. */
  number(): number {
    let zeros = 0;
    while (zeros < 32 && this.take(1) === 0) zeros++;
    return 2 ** zeros - 1 + this.take(zeros);
  }

  /** se(v) of ITU-T H.264, 9.1.1. */
  signed(): number {
    const number = this.number();
    return number % 2 === 1 ? (number + 1) / 2 : -number / 2;
  }
}
